"""The programs of a notebook about Keras 2.0, as they stand in it, with the shapes, orders and messages that it states.

Its programs that load data sets are in tests/datasets/test_documented.py, its photos' tutorial in tests/examples/, and its
conversion from Caffe in tests/converters/caffe/.
"""

import inspect
import textwrap
import warnings

import numpy as np
import pytest
from PIL import Image

from fastkeras import backend, config, utils
from fastkeras.callbacks import LambdaCallback
from fastkeras.layers import Conv2D, Dense, Flatten, Input, concatenate
from fastkeras.models import Model, Sequential
from fastkeras.optimizers import SGD
from fastkeras.preprocessing.image import ImageDataGenerator
from tests.legacy.as_keras import run


@pytest.fixture
def threads():
    before = config.get_num_threads(), config.concurrent_runs()
    yield
    config.set_num_threads(before[0])
    config.set_concurrent_runs(before[1])


@pytest.fixture
def channels_first():
    backend.set_image_dim_ordering('th')
    yield
    backend.set_image_dim_ordering('tf')


def old(program, **names):
    """Run it; it says words of Keras 1, of which warnings tell."""
    with pytest.warns(UserWarning, match='Keras 2 API|dim_ordering'):
        return run(program, **names)


def regressor():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile('sgd', 'mse')
    return model


class Batches(utils.Sequence):
    """Batches of two samples, which notes down what was asked for."""

    def __init__(self, batches, weights=False):
        self.batches, self.weights, self.asked = batches, weights, []

    def __len__(self):
        return self.batches

    def __getitem__(self, i):
        self.asked.append(i)
        batch = np.full((2, 3), i, 'float32'), np.full((2, 1), i, 'float32')
        return (*batch, np.ones(2)) if self.weights else batch


# models and layers

def test_a_stack_of_layers():
    model = run('''
from keras.models import Sequential
from keras.layers import Dense, Activation
model = Sequential([
    Dense(32, input_shape=(784,)),
    Activation('relu'),
    Dense(10),
    Activation('softmax'),
])
''')['model']
    assert [layer.output_shape for layer in model.layers] == [(None, 32), (None, 32), (None, 10), (None, 10)]
    np.testing.assert_allclose(model.predict(np.ones((2, 784))).sum(-1), 1, rtol=1e-5)


def test_flatten_behind_a_convolution_in_words_of_keras_1(channels_first):
    shapes = old('''
from keras.models import Sequential
from keras.layers import Conv2D, Flatten
model = Sequential()
model.add(Conv2D(64, 3, 3,
         border_mode='same',
         input_shape=(3, 32, 32)))
first = model.output_shape
model.add(Flatten())
second = model.output_shape
''')
    assert shapes['first'] == (None, 64, 32, 32) and shapes['second'] == (None, 65536)
    assert shapes['model'].predict(np.zeros((1, 3, 32, 32))).shape == (1, 65536)


def signature(function, given):
    """Whether a call as the notes write it says the defaults: every argument by its name, in this order."""
    ours = {k: p.default for k, p in inspect.signature(function).parameters.items() if k != 'self'}
    names = [k for k in ours if k in given]
    return names == list(given) and {k: ours[k] for k in given} == given


