"""Networks that see digits and moving squares, and that make digits."""
import numpy as np

from tests import tasks
from tests.tasks import score, task

MNIST = 'data/mnist.npz'


def digits(keras, layers, train, test, epochs, rate=2e-3):
    model = keras.models.Sequential([*layers, keras.layers.Dense(10, activation='softmax')])
    model.compile(loss='sparse_categorical_crossentropy', optimizer=keras.optimizers.Adam(learning_rate=rate),
                  metrics=['accuracy'])
    model.fit(*train, batch_size=32, epochs=epochs, verbose=0)
    return score(model, *test)


@task(data=MNIST)
def mnist_hierarchical_rnn(keras):
    """Rows of pixels to vectors, vectors to a digit (Li et al. 2015)."""
    layers, ((x, y), (tx, ty)) = keras.layers, tasks.mnist(1500)
    inner = layers.LSTM(32, recurrent_activation='sigmoid')
    return digits(keras, [layers.Input((28, 28, 1)), layers.TimeDistributed(inner),
                          layers.LSTM(32, recurrent_activation='sigmoid')], (x[..., None], y), (tx[..., None], ty), 4)


@task(slack=0.08, data=MNIST)
def mnist_irnn(keras):
    """Pixel by pixel of images of 7 x 7, with nearly the identity to begin with (Le et al. 2015)."""
    layers, ((x, y), (tx, ty)) = keras.layers, tasks.mnist()
    inner = layers.SimpleRNN(64, activation='relu', recurrent_initializer=keras.initializers.Identity(0.9),
                             kernel_initializer=keras.initializers.RandomNormal(stddev=0.3))
    parts = [a.reshape(len(a), 7, 4, 7, 4).mean((2, 4)).reshape(len(a), 49, 1) for a in (x, tx)]
    return digits(keras, [layers.Input((49, 1)), inner], (parts[0], y), (parts[1], ty), 10, rate=1e-3)


@task(larger=False, slack=0.05)
def conv_lstm(keras):
    """The next picture of a film of squares that move: the crossentropy."""
    layers, rng = keras.layers, np.random.RandomState(4)
    films = np.zeros((120, 7, 16, 16, 1), 'float32')
    for film in films:
        for _ in range(2):
            place, step = rng.randint(4, 12, 2), rng.randint(-1, 2, 2)
            for t in range(7):
                a, b = (place + t * step) % 16
                film[t, max(a - 2, 0):a + 2, max(b - 2, 0):b + 2] = 1
    x, y = films[:, :-1], films[:, 1:]
    model = keras.models.Sequential([
        layers.Input((6, 16, 16, 1)),
        layers.ConvLSTM2D(8, 3, padding='same', return_sequences=True, recurrent_activation='sigmoid'),
        layers.BatchNormalization(),
        layers.ConvLSTM2D(8, 3, padding='same', return_sequences=True, recurrent_activation='sigmoid'),
        layers.Conv3D(1, 3, padding='same', activation='sigmoid')])
    model.compile(loss='binary_crossentropy', optimizer=keras.optimizers.Adam(learning_rate=5e-3))
    model.fit(x[:100], y[:100], batch_size=10, epochs=15, verbose=0)
    return float(np.ravel(model.evaluate(x[100:], y[100:], verbose=0))[0])


@task(slack=0.03, data=MNIST)
def mnist_siamese(keras):
    """Whether two digits are the same, by the distance of what one network makes of them (Hadsell et al. 2006): accuracy."""
    layers, ops, ((x, y), (tx, ty)) = keras.layers, keras.ops, tasks.mnist(3000)

    def pairs(x, y, count, rng):
        first, second = rng.randint(len(x), size=(2, count))
        for row in range(0, count, 2):
            second[row] = rng.choice(np.flatnonzero(y == y[first[row]]))
        return [x[first].reshape(count, 784), x[second].reshape(count, 784)], (y[first] == y[second]).astype('float32')[:, None]

    rng = np.random.RandomState(5)
    train, test = pairs(x, y, 8000, rng), pairs(tx, ty, 1000, rng)
    base = keras.models.Sequential([layers.Input((784,)), layers.Dense(128, activation='relu'), layers.Dropout(0.1),
                                    layers.Dense(64, activation='relu')])
    a, b = layers.Input((784,)), layers.Input((784,))
    distance = layers.Lambda(lambda pair: ops.sqrt(ops.maximum(
        ops.sum(ops.square(pair[0] - pair[1]), axis=1, keepdims=True), 1e-7)), output_shape=(1,))([base(a), base(b)])
    model = keras.models.Model([a, b], distance)

    def contrastive(true, found):
        return ops.mean(true * ops.square(found) + (1 - true) * ops.square(ops.maximum(1 - found, 0)))

    model.compile(loss=contrastive, optimizer=keras.optimizers.RMSprop(learning_rate=1e-3))
    model.fit(*train, batch_size=128, epochs=8, verbose=0)
    return float(np.mean((model.predict(test[0], verbose=0) < 0.5) == test[1]))


