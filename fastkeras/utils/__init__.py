"""Small helpers that several parts share, and the public `utils` of Keras. Names are loaded when they are first
used.
"""

import importlib

# name → module under fastkeras
_NAMES = {
    'CustomObjectScope': 'saving.objects', 'custom_object_scope': 'saving.objects',
    'deserialize_keras_object': 'saving.objects', 'get_custom_objects': 'saving.objects',
    'get_registered_name': 'saving.objects', 'get_registered_object': 'saving.objects',
    'register_keras_serializable': 'saving.objects', 'serialize_keras_object': 'saving.objects',
    'get_source_inputs': 'layers.described', 'clear_session': 'layers.session',
    'print_summary': 'utils.summary', 'count_params': 'utils.summary',
    'set_random_seed': 'utils.seed', 'Progbar': 'utils.progbar', 'Sequence': 'utils.sequence',
    'array_to_img': 'preprocessing.image.files', 'img_to_array': 'preprocessing.image.files',
    'load_img': 'preprocessing.image.files', 'save_img': 'preprocessing.image.files',
    'image_dataset_from_directory': 'preprocessing.image.dataset',
    'text_dataset_from_directory': 'preprocessing.text_dataset',
    'timeseries_dataset_from_array': 'preprocessing.timeseries',
    'PyDataset': 'utils.sequence', 'to_categorical': 'utils.numpy_utils', 'normalize': 'utils.numpy_utils',
    'pad_sequences': 'utils.padding', 'split_dataset': 'utils.split', 'HDF5Matrix': 'utils.io_utils',
    'pack_x_y_sample_weight': 'utils.batch_tuples', 'unpack_x_y_sample_weight': 'utils.batch_tuples',
    'Config': 'utils.named_values', 'is_keras_tensor': 'utils.tensors', 'standardize_dtype': 'utils.tensors',
    'convert_all_kernels_in_model': 'utils.layer_utils', 'multi_gpu_model': 'utils.multi_gpu_utils',
    'model_to_dot': 'utils.vis_utils', 'plot_model': 'utils.vis_utils',
    'get_file': 'utils.cached_files', 'validate_file': 'utils.hashing',
    'SequenceEnqueuer': 'utils.enqueuer', 'OrderedEnqueuer': 'utils.enqueuer', 'GeneratorEnqueuer': 'utils.enqueuer',
    **dict.fromkeys(('enable_interactive_logging', 'disable_interactive_logging', 'is_interactive_logging_enabled'), 'config'),
}

_MODULES = ('conv_utils', 'data_utils', 'generic_utils', 'io_utils', 'layer_utils', 'multi_gpu_utils', 'np_utils',
            'vis_utils')

__all__ = [*_NAMES, *_MODULES]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f'{__name__}.{name}')
    if name not in _NAMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(importlib.import_module(f'fastkeras.{_NAMES[name]}'), name)
    globals()[name] = value
    return value
