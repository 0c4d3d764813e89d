"""Folders of images into fit, evaluate and predict: the same batches however they are read, and no thread or process left."""

import multiprocessing
import threading

import numpy as np
import pytest

from fastkeras.layers import Dense, Flatten
from fastkeras.models import Sequential
from fastkeras.preprocessing.image import ImageDataGenerator
from fastkeras.utils import image_dataset_from_directory
from tests.preprocessing.image.pictures import folder


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    return folder(tmp_path_factory.mktemp('pictures'), each=7)


def model(classes=3):
    made = Sequential([Flatten(input_shape=(8, 8, 3)), Dense(classes, activation='softmax', kernel_initializer='zeros')])
    made.compile('sgd', 'categorical_crossentropy')
    return made


def trained(pictures, **how):
    made = model()
    generator = ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
    flow = generator.flow_from_directory(pictures, target_size=(8, 8), batch_size=4, seed=1)
    made.fit_generator(flow, epochs=3, verbose=0, shuffle=False, **how)
    return made.get_weights()


def test_same_training_however_it_is_read(pictures):
    before = threading.active_count()
    expected = trained(pictures, workers=0)
    assert np.abs(expected[0]).max() > 0
    for how in ({}, {'workers': 3}, {'workers': 2, 'use_multiprocessing': True}):
        assert all(np.array_equal(a, b) for a, b in zip(trained(pictures, **how), expected)), how
        assert threading.active_count() == before and not multiprocessing.active_children()


def test_predictions_come_in_the_order_of_the_files(pictures):
    made = model()
    flow = ImageDataGenerator(rescale=1 / 255).flow_from_directory(pictures, target_size=(8, 8), batch_size=4, shuffle=False)
    made.fit(flow, epochs=1, verbose=0)
    predicted = made.predict(flow)
    assert len(predicted) == len(flow.filenames) == 21
    x = np.concatenate([flow[i][0] for i in range(len(flow))])
    assert np.allclose(predicted, made.predict(x), atol=1e-6)
    assert made.evaluate(flow, verbose=0) == pytest.approx(made.evaluate(x, np.eye(3)[flow.classes], batch_size=4, verbose=0))


def test_tables(pictures):
    table = {'filename': [f'{name}/9.png' for name in ('cat', 'dog', 'bird')] * 2, 'y': [0.1, 0.2, 0.3] * 2}
    made = Sequential([Flatten(input_shape=(8, 8, 3)), Dense(1)])
    made.compile('sgd', 'mse')
    flow = ImageDataGenerator(rescale=1 / 255, validation_split=0.5).flow_from_dataframe(
        table, pictures, y_col='y', class_mode='raw', target_size=(8, 8), subset='training')
    assert np.isfinite(made.fit_generator(flow, steps_per_epoch=3, epochs=2, verbose=0).history['loss']).all()


def test_data_sets_of_keras_3(pictures):
    before = threading.active_count()
    train, validation = image_dataset_from_directory(pictures, label_mode='categorical', image_size=(8, 8), batch_size=4,
                                                     seed=1, validation_split=0.4, subset='both')
    made = model()
    history = made.fit(train, validation_data=validation, epochs=2, verbose=0).history
    assert np.isfinite(history['loss']).all() and np.isfinite(history['val_loss']).all()
    assert len(made.predict(validation)) == len(validation.file_paths)
    assert threading.active_count() == before