PENALTIES = dict(kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None)
START = dict(activation=None, use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros', **PENALTIES)
EMPTY = inspect.Parameter.empty


def test_calls_and_their_defaults():
    assert signature(Dense.__init__, dict(units=EMPTY, **START))
    assert signature(Conv2D.__init__, dict(filters=EMPTY, kernel_size=EMPTY, strides=(1, 1), padding='valid', data_format=None,
                                           dilation_rate=(1, 1), **START))
    assert signature(Model.fit_generator, dict(
        generator=EMPTY, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, validation_data=None, validation_steps=None,
        class_weight=None, max_queue_size=10, workers=1, use_multiprocessing=False, shuffle=True, initial_epoch=0))


def test_dense_is_a_product_and_a_bias():
    layer = Dense(2)            # without an activation: the identity
    x = np.random.RandomState(0).normal(size=(3, 4)).astype('float32')
    out = layer(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(out, x @ kernel + bias, rtol=1e-5, atol=1e-6)
    assert kernel.shape == (4, 2) and bias.shape == (2,)


# images

GENERATOR = '''
import keras
import keras.backend as K
datagen = keras.preprocessing.image.ImageDataGenerator(
    featurewise_center=False,
    samplewise_center=False,
    featurewise_std_normalization=False,
    samplewise_std_normalization=False,
    zca_whitening=False,
    rotation_range=0.,
    width_shift_range=0.,
    height_shift_range=0.,
    shear_range=0.,
    zoom_range=0.,
    channel_shift_range=0.,
    fill_mode='nearest',
    cval=0.,
    horizontal_flip=False,
    vertical_flip=False,
    rescale=None,
    dim_ordering=K.image_dim_ordering())
'''


def test_the_generator_with_all_its_arguments():
    datagen = old(GENERATOR)['datagen']
    assert datagen.data_format == 'channels_last'
    x = np.random.RandomState(0).uniform(0, 255, (4, 6, 5, 3)).astype('float32')
    np.testing.assert_array_equal(next(datagen.flow(x, batch_size=4, shuffle=False)), x)


def test_the_generator_of_the_other_order(channels_first):
    assert old(GENERATOR)['datagen'].data_format == 'channels_first'


def test_the_function_is_called_before_all_else_with_an_array_of_three_axes():
    seen = []

    def function(image):
        seen.append(image.copy())
        return image + 1

    x = np.random.RandomState(0).uniform(0, 255, (2, 6, 5, 3)).astype('float32')
    datagen = ImageDataGenerator(preprocessing_function=function, rescale=0.5, horizontal_flip=True, rotation_range=90,
                                 fill_mode='constant', cval=-7)
    batch = next(datagen.flow(x, batch_size=2, shuffle=False, seed=1))
    np.testing.assert_array_equal(seen, x)          # neither turned nor scaled yet
    assert batch.min() == -7                        # cval is a value behind rescale, so rescale comes before the rotation
    plain = ImageDataGenerator(preprocessing_function=function, rescale=0.5)
    np.testing.assert_allclose(next(plain.flow(x, batch_size=2, shuffle=False)), (x + 1) * 0.5)


@pytest.fixture
def photos(tmp_path):
    """The folders of the notes, each picture of a grey of its own."""
    greys = {}
    for part in ('validation', 'train'):
        for kind in ('dogs', 'cats'):
            folder = tmp_path / 'data' / part / kind
            folder.mkdir(parents=True)
            for i in (1, 2):
                name = f'{kind}/{kind[:3]}{i:03}.jpg'
                greys[name] = 20 + 50 * ('dogs' in name) + 100 * (i == 2)
                Image.new('RGB', (8, 8), (greys[name],) * 3).save(folder.parent / name)
    return tmp_path / 'data', greys


def test_pictures_of_folders_come_in_order_of_names(photos):
    folder, greys = photos
    flow = ImageDataGenerator(rescale=0.5).flow_from_directory(str(folder / 'train'), target_size=(8, 8), batch_size=4,
                                                               shuffle=False, class_mode='binary')
    assert flow.class_indices == {'cats': 0, 'dogs': 1}
    # the notes list dogs first; sorted by name, as they say, cats come first
    order = ['cats/cat001.jpg', 'cats/cat002.jpg', 'dogs/dog001.jpg', 'dogs/dog002.jpg']
    assert [name.replace('\\', '/') for name in flow.filenames] == order
    images, labels = next(flow)
    np.testing.assert_allclose(images.mean((1, 2, 3)), [greys[name] / 2 for name in order], atol=0.6)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1])


def test_pictures_of_folders_train_a_model(photos):
    folder, _ = photos
    train, validation = (ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        str(folder / part), target_size=(8, 8), batch_size=2, class_mode='binary', seed=1) for part in ('train', 'validation'))
    model = Sequential([Conv2D(2, 3, input_shape=(8, 8, 3)), Flatten(),
                        Dense(1, activation='sigmoid')])
    model.compile('rmsprop', 'binary_crossentropy', metrics=['accuracy'])
    history = model.fit_generator(train, steps_per_epoch=2, epochs=2, validation_data=validation, validation_steps=2, verbose=0)
    assert set(history.history) == {'loss', 'acc', 'val_loss', 'val_acc'}


