"""More of word_cases: layers, models, weights, files, applications."""

import tempfile
from pathlib import Path

import numpy as np

from tests.legacy.word_cases import X, Y, dense, mistake

# layers that do not fit

@mistake('Input 0 is incompatible with', 'layer', 'expected ndim=4, found ndim=3')
def layer_of_another_rank(keras):
    keras.layers.Conv2D(2, (3, 3))(keras.layers.Input((28, 28)))


@mistake('Input 0 is incompatible with', 'layer', 'expected ndim=3, found ndim=2')
def sequences_for_a_recurrent_layer(keras):
    keras.models.Sequential([keras.layers.LSTM(3, input_shape=(5, 2)), keras.layers.LSTM(3)])


@mistake('Input 0 is incompatible with', 'expected axis -1 of input shape to have value 4 but got shape (None, 5)')
def axes_that_a_layer_knows_otherwise(keras):
    layer = keras.layers.Dense(3)
    layer(keras.layers.Input((4,)))
    layer(keras.layers.Input((5,)))


@mistake('should be called on a list of')
def one_input_for_a_merging_layer(keras):
    keras.layers.Concatenate()(keras.layers.Input((4,)))


@mistake('expects 1 input', 'but it received 2 input tensors')
def two_inputs_for_a_dense_layer(keras):
    keras.layers.Dense(3)([keras.layers.Input((4,)), keras.layers.Input((4,))])


@mistake('Negative dimension size', 'caused by subtracting 5 from 3')
def a_window_larger_than_the_image(keras):
    keras.models.Sequential([keras.layers.Conv2D(2, (5, 5), input_shape=(3, 3, 1))])


@mistake('Negative dimension size', 'caused by subtracting 2 from 1')
def pooling_larger_than_the_image(keras):
    keras.models.Sequential([keras.layers.MaxPooling2D((2, 2), input_shape=(1, 1, 3))])


@mistake('requires inputs with matching shapes except for the concat axis')
def shapes_that_do_not_concatenate(keras):
    keras.layers.concatenate([keras.layers.Input((4, 3)), keras.layers.Input((5, 3))])


@mistake('Operands could not be broadcast together', 'Inputs have incompatible shapes')
def shapes_that_do_not_add(keras):
    keras.layers.add([keras.layers.Input((4,)), keras.layers.Input((5,))])


@mistake('is not fully defined', 'input_shape')
def flatten_of_an_unknown_shape(keras):
    keras.models.Sequential([keras.layers.Conv2D(2, (3, 3), input_shape=(None, None, 3)), keras.layers.Flatten(),
                             keras.layers.Dense(2)])


@mistake('total size of new array must be unchanged')
def a_reshape_of_another_size(keras):
    keras.models.Sequential([keras.layers.Reshape((5, 5), input_shape=(24,))])


@mistake('The added layer must be an instance of class Layer')
def not_a_layer(keras):
    keras.models.Sequential().add(3)


@mistake('The added layer must be an instance of class Layer')
def a_layer_class_in_place_of_a_layer(keras):
    keras.models.Sequential().add(keras.layers.Dense)


@mistake('You tried to call `count_params`', "the layer isn't built")
def parameters_of_a_layer_that_is_not_built(keras):
    keras.layers.Dense(3).count_params()


@mistake('Output tensors to a Model must be the output of a Keras `Layer`')
def outputs_that_no_layer_made(keras):
    a = keras.layers.Input((2,))
    keras.models.Model(a, np.zeros((4, 2)))


@mistake('Graph disconnected: cannot obtain value for tensor', 'at layer', 'input_2')
def a_graph_that_is_disconnected(keras):
    a, b = keras.layers.Input((2,)), keras.layers.Input((2,))
    keras.models.Model(a, keras.layers.add([keras.layers.Dense(2)(a), keras.layers.Dense(2)(b)]))


@mistake('is used 2 times in the model. All layer names should be unique')
def layers_of_the_same_name(keras):
    a = keras.layers.Input((2,))
    keras.models.Model(a, keras.layers.Dense(2, name='same')(keras.layers.Dense(2, name='same')(a)))


@mistake('No such layer', 'conv1')
def a_layer_that_is_not_there(keras):
    dense(keras).get_layer('conv1')


@mistake('Was asked to retrieve layer at index 7', 'model only has 1 layers')
def a_layer_of_an_index_that_is_not_there(keras):
    dense(keras).get_layer(index=7)


@mistake('has no inbound nodes')
def output_of_a_layer_never_called(keras):
    keras.layers.Dense(3).output  # noqa: B018


@mistake('has multiple inbound nodes', 'ill-defined', '`get_output_at(node_index)`')
def output_of_a_layer_called_twice(keras):
    layer = keras.layers.Dense(3)
    layer(keras.layers.Input((2,)))
    layer(keras.layers.Input((2,)))
    layer.output  # noqa: B018


@mistake('There are no layers in the model')
def pop_of_nothing(keras):
    model = keras.models.Sequential()
    model.pop()
    raise RuntimeError('nothing was said')


# weights and files

@mistake('set_weights(weights)', 'with a weight list of length 1, but the layer was expecting 2 weights')
def weights_of_another_number(keras):
    dense(keras).layers[0].set_weights([np.zeros((784, 10))])


