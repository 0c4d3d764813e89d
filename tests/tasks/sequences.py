"""Networks over words, characters and numbers in a row."""
import gzip

import numpy as np

from tests import tasks
from tests.tasks import score, task

IMDB = 'data/imdb_2000_2000_flat.npz'
GATES = {'recurrent_activation': 'sigmoid'}


def classify(keras, layers, length=80, words=5000, epochs=3, rate=2e-3):
    """Accuracy of these layers on reviews."""
    train, test = tasks.imdb(words, length)
    model = keras.models.Sequential([keras.layers.Input((length,), dtype='int32'), *layers,
                                     keras.layers.Dense(1, activation='sigmoid')])
    model.compile(loss='binary_crossentropy', optimizer=keras.optimizers.Adam(learning_rate=rate), metrics=['accuracy'])
    model.fit(*train, batch_size=32, epochs=epochs, verbose=0)
    return score(model, *test)


@task(data=IMDB)
def imdb_cnn(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 50), layers.Dropout(0.2), layers.Conv1D(64, 3, activation='relu'),
                            layers.GlobalMaxPooling1D(), layers.Dense(64), layers.Dropout(0.2), layers.Activation('relu')],
                    length=200)


@task(data=IMDB)
def imdb_lstm(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 64), layers.LSTM(64, dropout=0.2, recurrent_dropout=0.2, **GATES)])


@task(data=IMDB)
def imdb_lstm_masked(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 64, mask_zero=True), layers.LSTM(64, **GATES)])


@task(data=IMDB)
def imdb_gru(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 64), layers.GRU(64, reset_after=True, **GATES)])


@task(data=IMDB)
def imdb_bidirectional_lstm(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 64), layers.Bidirectional(layers.LSTM(32, **GATES)), layers.Dropout(0.5)])


@task(data=IMDB)
def imdb_cnn_lstm(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 64), layers.Dropout(0.25), layers.Conv1D(64, 5, activation='relu'),
                            layers.MaxPooling1D(4), layers.LSTM(32, **GATES)])


@task(data=IMDB)
def imdb_fasttext(keras):
    layers = keras.layers
    return classify(keras, [layers.Embedding(5000, 50), layers.GlobalAveragePooling1D()], length=200, epochs=10, rate=5e-3)


