"""Topics of newswires: sequences of words as vectors of 0 and 1, and labels once as vectors, once as whole numbers."""

import numpy as np
from keras import layers, models
from keras.utils.np_utils import to_categorical
from same_start import fill, show

WORDS, TOPICS = 120, 6
random = np.random.RandomState(1)
likely = [random.permutation(WORDS)[:15] for _ in range(TOPICS)]


def newswires(n):
    labels = random.randint(0, TOPICS, n)
    return [[int(w) for w in np.concatenate([random.choice(likely[label], 5), random.randint(1, WORDS, 8)])]
            for label in labels], labels


train_data, train_labels = newswires(200)
test_data, test_labels = newswires(60)
word_index = {f'word{i}': i for i in range(WORDS)}
reverse_word_index = {value: key for key, value in word_index.items()}
decoded_newswire = ' '.join([reverse_word_index.get(i - 3, '?') for i in train_data[0]])


def vectorize_sequences(sequences, dimension=WORDS):
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.
    return results


x_train = vectorize_sequences(train_data)
x_test = vectorize_sequences(test_data)
one_hot_train_labels = to_categorical(train_labels)
one_hot_test_labels = to_categorical(test_labels)


def build_model(loss, units=32):
    model = models.Sequential()
    model.add(layers.Dense(units, activation='relu', input_shape=(WORDS,)))
    model.add(layers.Dense(32, activation='relu'))
    model.add(layers.Dense(TOPICS, activation='softmax'))
    model.compile(optimizer='rmsprop', loss=loss, metrics=['accuracy'])
    return fill(model)


x_val, partial_x_train = x_train[:40], x_train[40:]
y_val, partial_y_train = one_hot_train_labels[:40], one_hot_train_labels[40:]
model = build_model('categorical_crossentropy')
history = model.fit(partial_x_train, partial_y_train, epochs=6, batch_size=40, validation_data=(x_val, y_val), verbose=0,
                    shuffle=False)
results = model.evaluate(x_test, one_hot_test_labels, verbose=0)
predictions = model.predict(x_test)

sparse = build_model('sparse_categorical_crossentropy')
sparse_history = sparse.fit(partial_x_train, np.array(train_labels)[40:], epochs=6, batch_size=40, verbose=0, shuffle=False)
narrow = build_model('categorical_crossentropy', units=4)
narrow_history = narrow.fit(partial_x_train, partial_y_train, epochs=6, batch_size=40, verbose=0, shuffle=False)
show(loss=history.history['loss'], val_loss=history.history['val_loss'], acc=history.history['acc'], results=results,
     sums=predictions.sum(axis=1)[:3], first=predictions[0], best=np.argmax(predictions, axis=1),
     sparse=sparse_history.history['loss'], narrow=narrow_history.history['loss'], text=decoded_newswire)