@task(larger=False, slack=3.0, data=MNIST)
def variational_autoencoder(keras):
    """The bound on the likelihood of digits, of which one part is a loss that a layer adds (Kingma and Welling 2014)."""
    layers, ops, ((x, _), (tx, _)) = keras.layers, keras.ops, tasks.mnist(4000)

    class Sample(layers.Layer):
        def call(self, inputs):
            mean, log_variance = inputs
            apart = 1 + log_variance - ops.square(mean) - ops.exp(log_variance)
            self.add_loss(-0.5 * ops.mean(ops.sum(apart, axis=-1)))
            return mean + ops.exp(log_variance / 2) * keras.random.normal(ops.shape(mean))

        def compute_output_shape(self, shapes):
            return shapes[0]

    image = layers.Input((784,))
    hidden = layers.Dense(128, activation='relu')(image)
    z = Sample()([layers.Dense(2)(hidden), layers.Dense(2)(hidden)])
    made = layers.Dense(784, activation='sigmoid')(layers.Dense(128, activation='relu')(z))
    model = keras.models.Model(image, made)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=2e-3),
                  loss=lambda true, found: 784 * keras.losses.binary_crossentropy(true, found))
    flat, tests = x.reshape(-1, 784), tx.reshape(-1, 784)
    model.fit(flat, flat, batch_size=64, epochs=10, verbose=0)
    return float(np.ravel(model.evaluate(tests, tests, verbose=0))[0])


@task(slack=0.1, by='2', data=MNIST, seeds=(1, 2, 3))       # the two wander: from 0.54 to 0.91 by the seed
def mnist_acgan(keras):
    """A generator of digits of a wanted kind, against one network that tells kinds and made ones apart (Odena et al. 2017):
    how often a network that knows digits sees the wanted one in images that were made."""
    layers, models, ((x, y), _) = keras.layers, keras.models, tasks.mnist(4000)
    x = x[..., None] * 2 - 1
    adam = dict(lr=1e-3, beta_1=0.5)

    def stack(*parts):
        return models.Sequential([*parts])

    judge = stack(layers.Conv2D(16, 3, strides=2, padding='same', input_shape=(28, 28, 1)), layers.LeakyReLU(0.2),
                  layers.Dropout(0.3), layers.Conv2D(32, 3, strides=2, padding='same'), layers.LeakyReLU(0.2), layers.Flatten())
    image = layers.Input((28, 28, 1))
    features = judge(image)
    discriminator = models.Model(image, [layers.Dense(1, activation='sigmoid')(features),
                                         layers.Dense(10, activation='softmax')(features)])
    losses = ['binary_crossentropy', 'sparse_categorical_crossentropy']
    discriminator.compile(keras.optimizers.Adam(**adam), losses)
    maker = stack(layers.Dense(7 * 7 * 32, activation='relu', input_dim=32), layers.Reshape((7, 7, 32)),
                  layers.Conv2DTranspose(32, 5, strides=2, padding='same', activation='relu'),
                  layers.BatchNormalization(momentum=0.8),
                  layers.Conv2DTranspose(1, 5, strides=2, padding='same', activation='tanh'))
    noise, kind = layers.Input((32,)), layers.Input((1,), dtype='int32')
    wanted = layers.Flatten()(layers.Embedding(10, 32)(kind))
    generator = models.Model([noise, kind], maker(layers.Multiply()([noise, wanted])))
    discriminator.trainable = False
    both = models.Model([noise, kind], discriminator(generator([noise, kind])))
    both.compile(keras.optimizers.Adam(**adam), losses)
    rng, batch = np.random.RandomState(6), 64

    def draw(count):
        return rng.uniform(-1, 1, (count, 32)).astype('float32'), rng.randint(0, 10, (count, 1)).astype('int32')

    for _ in range(6):
        order = rng.permutation(len(x))
        for begin in range(0, len(x) - batch + 1, batch):
            rows = order[begin:begin + batch]
            z, kinds = draw(batch)
            made = generator.predict_on_batch([z, kinds])
            images = np.concatenate([x[rows], made])
            labels = np.concatenate([y[rows, None], kinds])
            true = np.concatenate([np.full((batch, 1), 0.95), np.zeros((batch, 1))])
            discriminator.train_on_batch(images, [true, labels])
            z, kinds = draw(2 * batch)
            both.train_on_batch([z, kinds], [np.ones((2 * batch, 1)), kinds])

    knows = stack(layers.Conv2D(16, 3, activation='relu', input_shape=(28, 28, 1)), layers.MaxPooling2D(2),
                  layers.Conv2D(32, 3, activation='relu'), layers.MaxPooling2D(2), layers.Flatten(),
                  layers.Dense(10, activation='softmax'))
    knows.compile(keras.optimizers.Adam(lr=2e-3), 'sparse_categorical_crossentropy')
    knows.fit(x, y[:, None], batch_size=64, epochs=4, verbose=0)
    z, kinds = draw(500)
    return float(np.mean(knows.predict(generator.predict([z, kinds])).argmax(1) == kinds[:, 0]))
