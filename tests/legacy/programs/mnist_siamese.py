"""Two copies of one network say how far apart two digits are; the loss draws equal ones together and pushes others apart.

    python mnist_siamese.py [seed]
"""
import json
import random
import sys

import numpy as np
from keras import backend as K
from keras.layers import Dense, Dropout, Flatten, Input, Lambda
from keras.models import Model
from keras.optimizers import RMSprop
from small_data import digits

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
random.seed(0)
num_classes, epochs = 10, 6


def euclidean_distance(vects):
    x, y = vects
    sum_square = K.sum(K.square(x - y), axis=1, keepdims=True)
    return K.sqrt(K.maximum(sum_square, K.epsilon()))


def eucl_dist_output_shape(shapes):
    shape1, shape2 = shapes
    return (shape1[0], 1)


def contrastive_loss(y_true, y_pred):
    margin = 1
    square_pred = K.square(y_pred)
    margin_square = K.square(K.maximum(margin - y_pred, 0))
    return K.mean(y_true * square_pred + (1 - y_true) * margin_square)


def create_pairs(x, digit_indices):
    """Equal and unequal pairs in turns."""
    pairs, labels = [], []
    n = min(len(digit_indices[d]) for d in range(num_classes)) - 1
    for d in range(num_classes):
        for i in range(n):
            z1, z2 = digit_indices[d][i], digit_indices[d][i + 1]
            pairs += [[x[z1], x[z2]]]
            dn = (d + random.randrange(1, num_classes)) % num_classes
            pairs += [[x[digit_indices[d][i]], x[digit_indices[dn][i]]]]
            labels += [1, 0]
    return np.array(pairs), np.array(labels)


def create_base_network(input_shape):
    input = Input(shape=input_shape)
    x = Flatten()(input)
    x = Dense(64, activation='relu')(x)
    x = Dropout(0.1)(x)
    x = Dense(64, activation='relu')(x)
    return Model(input, x)


def compute_accuracy(y_true, y_pred):
    pred = y_pred.ravel() < 0.5
    return np.mean(pred == y_true)


def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))


(x_train, y_train), (x_test, y_test) = digits(1500, 600)
x_train, x_test = x_train.astype('float32') / 255, x_test.astype('float32') / 255
input_shape = x_train.shape[1:]
tr_pairs, tr_y = create_pairs(x_train, [np.where(y_train == i)[0] for i in range(num_classes)])
te_pairs, te_y = create_pairs(x_test, [np.where(y_test == i)[0] for i in range(num_classes)])

base_network = create_base_network(input_shape)
input_a, input_b = Input(shape=input_shape), Input(shape=input_shape)
processed_a, processed_b = base_network(input_a), base_network(input_b)
distance = Lambda(euclidean_distance, output_shape=eucl_dist_output_shape)([processed_a, processed_b])
model = Model([input_a, input_b], distance)
model.compile(loss=contrastive_loss, optimizer=RMSprop(), metrics=[accuracy])
history = model.fit([tr_pairs[:, 0], tr_pairs[:, 1]], tr_y, batch_size=64, epochs=epochs, verbose=2,
                    validation_data=([te_pairs[:, 0], te_pairs[:, 1]], te_y))
y_pred = model.predict([te_pairs[:, 0], te_pairs[:, 1]])
print('* Accuracy on test set: %0.2f%%' % (100 * compute_accuracy(te_y, y_pred)))
print(json.dumps({'accuracy': float(compute_accuracy(te_y, y_pred)),
                  'metric_accuracy': float(history.history['val_accuracy'][-1]),
                  'loss': float(history.history['val_loss'][-1])}))
