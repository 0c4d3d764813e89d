"""A model trained on augmented images: as the documentation of Keras has it, and by the same batches however they are
read."""

import numpy as np
import pytest
from PIL import Image

from fastkeras.layers import Activation, Conv2D, Dense, Flatten, MaxPooling2D
from fastkeras.models import Sequential
from fastkeras.preprocessing.image import ImageDataGenerator
from fastkeras.utils import set_random_seed
from fastkeras.utils.np_utils import to_categorical

AUGMENT = dict(rescale=1. / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)


def pictures(n, dark, size=12):
    """Dark or light ones."""
    return np.random.default_rng(dark).integers(0, 100, (n, size, size, 3), np.uint8) + np.uint8(0 if dark else 120)


def model(classes=1):
    made = Sequential([Conv2D(4, (3, 3), input_shape=(12, 12, 3)), Activation('relu'), MaxPooling2D(pool_size=(2, 2)),
                       Flatten(), Dense(classes), Activation('sigmoid' if classes == 1 else 'softmax')])
    made.compile(loss='binary_crossentropy' if classes == 1 else 'categorical_crossentropy', optimizer='rmsprop',
                 metrics=['accuracy'])
    return made


@pytest.fixture
def data(tmp_path):
    """The layout of folders that the documentation shows."""
    for part, n in (('train', 20), ('validation', 8)):
        for dark, name in enumerate(('cats', 'dogs')):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for i, x in enumerate(pictures(n, dark)):
                Image.fromarray(x).save(folder / f'{name[:3]}{i:03}.png')
    return tmp_path


def test_from_folders(data):
    set_random_seed(0)
    train = ImageDataGenerator(**AUGMENT).flow_from_directory(data / 'train', target_size=(12, 12), batch_size=8,
                                                             class_mode='binary', seed=1)
    validation = ImageDataGenerator(rescale=1. / 255).flow_from_directory(
        data / 'validation', target_size=(12, 12), batch_size=8, class_mode='binary')
    history = model().fit_generator(train, steps_per_epoch=len(train), epochs=15, validation_data=validation,
                                    validation_steps=len(validation), verbose=0).history
    assert len(history['loss']) == 15 and history['val_acc'][-1] > .9


@pytest.mark.parametrize('source', ['array', 'folder'])
def test_workers_do_not_matter(data, source):
    """All weights are equal after some epochs, by threads and by processes."""
    x, y = np.concatenate([pictures(20, 0), pictures(20, 1)]), to_categorical(np.repeat([0, 1], 20))
    results = []
    for queue in (dict(workers=0), dict(workers=3), dict(workers=2, use_multiprocessing=True)):
        set_random_seed(0)
        generator = ImageDataGenerator(**AUGMENT)
        if source == 'array':
            batches = generator.flow(x, y, batch_size=12, seed=1)
        else:
            batches = generator.flow_from_directory(data / 'train', target_size=(12, 12), batch_size=12, seed=1)
        trained = model(2)
        trained.fit_generator(batches, steps_per_epoch=len(batches), epochs=3, verbose=0, **queue)
        results.append(trained.get_weights())
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_a_generator_in_a_loop():
    """The documentation's loop over `flow`, which never ends by itself."""
    x, y = np.concatenate([pictures(20, 0), pictures(20, 1)]), np.repeat([0, 1], 20)
    generator, trained = ImageDataGenerator(featurewise_center=True, rotation_range=20, horizontal_flip=True), model()
    generator.fit(x)
    batches = 0
    for x_batch, y_batch in generator.flow(x, y, batch_size=16):
        trained.fit(x_batch, y_batch, verbose=0)
        batches += 1
        if batches >= len(x) / 16:
            break
    assert batches == 3
    assert trained.predict_generator(generator.flow(x, batch_size=16, shuffle=False), steps=3).shape == (40, 1)
