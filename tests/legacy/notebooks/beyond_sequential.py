"""Several inputs and outputs, shared layers, models as layers, and callbacks that watch and steer a training."""

import os
import tempfile

import keras
import numpy as np
from keras import Input, layers
from keras.models import Model, load_model
from same_start import fill, show

random = np.random.RandomState(10)
folder = tempfile.mkdtemp()

# a question about a text: two inputs
text_input = Input(shape=(None,), dtype='int32', name='text')
encoded_text = layers.LSTM(8)(layers.Embedding(50, 8)(text_input))
question_input = Input(shape=(None,), dtype='int32', name='question')
encoded_question = layers.LSTM(8)(layers.Embedding(50, 4)(question_input))
concatenated = layers.concatenate([encoded_text, encoded_question], axis=-1)
answer = layers.Dense(10, activation='softmax')(concatenated)
model = Model([text_input, question_input], answer)
model.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['acc'])
fill(model)
text, question = random.randint(1, 50, size=(40, 9)), random.randint(1, 50, size=(40, 5))
answers = keras.utils.to_categorical(text[:, 0] % 10, 10)
by_list = model.fit([text, question], answers, epochs=2, batch_size=10, verbose=0, shuffle=False).history['loss']
fill(model)
by_name = model.fit({'text': text, 'question': question}, answers, epochs=1, batch_size=10, verbose=0, shuffle=False)

# about who writes: three outputs
posts_input = Input(shape=(None,), dtype='int32', name='posts')
x = layers.Embedding(50, 8)(posts_input)
x = layers.Conv1D(12, 3, activation='relu')(x)
x = layers.MaxPooling1D(2)(x)
x = layers.Conv1D(12, 3, activation='relu')(x)
x = layers.GlobalMaxPooling1D()(x)
age = layers.Dense(1, name='age')(x)
income = layers.Dense(4, activation='softmax', name='income')(x)
gender = layers.Dense(1, activation='sigmoid', name='gender')(x)
model = Model(posts_input, [age, income, gender])
model.compile(optimizer='rmsprop', loss={'age': 'mse', 'income': 'categorical_crossentropy', 'gender': 'binary_crossentropy'},
              loss_weights={'age': 0.25, 'income': 1., 'gender': 10.})
fill(model)
posts = random.randint(1, 50, size=(40, 16))
targets = {'age': random.normal(size=40), 'income': np.eye(4)[random.randint(0, 4, 40)], 'gender': random.randint(0, 2, 40)}
outputs = model.fit(posts, targets, epochs=2, batch_size=10, verbose=0, shuffle=False).history

# branches and residual connections, one layer for two inputs, a model as a layer
image_input = Input((16, 16, 3))
branch_a = layers.Conv2D(4, 1, activation='relu', strides=2)(image_input)
branch_b = layers.Conv2D(4, 1, activation='relu')(image_input)
branch_b = layers.Conv2D(4, 3, activation='relu', strides=2, padding='same')(branch_b)
branch_c = layers.AveragePooling2D(3, strides=2, padding='same')(image_input)
branch_c = layers.Conv2D(4, 3, activation='relu', padding='same')(branch_c)
x = layers.concatenate([branch_a, branch_b, branch_c], axis=-1)
y = layers.Conv2D(12, 3, activation='relu', padding='same')(x)
y = layers.add([y, x])
inception = fill(Model(image_input, y))
pictures = random.normal(size=(2, 16, 16, 3))

lstm = layers.LSTM(8)
left_input, right_input = Input(shape=(None, 6)), Input(shape=(None, 6))
left_output, right_output = lstm(left_input), lstm(right_input)
merged = layers.concatenate([left_output, right_output], axis=-1)
predictions = layers.Dense(1, activation='sigmoid')(merged)
model = Model([left_input, right_input], predictions)
model.compile('rmsprop', 'binary_crossentropy')
fill(model)
left_data, right_data = random.normal(size=(2, 20, 4, 6))
shared = model.fit([left_data, right_data], random.randint(0, 2, 20), epochs=2, verbose=0, batch_size=10,
                   shuffle=False).history['loss']
eye = Model(image_input, layers.GlobalAveragePooling2D()(y))
left, right = Input((16, 16, 3)), Input((16, 16, 3))
eyes = Model([left, right], layers.concatenate([eye(left), eye(right)], axis=-1))
seen = eyes.predict([pictures, pictures])


# callbacks
class ActivationLogger(keras.callbacks.Callback):

    def set_model(self, model):
        self.model = model
        layer_outputs = [layer.output for layer in model.layers]
        self.activations_model = keras.models.Model(model.input, layer_outputs)
        self.means = []

    def on_epoch_end(self, epoch, logs=None):
        if self.validation_data is None:
            raise RuntimeError('Requires validation_data.')
        validation_sample = self.validation_data[0][0:1]
        activations = self.activations_model.predict(validation_sample)
        self.means.append(float(activations[-1].mean()))


class LossHistory(keras.callbacks.Callback):

    def on_train_begin(self, logs=None):
        self.losses = []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(float(logs.get('loss')))


x, y = random.normal(size=(60, 5)), random.normal(size=(60, 1))
model = keras.models.Sequential([layers.Dense(8, activation='relu', input_shape=(5,)), layers.Dense(1)])
model.compile('rmsprop', 'mse', metrics=['mae'])
fill(model)
logger, batches = ActivationLogger(), LossHistory()
path = os.path.join(folder, 'my_model.h5')
callbacks_list = [
    keras.callbacks.EarlyStopping(monitor='val_mean_absolute_error', patience=3),
    keras.callbacks.ModelCheckpoint(filepath=path, monitor='val_loss', save_best_only=True),
    keras.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=2),
    keras.callbacks.CSVLogger(os.path.join(folder, 'log.csv')),
    keras.callbacks.TerminateOnNaN(), logger, batches,
]
if 'fastkeras' in keras.__name__:       # Keras 2.2.4 writes them by functions that TensorFlow 2 no longer has
    callbacks_list.append(keras.callbacks.TensorBoard(log_dir=folder, histogram_freq=0))
steered = model.fit(x[:40], y[:40], epochs=40, batch_size=10, callbacks=callbacks_list, validation_data=(x[40:], y[40:]),
                    verbose=0, shuffle=False)
best = load_model(path)
with open(os.path.join(folder, 'log.csv')) as log:
    lines = len(log.readlines())
show(by_list=by_list, by_name=by_name.history['loss'], outputs=outputs['loss'], names=' '.join(sorted(outputs)),
     inception=inception.predict(pictures)[0, 3, 3], shared=shared, twice=bool(np.array_equal(seen[:, :12], seen[:, 12:])),
     epochs=len(steered.epoch), lr=steered.history['lr'], logs=' '.join(sorted(steered.history)), means=logger.means,
     batches=batches.losses[:6], best=best.evaluate(x[40:], y[40:], verbose=0), lines=lines)
