"""Reviews of films, for or against: vectors of words, curves of the history, smaller networks, penalties, dropout."""

import numpy as np
from keras import layers, losses, metrics, models, optimizers, regularizers
from same_start import fill, show

WORDS = 100
random = np.random.RandomState(2)


def reviews(n):
    labels = random.randint(0, 2, n)
    return [np.concatenate([random.randint(0, 20, 6) + 20 * (label + 1), random.randint(0, WORDS, 9)]).tolist()
            for label in labels], labels


(train_data, train_labels), (test_data, test_labels) = reviews(160), reviews(60)


def vectorize_sequences(sequences, dimension=WORDS):
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.
    return results


x_train, x_test = vectorize_sequences(train_data), vectorize_sequences(test_data)
y_train = np.asarray(train_labels).astype('float32')
y_test = np.asarray(test_labels).astype('float32')

model = models.Sequential()
model.add(layers.Dense(16, activation='relu', input_shape=(WORDS,)))
model.add(layers.Dense(16, activation='relu'))
model.add(layers.Dense(1, activation='sigmoid'))
model.compile(optimizer=optimizers.RMSprop(lr=0.003), loss=losses.binary_crossentropy, metrics=[metrics.binary_accuracy])
fill(model)
history = model.fit(x_train[40:], y_train[40:], epochs=8, batch_size=30, validation_data=(x_train[:40], y_train[:40]),
                    verbose=0, shuffle=False)
history_dict = history.history

try:
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    epochs = range(1, len(history_dict['loss']) + 1)
    plt.plot(epochs, history_dict['loss'], 'bo', label='Training loss')
    plt.plot(epochs, history_dict['val_loss'], 'b', label='Validation loss')
    plt.title('Training and validation loss')
    plt.legend()
    plt.clf()
except ImportError:
    pass


def variant(*stack):
    model = models.Sequential(list(stack))
    model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['acc'])
    fill(model)
    return model.fit(x_train, y_train, epochs=3, batch_size=40, validation_data=(x_test, y_test), verbose=0,
                     shuffle=False).history


small = variant(layers.Dense(4, activation='relu', input_shape=(WORDS,)), layers.Dense(1, activation='sigmoid'))
penalised = variant(layers.Dense(16, kernel_regularizer=regularizers.l2(0.001), activation='relu', input_shape=(WORDS,)),
                    layers.Dense(16, kernel_regularizer=regularizers.l1_l2(l1=0.001, l2=0.001), activation='relu'),
                    layers.Dense(1, activation='sigmoid'))
dropped = variant(layers.Dense(16, activation='relu', input_shape=(WORDS,)), layers.Dropout(0.5),
                  layers.Dense(1, activation='sigmoid'))
show(keys=' '.join(sorted(history_dict)), loss=history_dict['loss'], val_loss=history_dict['val_loss'],
     accuracy=history_dict['val_binary_accuracy'], evaluated=model.evaluate(x_test, y_test, verbose=0),
     predicted=model.predict(x_test)[:6, 0], small=small['val_loss'], penalised=penalised['loss'],
     about_dropped=dropped['val_loss'][-1])