@mistake('Layer weight shape (784, 10) not compatible with provided weight shape (10, 784)')
def weights_of_another_shape(keras):
    dense(keras).layers[0].set_weights([np.zeros((10, 784)), np.zeros(10)])


@mistake('load a weight file containing 2 layers into a model with 1 layers')
def a_file_of_other_layers(keras):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / 'w.h5')
        keras.models.Sequential([keras.layers.Dense(3, input_shape=(2,)), keras.layers.Dense(3)]).save_weights(path)
        keras.models.Sequential([keras.layers.Dense(3, input_shape=(2,))]).load_weights(path)


@mistake('No model config found in the file')
def a_file_of_weights_as_a_model(keras):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / 'w.weights.h5')
        dense(keras).save_weights(path)
        keras.models.load_model(path)


@mistake('No such file or directory', 'nowhere.h5')
def a_file_that_is_not_there(keras):
    keras.models.load_model('nowhere.h5')


@mistake('Unknown layer', 'Own')
def a_layer_that_a_file_does_not_explain(keras):
    class Own(keras.layers.Dense):
        pass

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / 'm.h5')
        keras.models.Sequential([Own(3, input_shape=(2,))]).save(path)
        keras.models.load_model(path)


@mistake('Unknown loss function', 'own')
def a_loss_that_a_file_does_not_explain(keras):
    def own(y_true, y_pred):
        return keras.backend.mean(y_true - y_pred) if hasattr(keras.backend, 'mean') else keras.ops.mean(y_true - y_pred)

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / 'm.h5')
        model = dense(keras, loss=own)
        model.fit(X, Y, verbose=0)
        model.save(path)
        keras.models.load_model(path)


# others

@mistake('out of bounds')
def labels_beyond_the_classes(keras):
    keras.utils.to_categorical([1, 2, 3], 3)


@mistake('is not in [0, 10)')
def a_word_beyond_the_table(keras):
    model = keras.models.Sequential([keras.layers.Embedding(10, 3, input_length=4)])
    model.compile('sgd', 'mse')
    model.predict(np.full((2, 4), 12))


@mistake('`sequences` must be a list of iterables')
def sequences_that_are_none(keras):
    keras.preprocessing.sequence.pad_sequences([1, 2, 3])


@mistake('The `padding` argument must be one of')
def padding_of_another_name(keras):
    keras.layers.Conv2D(2, (3, 3), padding='full')


@mistake('The `data_format` argument must be one of')
def data_format_of_another_name(keras):
    keras.layers.Conv2D(2, (3, 3), data_format='th')


@mistake('The `kernel_size` argument must be a tuple of 2 integers')
def kernel_size_of_another_length(keras):
    keras.layers.Conv2D(2, (3, 3, 3))


@mistake('should be passed an', 'input_shape', 'with at least 3 dimensions')
def time_distributed_without_time(keras):
    keras.layers.TimeDistributed(keras.layers.Dense(3))(keras.layers.Input((4,)))


@mistake('The `weights` argument should be either', 'the path to the weights file to be loaded')
def weights_that_are_not_there_of_an_application(keras):
    keras.applications.VGG16(weights='imagenet2')


@mistake('`classes` should be 1000')
def classes_of_an_application(keras):
    keras.applications.VGG16(weights='imagenet', classes=5)


@mistake('Input size must be at least 32x32', 'input_shape=(16, 16, 3)')
def size_of_an_application(keras):
    keras.applications.VGG16(weights=None, include_top=False, input_shape=(16, 16, 3))


@mistake('expects a batch of predictions', '2D array of shape (samples, 1000)')
def predictions_to_decode(keras):
    keras.applications.vgg16.decode_predictions(np.zeros((2, 5)))


@mistake('An `initial_state` was passed that is not compatible with `cell.state_size`')
def a_recurrent_layer_and_its_state(keras):
    keras.layers.LSTM(3)(keras.layers.Input((4, 5)), initial_state=[keras.layers.Input((3,))])


@mistake('Dimension incompatibility', '4 != 5')
def dot_of_other_axes(keras):
    keras.layers.dot([keras.layers.Input((4,)), keras.layers.Input((5,))], axes=1)


@mistake('unexpected keyword argument', 'learnin_rate')
def a_misspelt_argument_of_an_optimizer(keras):
    keras.optimizers.Adam(learnin_rate=0.1)


@mistake('cannot be built because it has no layers')
def fit_an_empty_model(keras):
    model = keras.models.Sequential()
    model.compile('sgd', 'mse')
    model.fit(X, Y, verbose=0)


@mistake('label value of 5', 'which is outside the valid range')
def more_classes_than_probabilities(keras):
    model = dense(keras, outputs=3, loss='sparse_categorical_crossentropy')
    model.fit(X, np.array([0, 1, 2, 5]), verbose=0)


@mistake('`None` for gradient', 'No gradients provided for any variable')
def a_loss_without_a_gradient(keras):
    class Still(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(name='w', shape=(1,), initializer='ones')
            super().build(shape)

        def call(self, x):
            return x

        def compute_output_shape(self, shape):
            return shape

    model = keras.models.Sequential([Still(input_shape=(3,))])
    model.compile('sgd', 'mse')
    model.fit(np.zeros((4, 3)), np.zeros((4, 3)), verbose=0)