# labels

def test_whole_numbers_become_vectors():
    program = 'from keras.utils.np_utils import to_categorical\nrows = to_categorical([0, 1, 2, 1])'
    # the last row stands as [0, 1, 9] in the notes: a slip of the pen
    assert run(program)['rows'].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_labels_of_a_loop_become_vectors():
    labels = run('''
from keras.utils.np_utils import to_categorical
labels = []
for i in range(3):
    labels += [i] * 2
before = list(labels)
labels = to_categorical(labels)
''')
    assert labels['before'] == [0, 0, 1, 1, 2, 2]
    assert labels['labels'].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]


MESSAGE = '''
You are passing a target array of shape (1536, 1) while using as loss `categorical_crossentropy`. `categorical_crossentropy`
expects targets to be binary matrices (1s and 0s) of shape (samples, classes). If your targets are integer classes, you can
convert them to the expected format via:
from keras.utils.np_utils import to_categorical
y_binary = to_categorical(y_int)
'''


@pytest.mark.parametrize('labels', [np.zeros((1536, 1)), np.zeros(1536)])
def test_whole_numbers_for_categorical_crossentropy(labels):
    model = Sequential([Dense(3, activation='softmax', input_shape=(2,))])
    model.compile('rmsprop', 'categorical_crossentropy')
    with pytest.raises(ValueError) as error:
        model.fit(np.zeros((1536, 2)), labels, verbose=0)
    assert ' '.join(MESSAGE.split()) in ' '.join(str(error.value).split())


# fit

def test_one_array_for_one_input_of_any_rank_and_a_list_for_several():
    image, number = Input((4, 4, 1)), Input((2,))
    flat = Flatten()(image)
    one = Model(image, Dense(1)(flat))
    two = Model([image, number], Dense(1)(concatenate([flat, number])))
    for model, x in ((one, np.zeros((4, 4, 4, 1))), (two, [np.zeros((4, 4, 4, 1)), np.zeros((4, 2))])):
        model.compile('sgd', 'mse')
        assert len(model.fit(x, np.zeros((4, 1)), verbose=0).history['loss']) == 1


@pytest.mark.parametrize('arguments, sizes', [
    ({}, [32, 32, 6]),                                              # 32 unless said
    ({'batch_size': None}, [32, 32, 6]),
    ({'batch_size': 35, 'epochs': 2}, [35, 35] * 2),                # all data once in each epoch
    ({'steps_per_epoch': None}, [32, 32, 6]),                       # samples / batch size
    ({'validation_split': 0.5}, [32, 3]),                           # half of x is not learned from
    ({'shuffle': 'batch'}, [32, 32, 6]),
])
def test_batches_of_an_epoch(arguments, sizes):
    seen = []
    count = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs['size']))
    regressor().fit(np.zeros((70, 3)), np.zeros((70, 1)), verbose=0, callbacks=[count], **arguments)
    assert seen == sizes


def test_validation_by_a_share_a_tuple_or_a_generator():
    x, y = np.random.RandomState(0).normal(size=(10, 3)), np.arange(10.0)[:, None]
    model = regressor()
    for arguments in ({'validation_split': 0.3}, {'validation_data': (x[7:], y[7:])},
                      {'validation_data': (x[7:], y[7:], np.ones(3))}):
        n = 10 if 'validation_split' in arguments else 7
        model.set_weights([np.ones((3, 1)), np.zeros(1)])
        history = model.fit(x[:n], y[:n], batch_size=7, verbose=0, **arguments).history
        np.testing.assert_allclose(history['val_loss'], model.evaluate(x[7:], y[7:], verbose=0), rtol=1e-5)
        np.testing.assert_allclose(history['loss'], np.mean((x[:7].sum(-1, keepdims=True) - y[:7]) ** 2), rtol=1e-5)
    history = model.fit(x, y, validation_data=Batches(3), validation_steps=2, verbose=0).history
    assert len(history['val_loss']) == 1


