"""Names that programs for Keras 1 and 2 import from inside of it are there, and work."""

import importlib
import warnings

import numpy as np
import pytest

from tests.legacy.as_keras import as_keras, run

NAMES = {
    'keras.utils.generic_utils': 'get_custom_objects custom_object_scope CustomObjectScope Progbar serialize_keras_object '
                                 'deserialize_keras_object func_dump func_load has_arg to_list object_list_uid is_all_none '
                                 'slice_arrays unpack_singleton transpose_shape',
    'keras.utils.conv_utils': 'normalize_tuple normalize_padding normalize_data_format convert_kernel conv_output_length '
                              'conv_input_length deconv_length',
    'keras.utils.losses_utils': 'Reduction squeeze_or_expand_dimensions compute_weighted_loss reduce_weighted_loss',
    'keras.utils.io_utils': 'HDF5Matrix H5Dict ask_to_proceed_with_overwrite',
    'keras.utils.layer_utils': 'print_summary count_params convert_all_kernels_in_model get_source_inputs',
    'keras.utils.data_utils': 'get_file validate_file Sequence OrderedEnqueuer GeneratorEnqueuer SequenceEnqueuer',
    'keras.utils.vis_utils': 'plot_model model_to_dot',
    'keras.utils.np_utils': 'to_categorical normalize',
    'keras.engine': 'Layer InputSpec Input InputLayer Model get_source_inputs Merge merge',
    'keras.engine.topology': 'Layer InputSpec Input InputLayer Node Network Container get_source_inputs merge Merge '
                             'preprocess_weights_for_loading load_weights_from_hdf5_group',
    'keras.engine.base_layer': 'Layer InputSpec Node',
    'keras.engine.network': 'Network get_source_inputs',
    'keras.engine.training': 'Model _make_batches _slice_arrays _batch_shuffle _standardize_input_data _check_array_lengths',
    'keras.engine.training_utils': 'make_batches batch_shuffle standardize_input_data check_array_length_consistency '
                                   'standardize_single_array iter_sequence_infinite',
    'keras.engine.saving': 'preprocess_weights_for_loading load_weights_from_hdf5_group save_model load_model model_from_json '
                           'model_from_yaml load_attributes_from_hdf5_group',
    'keras.layers.core': 'Dense Dropout Flatten Reshape Permute Lambda Masking Activation RepeatVector SpatialDropout1D '
                         'SpatialDropout2D ActivityRegularization MaxoutDense Highway Layer InputSpec Merge '
                         'TimeDistributedDense',
    'keras.layers.convolutional': 'Convolution1D Convolution2D Convolution3D Conv2D Conv2DTranspose Deconvolution2D '
                                  'SeparableConv2D AtrousConvolution2D UpSampling2D ZeroPadding2D Cropping2D MaxPooling2D '
                                  'AveragePooling2D InputSpec Layer',
    'keras.layers.recurrent': 'Recurrent RNN LSTM GRU SimpleRNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells Layer InputSpec',
    'keras.layers.convolutional_recurrent': 'ConvLSTM2D ConvRNN2D',
    'keras.layers.advanced_activations': 'LeakyReLU PReLU ELU ThresholdedReLU Softmax ReLU',
    'keras.layers.noise': 'GaussianNoise GaussianDropout AlphaDropout',
    'keras.layers.normalization': 'BatchNormalization', 'keras.layers.embeddings': 'Embedding',
    'keras.layers.local': 'LocallyConnected1D LocallyConnected2D',
    'keras.layers.merge': 'Add Concatenate Dot add concatenate dot multiply _Merge',
    'keras.layers.pooling': 'MaxPooling2D GlobalAveragePooling2D _GlobalPooling1D _GlobalPooling2D _Pooling1D '
                            '_Pooling2D _Pooling3D',
    'keras.layers.wrappers': 'Wrapper TimeDistributed Bidirectional',
    'keras.legacy.interfaces': 'generate_legacy_interface legacy_dense_support legacy_conv2d_support',
    'keras.legacy.layers': 'Recurrent MaxoutDense Highway merge', 'keras.objectives': 'mse categorical_crossentropy',
    'keras.initializers': '_compute_fans VarianceScaling glorot_uniform he_normal',
    'keras.initializations': 'glorot_uniform get',
    'keras.models': 'Sequential Model load_model save_model model_from_json model_from_yaml model_from_config clone_model',
    'keras.preprocessing.image': 'ImageDataGenerator validate_filename array_to_img img_to_array load_img flip_axis Iterator '
                                 'random_channel_shift transform_matrix_offset_center apply_transform list_pictures '
                                 'NumpyArrayIterator DirectoryIterator',
    'keras.preprocessing.sequence': 'pad_sequences skipgrams make_sampling_table TimeseriesGenerator',
    'keras.preprocessing.text': 'Tokenizer text_to_word_sequence one_hot hashing_trick',
    'keras.applications.imagenet_utils': 'preprocess_input decode_predictions _obtain_input_shape',
    'keras_applications.imagenet_utils': '_obtain_input_shape',
    'keras.backend.common': 'floatx set_floatx epsilon set_epsilon image_data_format normalize_data_format cast_to_floatx',
    'keras.backend.tensorflow_backend': 'set_session get_session clear_session',
    'keras.wrappers.scikit_learn': 'KerasClassifier KerasRegressor', 'keras.datasets.cifar': 'load_batch',
    'keras.callbacks': 'Callback CallbackList History BaseLogger', 'keras.metrics': 'top_k_categorical_accuracy',
    'keras.optimizers': 'Optimizer SGD RMSprop Adam', 'keras.constraints': 'maxnorm MaxNorm unitnorm Constraint',
}


