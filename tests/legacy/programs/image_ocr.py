"""Numbers of several digits are read from images by convolutions, recurrent layers from both sides, and CTC.

    python image_ocr.py [seed]
"""
import itertools
import json
import sys

import numpy as np
from keras import backend as K
from keras.layers import Activation, Conv2D, Dense, Input, Lambda, MaxPooling2D, Reshape
from keras.layers.merge import add, concatenate
from keras.layers.recurrent import GRU
from keras.models import Model
from keras.optimizers import SGD
from small_data import _GLYPHS

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
img_w, img_h, alphabet, longest, minibatch_size = 48, 12, '0123456789', 4, 32


def paint_text(rng):
    """An image (width, height, 1) of a number, and the number as text."""
    text = ''.join(alphabet[k] for k in rng.randint(0, 10, rng.randint(2, longest + 1)))
    image, left = rng.rand(img_h, img_w) * 0.2, rng.randint(0, 5)
    for c in text:
        glyph = np.kron(np.array([int(b) for b in _GLYPHS[int(c)]]).reshape(5, 3), np.ones((2, 3)))
        image[1:11, left:left + 9] += glyph * 0.8
        left += 10 + rng.randint(0, 2)
    return image.T[:, :, None], text


def batches(rng):
    while True:
        X_data, labels = np.ones([minibatch_size, img_w, img_h, 1]), np.ones([minibatch_size, longest])
        input_length, label_length = np.zeros([minibatch_size, 1]), np.zeros([minibatch_size, 1])
        source_str = []
        for i in range(minibatch_size):
            X_data[i], text = paint_text(rng)
            labels[i, :len(text)] = [alphabet.find(c) for c in text]
            input_length[i], label_length[i] = img_w // 2 - 2, len(text)
            source_str.append(text)
        inputs = {'the_input': X_data, 'the_labels': labels, 'input_length': input_length, 'label_length': label_length,
                  'source_str': np.array(source_str)}
        yield (inputs, {'ctc': np.zeros([minibatch_size])})


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    # the first outputs of recurrent layers are of no use
    y_pred = y_pred[:, 2:, :]
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


def decode_batch(test_func, word_batch):
    out = test_func([word_batch])[0]
    ret = []
    for j in range(out.shape[0]):
        out_best = [k for k, g in itertools.groupby(list(np.argmax(out[j, 2:], 1)))]
        ret.append(''.join(alphabet[k] for k in out_best if k < len(alphabet)))
    return ret


input_data = Input(name='the_input', shape=(img_w, img_h, 1), dtype='float32')
inner = Conv2D(8, (3, 3), padding='same', activation='relu', kernel_initializer='he_normal', name='conv1')(input_data)
inner = MaxPooling2D(pool_size=(2, 2), name='max1')(inner)
inner = Reshape(target_shape=(img_w // 2, img_h // 2 * 8), name='reshape')(inner)
inner = Dense(32, activation='relu', name='dense1')(inner)
gru_1 = GRU(32, return_sequences=True, kernel_initializer='he_normal', name='gru1')(inner)
gru_1b = GRU(32, return_sequences=True, go_backwards=True, kernel_initializer='he_normal', name='gru1_b')(inner)
gru1_merged = add([gru_1, Lambda(lambda x: K.reverse(x, 1))(gru_1b)])
inner = Dense(len(alphabet) + 1, kernel_initializer='he_normal', name='dense2')(concatenate([gru1_merged, inner]))
y_pred = Activation('softmax', name='softmax')(inner)
labels = Input(name='the_labels', shape=[longest], dtype='float32')
input_length = Input(name='input_length', shape=[1], dtype='int64')
label_length = Input(name='label_length', shape=[1], dtype='int64')
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name='ctc')([y_pred, labels, input_length, label_length])
sgd = SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True, clipnorm=5)
model = Model(inputs=[input_data, labels, input_length, label_length], outputs=loss_out)
model.compile(loss={'ctc': lambda y_true, y_pred: y_pred}, optimizer=sgd)
test_func = K.function([input_data], [y_pred])
history = model.fit_generator(batches(np.random.RandomState(3)), steps_per_epoch=40, epochs=4, verbose=2)

word_batch = next(batches(np.random.RandomState(8)))[0]
read = decode_batch(test_func, word_batch['the_input'])
decoded, _ = K.ctc_decode(y_pred[:, 2:], K.squeeze(input_length, 1), greedy=True)
greedy = K.function([input_data, input_length], decoded)([word_batch['the_input'], word_batch['input_length']])[0]
same = [''.join(alphabet[int(k)] for k in row if k >= 0) == text for row, text in zip(greedy, read)]
print(list(zip(read, word_batch['source_str']))[:5])
print(json.dumps({'loss': float(history.history['loss'][-1]), 'first_loss': float(history.history['loss'][0]),
                  'decoded_alike': all(same),
                  'accuracy': float(np.mean([a == b for a, b in zip(read, word_batch['source_str'])]))}))
