"""`keras.engine` and what stood in it: names that programs for Keras 1 and 2 import from inside, each where it is now."""

import sys
import types

from fastkeras.lazy import front

_LAYER = {'Layer': 'layers', 'InputSpec': 'layers', 'Input': 'layers', 'InputLayer': 'layers'}
_NETWORK = {'Network': 'legacy.containers', 'Model': 'models', 'Sequential': 'models', 'get_source_inputs': 'layers.described'}
_MERGE = {'Merge': 'layers', 'merge': 'layers'}     # of Keras 1
_NODE = {'Node': 'layers.history'}
_SAVING = {**dict.fromkeys(('load_model', 'save_model', 'model_from_config', 'model_from_json'), 'models'),
           'model_from_yaml': 'saving.yaml_text',
           **dict.fromkeys(('load_attributes_from_hdf5_group', 'load_weights_from_hdf5_group',
                            'load_weights_from_hdf5_group_by_name', 'pickle_model', 'preprocess_weights_for_loading',
                            'save_attributes_to_hdf5_group', 'save_weights_to_hdf5_group', 'unpickle_model'),
                           'legacy.groups_of_weights')}


def _part(name, names):
    """`keras.engine.name`, a module that is no file of ours."""
    path = f'{__name__}.{name}'
    module = types.ModuleType(path, f'`keras.engine.{name}` of Keras 1 and 2.')
    sys.modules[path] = module
    module.__getattr__, module.__dir__, module.__all__ = front(path, (), names)
    return module


def _some(names, *kept):
    return {name: names[name] for name in kept}


base_layer = _part('base_layer', {**_some(_LAYER, 'Layer', 'InputSpec'), **_NODE})
input_layer = _part('input_layer', _some(_LAYER, 'Input', 'InputLayer'))
network = _part('network', {**_some(_NETWORK, 'Network', 'get_source_inputs'), **_some(_LAYER, 'Layer', 'InputLayer')})
saving = _part('saving', _SAVING)
sequential = _part('sequential', _some(_NETWORK, 'Sequential', 'Model'))
topology = _part('topology', {**_LAYER, **_NODE, **_MERGE, **_some(_NETWORK, 'Network', 'get_source_inputs'),
                              'Container': 'legacy.containers', **_some(_SAVING, 'preprocess_weights_for_loading',
                                                                     'load_weights_from_hdf5_group',
                                                                     'load_weights_from_hdf5_group_by_name',
                                                                     'save_weights_to_hdf5_group')})
training = _part('training', {**_some(_NETWORK, 'Model', 'Network'), **_some(_LAYER, 'Layer'), **dict.fromkeys(
    ('_batch_shuffle', '_check_array_lengths', '_make_batches', '_slice_arrays', '_standardize_input_data'),
    'legacy.array_lists')})
training_utils = _part('training_utils', dict.fromkeys(
    ('batch_shuffle', 'check_array_length_consistency', 'iter_sequence_infinite', 'make_batches', 'standardize_input_data',
     'standardize_single_array'), 'legacy.array_lists'))

__getattr__, __dir__, __all__ = front(__name__, ('base_layer', 'input_layer', 'network', 'saving', 'sequential', 'topology',
                                                 'training', 'training_utils'),
                                      {**_LAYER, **_MERGE, **_some(_NETWORK, 'Model', 'get_source_inputs')})