@pytest.mark.parametrize('module', NAMES)
def test_names_are_there(module):
    with as_keras():
        found = importlib.import_module(module)
        assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize('shape, data_format, fans', [
    ((4, 6), 'channels_last', (4, 6)), ((3, 3, 4, 6), 'channels_last', (36, 54)), ((6, 4, 3, 3), 'channels_first', (36, 54)),
    ((5, 4, 6), 'channels_last', (20, 30))])
def test_fans(shape, data_format, fans):
    with as_keras():
        from keras.initializers import _compute_fans
        assert _compute_fans(shape, data_format) == fans


def test_what_tensors_and_layers_know_of_each_other():
    names = run('''
from keras.layers import Input, Dense
from keras.models import Model
from keras import regularizers
a = Input((3,))
layer = Dense(2, kernel_regularizer=regularizers.l2(0.5))
b = layer(a)
model = Model(a, b)
shape = b._keras_shape
maker, node_index, tensor_index = b._keras_history
inbound, outbound = layer._inbound_nodes, model.layers[0]._outbound_nodes
losses = layer.get_losses_for(None)
''')
    assert names['shape'] == (None, 2) and names['maker'] is names['layer']
    assert (names['node_index'], names['tensor_index']) == (0, 0)
    assert len(names['inbound']) == len(names['outbound']) == 1 and names['inbound'][0].outbound_layer is names['layer']
    assert len(names['losses']) == 1


def test_models_and_functions_as_texts():
    pytest.importorskip('yaml')
    names = run('''
from keras.models import Sequential, model_from_yaml
from keras.layers import Dense
from keras.utils.generic_utils import func_dump, func_load
model = Sequential([Dense(2, input_shape=(3,))])
again = model_from_yaml(model.to_yaml())
function = func_load(func_dump(lambda x: x + 1))
''')
    assert names['again'].get_config() == names['model'].get_config() and names['function'](2) == 3


def test_files_of_numbers(tmp_path):
    names = run('''
import numpy as np
import h5py
from keras.utils.io_utils import HDF5Matrix, H5Dict
from keras.preprocessing.image import validate_filename
with h5py.File(path, 'w') as f:
    f['x'] = np.arange(12).reshape(6, 2)
x = HDF5Matrix(path, 'x', start=1, end=4)
shape, first = x.shape, x[0].tolist()
valid = [validate_filename(path, formats) for formats in (['png'], ['h5'], {'H5', 'hdf5'})]
valid.append(validate_filename(path + '.h5', ['h5']))
''', path=str(tmp_path / 'x.h5'))
    assert names['shape'] == (3, 2) and names['first'] == [2, 3] and names['valid'] == [False, True, True, False]


def test_losses_of_samples():
    with as_keras():
        from keras.utils.losses_utils import Reduction, compute_weighted_loss, squeeze_or_expand_dimensions
        losses, weights = np.array([1.0, 2.0, 6.0], 'float32'), np.array([1.0, 0.0, 0.5], 'float32')
        assert float(compute_weighted_loss(losses)) == 3
        assert float(compute_weighted_loss(losses, weights, Reduction.SUM)) == 4
        np.testing.assert_allclose(compute_weighted_loss(losses, weights, Reduction.NONE), [1, 0, 3])
        np.testing.assert_allclose(compute_weighted_loss(losses, weights), 4 / 3, rtol=1e-6)
        with pytest.raises(ValueError, match='Invalid Reduction Key'):
            compute_weighted_loss(losses, reduction='average')
        shapes = [x.shape for x in squeeze_or_expand_dimensions(np.ones((3, 1)), np.ones(3), np.ones((3, 1)))]
        assert shapes == [(3,), (3,), (3,)]


def test_a_pooling_of_ones_own():
    names = run('''
from keras import backend as K
from keras.layers.pooling import _GlobalPooling2D
from keras.models import Sequential

class GlobalVariancePooling2D(_GlobalPooling2D):
    def call(self, inputs):
        return K.var(inputs, axis=[1, 2])

model = Sequential([GlobalVariancePooling2D(input_shape=(4, 4, 2))])
''')
    x = np.random.RandomState(0).normal(size=(2, 4, 4, 2))
    assert names['model'].output_shape == (None, 2)
    np.testing.assert_allclose(names['model'].predict(x), x.var(axis=(1, 2)), rtol=1e-4)


def test_a_layer_in_the_manner_of_2016():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        names = run('''
from keras import backend as K, initializations
from keras.engine.topology import Layer
from keras.models import Sequential

class MyLayer(Layer):
    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super(MyLayer, self).__init__(**kwargs)

    def build(self, input_shape):
        init = initializations.get('glorot_uniform')
        self.W = self.add_weight((input_shape[1], self.output_dim), initializer=init, name='W')
        super(MyLayer, self).build(input_shape)

    def call(self, x, mask=None):
        return K.dot(x, self.W)

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)

model = Sequential([MyLayer(2, input_shape=(3,))])
''')
    assert names['model'].output_shape == (None, 2) and names['model'].count_params() == 6
