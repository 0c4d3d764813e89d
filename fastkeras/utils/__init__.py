"""Small helpers that several parts share, and the public `utils` of Keras. Names are loaded when they are first
used.
"""

from fastkeras.lazy import front as _front

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
    'audio_dataset_from_directory': 'preprocessing.audio_dataset', 'FeatureSpace': 'preprocessing.feature_space',
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

_MODULES = ('bounding_boxes', 'conv_utils', 'data_utils', 'generic_utils', 'io_utils', 'layer_utils', 'multi_gpu_utils',
            'np_utils', 'vis_utils')

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from fastkeras.config import disable_interactive_logging as disable_interactive_logging
    from fastkeras.config import enable_interactive_logging as enable_interactive_logging
    from fastkeras.config import is_interactive_logging_enabled as is_interactive_logging_enabled
    from fastkeras.layers.described import get_source_inputs as get_source_inputs
    from fastkeras.layers.session import clear_session as clear_session
    from fastkeras.preprocessing.audio_dataset import audio_dataset_from_directory as audio_dataset_from_directory
    from fastkeras.preprocessing.feature_space import FeatureSpace as FeatureSpace
    from fastkeras.preprocessing.image.dataset import image_dataset_from_directory as image_dataset_from_directory
    from fastkeras.preprocessing.image.files import array_to_img as array_to_img
    from fastkeras.preprocessing.image.files import img_to_array as img_to_array
    from fastkeras.preprocessing.image.files import load_img as load_img
    from fastkeras.preprocessing.image.files import save_img as save_img
    from fastkeras.preprocessing.text_dataset import text_dataset_from_directory as text_dataset_from_directory
    from fastkeras.preprocessing.timeseries import timeseries_dataset_from_array as timeseries_dataset_from_array
    from fastkeras.saving.objects import CustomObjectScope as CustomObjectScope
    from fastkeras.saving.objects import custom_object_scope as custom_object_scope
    from fastkeras.saving.objects import deserialize_keras_object as deserialize_keras_object
    from fastkeras.saving.objects import get_custom_objects as get_custom_objects
    from fastkeras.saving.objects import get_registered_name as get_registered_name
    from fastkeras.saving.objects import get_registered_object as get_registered_object
    from fastkeras.saving.objects import register_keras_serializable as register_keras_serializable
    from fastkeras.saving.objects import serialize_keras_object as serialize_keras_object
    from fastkeras.utils.batch_tuples import pack_x_y_sample_weight as pack_x_y_sample_weight
    from fastkeras.utils.batch_tuples import unpack_x_y_sample_weight as unpack_x_y_sample_weight
    from fastkeras.utils.cached_files import get_file as get_file
    from fastkeras.utils.enqueuer import GeneratorEnqueuer as GeneratorEnqueuer
    from fastkeras.utils.enqueuer import OrderedEnqueuer as OrderedEnqueuer
    from fastkeras.utils.enqueuer import SequenceEnqueuer as SequenceEnqueuer
    from fastkeras.utils.hashing import validate_file as validate_file
    from fastkeras.utils.io_utils import HDF5Matrix as HDF5Matrix
    from fastkeras.utils.layer_utils import convert_all_kernels_in_model as convert_all_kernels_in_model
    from fastkeras.utils.multi_gpu_utils import multi_gpu_model as multi_gpu_model
    from fastkeras.utils.named_values import Config as Config
    from fastkeras.utils.numpy_utils import normalize as normalize
    from fastkeras.utils.numpy_utils import to_categorical as to_categorical
    from fastkeras.utils.padding import pad_sequences as pad_sequences
    from fastkeras.utils.progbar import Progbar as Progbar
    from fastkeras.utils.seed import set_random_seed as set_random_seed
    from fastkeras.utils.sequence import PyDataset as PyDataset
    from fastkeras.utils.sequence import Sequence as Sequence
    from fastkeras.utils.split import split_dataset as split_dataset
    from fastkeras.utils.summary import count_params as count_params
    from fastkeras.utils.summary import print_summary as print_summary
    from fastkeras.utils.tensors import is_keras_tensor as is_keras_tensor
    from fastkeras.utils.tensors import standardize_dtype as standardize_dtype
    from fastkeras.utils.vis_utils import model_to_dot as model_to_dot
    from fastkeras.utils.vis_utils import plot_model as plot_model

    from . import bounding_boxes as bounding_boxes
    from . import conv_utils as conv_utils
    from . import data_utils as data_utils
    from . import generic_utils as generic_utils
    from . import io_utils as io_utils
    from . import layer_utils as layer_utils
    from . import multi_gpu_utils as multi_gpu_utils
    from . import np_utils as np_utils
    from . import vis_utils as vis_utils
else:
    __getattr__, __dir__, __all__ = _front(__name__, _MODULES, _NAMES)