@task(data=IMDB)
def imdb_transformer(keras):
    """A block of attention over words and places, as layers of one's own."""
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self, width, heads, inner, **kwargs):
            super().__init__(**kwargs)
            self.attention = layers.MultiHeadAttention(num_heads=heads, key_dim=width // heads)
            self.inner = keras.models.Sequential([layers.Dense(inner, activation='relu'), layers.Dense(width)])
            self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
            self.drops = [layers.Dropout(0.1) for _ in range(2)]

        def build(self, input_shape):
            self.attention.build(input_shape, input_shape)
            self.inner.build(input_shape)
            for norm in self.norms:
                norm.build(input_shape)

        def call(self, x, training=None):
            x = self.norms[0](x + self.drops[0](self.attention(x, x), training=training))
            return self.norms[1](x + self.drops[1](self.inner(x), training=training))

    class WordsAndPlaces(layers.Layer):
        def __init__(self, length, words, width, **kwargs):
            super().__init__(**kwargs)
            self.length = length
            self.words, self.places = layers.Embedding(words, width), layers.Embedding(length, width)

        def build(self, input_shape):
            self.words.build(input_shape)
            self.places.build((self.length,))

        def call(self, x):
            return self.words(x) + self.places(np.arange(self.length))

    return classify(keras, [WordsAndPlaces(80, 5000, 32), Block(32, 2, 32), layers.GlobalAveragePooling1D(),
                            layers.Dropout(0.1)])


@task(larger=False, slack=0.02)
def lstm_stateful(keras):
    """A moving average over more numbers than one sequence shows: only a network that keeps its state can follow. The mean
    squared error."""
    rng = np.random.RandomState(1)
    noise = rng.uniform(-0.5, 0.5, 2000)
    means = np.convolve(noise, np.ones(4) / 4)[:2000] * 2
    x, y = noise[:, None, None].astype('float32'), means[:, None].astype('float32')
    model = keras.models.Sequential([keras.layers.Input(batch_shape=(1, 1, 1)),
                                     keras.layers.LSTM(16, stateful=True, **GATES), keras.layers.Dense(1)])
    model.compile(loss='mse', optimizer=keras.optimizers.Adam(learning_rate=5e-3))
    reset = getattr(model.layers[0], 'reset_states', None) or model.layers[0].reset_state
    for _ in range(10):
        model.fit(x[:1500], y[:1500], batch_size=1, epochs=1, verbose=0, shuffle=False)
        reset()
    model.predict(x[:1500], batch_size=1, verbose=0)
    found = model.predict(x[1500:], batch_size=1, verbose=0)
    return float(np.mean(np.square(found - y[1500:])))


@task(slack=0.08)
def addition_rnn(keras):
    """Sums of two numbers below 100, sign by sign: the accuracy of signs."""
    signs, layers = '0123456789+ ', keras.layers
    end = layers.Dense(len(signs), activation='softmax')
    rng = np.random.RandomState(2)
    pairs = np.array([(a, b) for a in range(100) for b in range(100)])[rng.permutation(10000)]

    def coded(text, length):
        return np.eye(len(signs), dtype='float32')[[signs.index(c) for c in text.ljust(length)]]

    x = np.stack([coded(f'{a}+{b}', 5)[::-1] for a, b in pairs])
    y = np.stack([coded(str(a + b), 3) for a, b in pairs])
    model = keras.models.Sequential([
        layers.Input((5, len(signs))), layers.LSTM(96, **GATES), layers.RepeatVector(3),
        layers.LSTM(96, return_sequences=True, **GATES), layers.TimeDistributed(end)])
    model.compile(loss='categorical_crossentropy', optimizer=keras.optimizers.Adam(learning_rate=5e-3), metrics=['accuracy'])
    model.fit(x[:9000], y[:9000], batch_size=128, epochs=20, verbose=0)
    return score(model, x[9000:], y[9000:])


@task(larger=False, slack=0.15, data='data/nietzsche.txt.gz')
def lstm_text_generation(keras):
    """The next character after forty: the loss on characters not seen."""
    packed = (tasks.FOLDER[0] / 'data/nietzsche.txt.gz').read_bytes()
    text = gzip.decompress(packed).decode('utf8', 'replace').lower()[:60000]
    signs, layers = sorted(set(text)), keras.layers
    codes = np.array([signs.index(c) for c in text], 'int32')
    places = np.arange(0, len(codes) - 40, 3)
    x, y = codes[places[:, None] + np.arange(40)], codes[places + 40]
    eye, cut = np.eye(len(signs), dtype='float32'), len(places) * 9 // 10
    model = keras.models.Sequential([layers.Input((40, len(signs))), layers.LSTM(64, **GATES),
                                     layers.Dense(len(signs), activation='softmax')])
    model.compile(loss='categorical_crossentropy', optimizer=keras.optimizers.RMSprop(learning_rate=0.01))
    model.fit(eye[x[:cut]], eye[y[:cut]], batch_size=128, epochs=3, verbose=0)
    return float(np.ravel(model.evaluate(eye[x[cut:]], eye[y[cut:]], verbose=0))[0])


@task(slack=0.1)
def attention_seq2seq(keras):
    """Numbers in reverse: an encoder, a decoder that begins in its last state, and attention (Luong et al. 2015). Accuracy of
    numbers."""
    layers, rng = keras.layers, np.random.RandomState(3)
    numbers = rng.randint(1, 11, (3000, 8)).astype('int32')
    targets = numbers[:, ::-1]
    shown = np.concatenate([np.zeros((3000, 1), 'int32'), targets[:, :-1]], 1)
    source, before = layers.Input((8,), dtype='int32'), layers.Input((8,), dtype='int32')
    encoded, h, c = layers.LSTM(48, return_sequences=True, return_state=True, **GATES)(layers.Embedding(11, 24)(source))
    decoded = layers.LSTM(48, return_sequences=True, **GATES)(layers.Embedding(11, 24)(before), initial_state=[h, c])
    weights = layers.Activation('softmax')(layers.Dot(axes=[2, 2])([decoded, encoded]))
    context = layers.Dot(axes=[2, 1])([weights, encoded])
    y = layers.TimeDistributed(layers.Dense(48, activation='tanh'))(layers.Concatenate()([context, decoded]))
    model = keras.models.Model([source, before], layers.TimeDistributed(layers.Dense(11, activation='softmax'))(y))
    model.compile(loss='sparse_categorical_crossentropy', optimizer=keras.optimizers.Adam(learning_rate=5e-3),
                  metrics=['accuracy'])
    model.fit([numbers[:2700], shown[:2700]], targets[:2700, :, None], batch_size=64, epochs=12, verbose=0)
    return score(model, [numbers[2700:], shown[2700:]], targets[2700:, :, None])
