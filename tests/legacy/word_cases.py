"""Mistakes whose messages people search for: each is made by a few lines of a program, which runs on every Keras."""

import numpy as np

CASES = {}


def mistake(*words):
    """A function of the module keras that makes a mistake, and the words that people look for it by. (Each is in the message
    of Keras 2.2.4 or of Keras 3: record_words.py.)"""
    def keep(function):
        CASES[function.__name__] = function, words
        return function
    return keep


def message(function, keras):
    """What is said of the mistake, without what places the colours and lines of a terminal."""
    try:
        function(keras)
    except Exception as error:
        return ' '.join(str(error).split())
    return ''


def missing(words, text):
    """Those words that are not in the text, whatever their case."""
    return [w for w in words if w.lower() not in text.lower()]


def dense(keras, inputs=784, outputs=10, loss='mse', **compile_arguments):
    model = keras.models.Sequential([keras.layers.Dense(outputs, input_shape=(inputs,))])
    if loss:
        model.compile('sgd', loss, **compile_arguments)
    return model


X, Y = np.zeros((4, 784), 'float32'), np.zeros((4, 10), 'float32')


# data that do not fit the model

@mistake('Error when checking input', 'to have shape', 'but got array with shape')
def input_of_another_shape(keras):
    dense(keras).fit(np.zeros((4, 28)), Y, verbose=0)


@mistake('Error when checking input', 'to have 4 dimensions', 'but got array with shape (4, 28, 28)')
def input_of_another_rank(keras):
    model = keras.models.Sequential([keras.layers.Conv2D(2, (3, 3), input_shape=(28, 28, 1))])
    model.compile('sgd', 'mse')
    model.fit(np.zeros((4, 28, 28)), np.zeros((4, 26, 26, 2)), verbose=0)


@mistake('Error when checking input', 'but got array with shape')
def input_of_another_shape_in_predict(keras):
    dense(keras).predict(np.zeros((4, 28)))


@mistake('Error when checking model input', 'not the size the model expected')
def too_many_inputs(keras):
    dense(keras).fit([X, X], Y, verbose=0)


@mistake('Error when checking target', 'to have shape', 'but got array with shape')
def target_of_another_shape(keras):
    dense(keras, 784, 10, 'categorical_crossentropy').fit(X, np.zeros((4, 3)), verbose=0)


@mistake('Error when checking target', 'to have shape', 'but got array with shape')
def target_of_another_shape_for_a_regression(keras):
    dense(keras).fit(X, np.zeros((4, 3)), verbose=0)


@mistake('Error when checking target', 'but got array with shape (4, 3)')
def target_of_another_rank(keras):
    model = keras.models.Sequential([keras.layers.LSTM(3, return_sequences=True, input_shape=(5, 2))])
    model.compile('sgd', 'mse')
    model.fit(np.zeros((4, 5, 2)), np.zeros((4, 3)), verbose=0)


@mistake('You are passing a target array of shape (4, 1) while using as loss `categorical_crossentropy`',
         'binary matrices (1s and 0s) of shape (samples, classes)',
         'to_categorical')
def whole_numbers_of_unknown_sizes(keras):
    model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(3,))])
    model.compile('sgd', 'categorical_crossentropy')
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), verbose=0)


@mistake('Input arrays should have the same number of samples as target arrays', 'Data cardinality is ambiguous')
def numbers_of_samples_that_differ(keras):
    dense(keras).fit(X, Y[:3], verbose=0)


@mistake('should have the same number of samples')
def numbers_of_samples_that_differ_among_inputs(keras):
    a, b = keras.layers.Input((2,)), keras.layers.Input((2,))
    model = keras.models.Model([a, b], keras.layers.add([a, b]))
    model.compile('sgd', 'mse')
    model.fit([np.zeros((4, 2)), np.zeros((3, 2))], np.zeros((4, 2)), verbose=0)


@mistake('In a stateful network', 'number of samples that can be divided by the batch size')
def samples_of_a_stateful_network(keras):
    model = keras.models.Sequential([keras.layers.LSTM(3, stateful=True, batch_input_shape=(4, 5, 2))])
    model.compile('sgd', 'mse')
    model.predict(np.zeros((6, 5, 2)), batch_size=4)