def test_validation_data_is_not_learned_from():
    model = regressor()
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), validation_data=(np.ones((4, 3)), np.ones((4, 1))), verbose=0)
    assert all((w == 0).all() for w in model.get_weights())


@pytest.mark.parametrize('shuffle', [True, 'batch', False])
def test_shuffle_gives_every_sample_once(shuffle):
    # a batch's loss shows its samples: with weights of 0 and a rate of 0 it is the mean of the squared targets
    seen = []
    losses = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(round(4 * float(logs['loss']))))
    model = Sequential([Dense(1, kernel_initializer='zeros', input_shape=(1,))])
    model.compile(SGD(0.0), 'mse')
    utils.set_random_seed(3)
    targets = np.sqrt(2.0 ** np.arange(16))[:, None]
    model.fit(np.zeros((16, 1)), targets, batch_size=4, shuffle=shuffle, verbose=0, callbacks=[losses])
    assert sum(seen) == 2 ** 16 - 1
    runs = [15 << 4 * i for i in range(4)]
    assert (seen == runs) == (shuffle is False)
    assert (sorted(seen) == runs) == (shuffle is not True)        # 'batch' moves whole batches


# fit_generator

def endless(batches):
    while True:
        for i in range(len(batches)):
            yield batches[i]


def test_a_generator_needs_the_number_of_steps():
    with pytest.raises(ValueError, match='steps_per_epoch'):
        regressor().fit_generator(endless(Batches(3)), verbose=0)


@pytest.mark.parametrize('validation', [
    lambda: endless(Batches(4)), lambda: (np.zeros((4, 3)), np.zeros((4, 1))),
    lambda: (np.zeros((4, 3)), np.zeros((4, 1)), np.ones(4)),
])
def test_a_generator_with_each_kind_of_validation_data(validation):
    data = validation()
    steps = None if isinstance(data, tuple) else 2
    history = regressor().fit_generator(endless(Batches(3)), steps_per_epoch=3, epochs=2, validation_data=data,
                                        validation_steps=steps, verbose=0)
    assert len(history.history['val_loss']) == 2


def test_a_generator_with_weights_of_its_samples():
    model = regressor()
    history = model.fit_generator(Batches(3, weights=True), class_weight=None, max_queue_size=10, workers=1,
                                  use_multiprocessing=False, shuffle=True, initial_epoch=0, epochs=1, verbose=0)
    assert np.isfinite(history.history['loss']).all()


# threads and memory

def test_the_number_of_cores(threads):
    program = textwrap.dedent('''
    config = tf.ConfigProto(
        intra_op_parallelism_threads=1,
        inter_op_parallelism_threads=1,
        allow_soft_placement=True,
        device_count = {'CPU': 1})
    session = tf.Session(config=config)
    K.set_session(session)
    ''')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        run(program, tf=backend.tensorflow_backend, K=backend)
    assert config.get_num_threads() == 1 and config.concurrent_runs() == 1


MEMORY = '''
from keras.models import load_model
from keras.backend import backend

def set_tensorflow_config(
        allow_growth=True,
        num_gpu=1,
        per_process_gpu_memory_fraction=1.0):
        import tensorflow as tf
        from keras.backend.tensorflow_backend import set_session

        gpu_options = tf.GPUOptions(allow_growth=allow_growth)
        gpu_options.per_process_gpu_memory_fraction = per_process_gpu_memory_fraction
        visible_device_list = ",".join(str(i) for i in range(num_gpu))
        gpu_options.visible_device_list = visible_device_list

        config = tf.ConfigProto(gpu_options=gpu_options)
        session = tf.Session(config=config)
        set_session(session)

set_tensorflow_config()
'''


def test_memory_of_gpus(threads):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        names = run(MEMORY)
    assert names['backend']() == 'fastkeras' and callable(names['load_model'])
    assert len(caught) <= 1 and all('GPU' in str(w.message) for w in caught)


def test_clearing_a_session():
    run('import keras.backend as K\n\nK.clear_session()\n')
    assert Dense(1).name == 'dense_1'
