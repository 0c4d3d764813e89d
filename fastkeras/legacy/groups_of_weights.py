"""Groups of HDF5 files that hold weights, by the functions that `keras.engine.saving` and `keras.engine.topology` had."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.saving import legacy_h5, old_weights, saver, stored

__all__ = ['load_attributes_from_hdf5_group', 'load_weights_from_hdf5_group', 'load_weights_from_hdf5_group_by_name',
           'pickle_model', 'preprocess_weights_for_loading', 'save_attributes_to_hdf5_group', 'save_weights_to_hdf5_group',
           'unpickle_model']


def save_attributes_to_hdf5_group(group: Any, name: str, data: Any) -> None:
    """Keep a list of names, text or bytes, as an attribute, or as several numbered ones where it is too long for one."""
    legacy_h5.write_names(group, name, [x.decode('utf8') if isinstance(x, bytes) else x for x in data])


def load_attributes_from_hdf5_group(group: Any, name: str) -> list[str]:
    """The list of names that `save_attributes_to_hdf5_group` kept; [] where there is none."""
    return stored.read_names(group, name)


def save_weights_to_hdf5_group(f: Any, layers: Any) -> None:
    """The weights of layers, a group for each, in an h5py file or group."""
    legacy_h5.write_weights(f, layers)


def load_weights_from_hdf5_group(f: Any, layers: Any, reshape: bool = False) -> None:
    """Set the weights of layers, in order, from what `save_weights_to_hdf5_group` or Keras wrote. reshape: arrays of as many
    numbers as a weight has fit. ValueError where numbers or shapes do not; nothing is changed then."""
    legacy_h5.read_weights(f, layers, reshape)


def load_weights_from_hdf5_group_by_name(f: Any, layers: Any, skip_mismatch: bool = False, reshape: bool = False) -> None:
    """The same for those layers whose names are in the file. skip_mismatch: warn of what does not fit, and leave it."""
    legacy_h5.read_weights_by_name(f, layers, skip_mismatch, reshape)


def preprocess_weights_for_loading(layer: Any, weights: Any, original_keras_version: str | None = None,
                                   original_backend: str | None = None, reshape: bool = False) -> list[np.ndarray]:
    """Arrays that an older Keras, or one on Theano, kept for a layer, as the values of the layer's weights.

    original_keras_version: '1' unless given; original_backend: 'theano' turns kernels of convolutions around.
    """
    written = old_weights.Origin((original_keras_version or '1').split('.')[0] == '1', original_backend == 'theano')
    left, found = [np.asarray(w) for w in weights], []
    for unit in old_weights.units(layer, legacy_h5.stored_order(layer)):
        count = old_weights.arrays_of(unit, left, written)
        arrays, left = left[:count], left[count:]
        values = arrays if old_weights.as_they_are(unit, arrays, written) else old_weights.values(unit, arrays, written)
        found += [x.reshape(v.shape) if reshape and x.size == v.size else x for x, v in zip(values, unit.variables)]
    return found + left


def pickle_model(model: Any) -> bytes:
    """A model as bytes: its configuration, weights and training."""
    return saver.model_to_bytes(model)


def unpickle_model(state: bytes) -> Any:
    """The model of `pickle_model`."""
    return saver.model_from_bytes(state)