@mistake('a RNN is stateful, it needs to know its batch size', 'batch_input_shape')
def a_stateful_network_without_its_batch(keras):
    model = keras.models.Sequential([keras.layers.LSTM(3, stateful=True, input_shape=(5, 2))])
    model.reset_states()
    model.layers[0].reset_states()


@mistake('None values not supported')
def no_target(keras):
    dense(keras).fit(X, verbose=0)


# compile and fit

@mistake('You must compile', 'before training/testing', '`model.compile(optimizer, loss)`')
def fit_before_compile(keras):
    dense(keras, loss=None).fit(X, Y, verbose=0)


@mistake('You must compile', 'before training/testing', '`model.compile(optimizer, loss)`')
def evaluate_before_compile(keras):
    dense(keras, loss=None).evaluate(X, Y, verbose=0)


@mistake('Unknown loss function', 'mean_sqared_error')
def unknown_loss(keras):
    dense(keras, loss='mean_sqared_error')


@mistake('Unknown metric function', 'accurasy')
def unknown_metric(keras):
    dense(keras, metrics=['accurasy']).fit(X, Y, verbose=0)


@mistake('Unknown optimizer', 'adamm', 'Could not interpret optimizer identifier')
def unknown_optimizer(keras):
    dense(keras, loss=None).compile('adamm', 'mse')


@mistake('Unknown activation function', 'relv')
def unknown_activation(keras):
    keras.layers.Dense(3, activation='relv')


@mistake('Unknown initializer', 'glorot_unifrm', 'Could not interpret initializer identifier')
def unknown_initializer(keras):
    keras.layers.Dense(3, kernel_initializer='glorot_unifrm')


@mistake('Unknown regularizer', 'l3')
def unknown_regularizer(keras):
    keras.layers.Dense(3, kernel_regularizer='l3')


@mistake('Unknown constraint', 'nonnegg')
def unknown_constraint(keras):
    keras.layers.Dense(3, kernel_constraint='nonnegg')


@mistake('`steps_per_epoch=None` is only valid for', 'Sequence')
def steps_for_a_generator(keras):
    model = dense(keras)
    getattr(model, 'fit_generator', model.fit)((X, Y) for _ in range(9))


@mistake('Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`')
def a_generator_of_something_else(keras):
    def batches():
        while True:
            yield X
    model = dense(keras)
    getattr(model, 'fit_generator', model.fit)(batches(), steps_per_epoch=1, verbose=0)


@mistake('`validation_split`', 'only supported for', 'arrays')
def validation_split_of_a_generator(keras):
    def batches():
        while True:
            yield X, Y
    dense(keras).fit(batches(), steps_per_epoch=1, validation_split=0.2, verbose=0)


@mistake('When passing validation_data, it must contain 2', '3')
def validation_data_of_one_member(keras):
    dense(keras).fit(X, Y, validation_data=(X,), verbose=0)


@mistake('should have one entry per model output')
def losses_of_outputs(keras):
    a = keras.layers.Input((2,))
    model = keras.models.Model(a, [keras.layers.Dense(1)(a), keras.layers.Dense(1)(a)])
    model.compile('sgd', ['mse', 'mse', 'mse'])


@mistake('Unknown entry in loss dictionary', 'sise')
def a_loss_for_no_output(keras):
    a = keras.layers.Input((2,))
    model = keras.models.Model(a, keras.layers.Dense(1, name='size')(a))
    model.compile('sgd', {'sise': 'mse'})


@mistake('class_weight', 'must contain all classes in the data')
def class_weight_without_a_class(keras):
    dense(keras, outputs=3, loss='categorical_crossentropy').fit(X, np.eye(3)[[0, 1, 2, 2]], class_weight={0: 1.0, 1: 2.0},
                                                                 verbose=0)


@mistake('Found a sample_weight array with shape (4, 10)', 'sample_weight_mode=')
def sample_weight_of_another_rank(keras):
    dense(keras).fit(X, Y, sample_weight=np.ones((4, 10)), verbose=0)


@mistake('unexpected keyword argument', 'epoch')
def a_misspelt_argument_of_fit(keras):
    dense(keras).fit(X, Y, epoch=3)
