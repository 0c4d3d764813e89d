"""The one table of where Keras 2.2.4 and Keras 3 differ, and whose side each setting of the generation takes.

`generation.of` reads the switches, `python -m fastkeras.generation` prints the table as docs/generations.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Difference(NamedTuple):
    """One row. area, item: what it is about. keras2, keras3: what Keras 2.2.4 and Keras 3 do.

    by_default: whose side generation 2 takes, 2 or 3; 'both': the words of both are understood, in every generation;
    'file': what a file means hangs on who wrote it, in code it is as `otherwise` says; 'same': there is no difference.
    otherwise: words for what the generations do, by generation, where that is not simply their own Keras's side.
    switches: name → (value as Keras 2.2.4 has it, value as Keras 3 has it).
    """

    area: str
    item: str
    keras2: str
    keras3: str
    by_default: Any
    switches: dict[str, tuple[Any, Any]] = {}
    otherwise: dict[Any, str] = {}

    def side(self, generation: Any) -> str:
        """Whose side `generation` takes, in words."""
        if generation in self.otherwise:
            return self.otherwise[generation]
        if self.by_default in ('same', 'both'):
            return str(self.by_default)
        return f'Keras {3 if generation == 3 or (generation == 2 and self.by_default == 3) else 2}'

    def values(self, switch: str) -> dict[Any, Any]:
        """generation → value of a switch."""
        two, three = self.switches[switch]
        return {'2.2.4': two, 2: three if self.by_default == 3 else two, 3: three}


_D = Difference
_ALWAYS_2 = {3: 'Keras 2'}      # what only adds something, or is how things look, stays under generation 3
DIFFERENCES = (
    _D('layers', '`hard_sigmoid`', 'clip(0.2 x + 0.5, 0, 1)', 'relu6(x + 3) / 6', 'file',
       {'hard_sigmoid': (2, 3)}, {2: 'Keras 2', 3: 'Keras 3', '2.2.4': 'Keras 2'}),
    _D('layers', '`recurrent_activation` of LSTM, GRU, ConvLSTM', "'hard_sigmoid'", "'sigmoid'", 2),
    _D('layers', '`reset_after` of GRU', 'False, bias (3 units,)', 'True, bias (2, 3 units)', 2),
    _D('layers', '`unit_forget_bias` of LSTM', 'True', 'True', 'same'),
    _D('layers', '`implementation` of recurrent layers', 'argument, 1', 'none', 'both'),
    _D('layers', 'BatchNormalization, defaults', 'axis -1, momentum 0.99, epsilon 1e-3', 'the same', 'same'),
    _D('layers', 'BatchNormalization, variance that the moving one follows',
       "of the batch times n / (n - 1 - epsilon); images with channels last times n / (n - 1) as well",
       'of the batch', 3, {'batch_normalization.corrects_variance': (True, False)}),
    _D('layers', 'BatchNormalization, moving averages at the start', 'as if there had been no value before the first batch; a '
       'loaded model starts over', 'mixed with the initial 0 and 1', 3, {'batch_normalization.debiases': (True, False)}),
    _D('layers', 'BatchNormalization with `trainable=False` in training', 'by mean and variance of the batch, moving averages '
       'stay', 'by the moving averages', 3, {'batch_normalization.frozen_is_inference': (False, True)}),
    _D('layers', 'BatchNormalization under a mask', 'takes no notice', 'leaves out what is masked', 2,
       {'masking.leaves_statistics': (False, True)}),
    _D('layers', 'a layer without masks gets a mask', 'TypeError', 'drops it', 2,
       {'masking.unsupported_is_an_error': (True, False)}),
    _D('layers', 'Dense on inputs of more axes', 'contracts the last', 'the same', 'same'),
    _D('layers', 'Embedding as first layer', 'input (None,), built at once', 'built when it is called', 2,
       {'embedding.begins_with_any_length': (True, False)}),
    _D('layers', '`data_format` of 1-D layers', "'channels_last' whatever the setting", 'the setting', 2),
    _D('layers', '`pool_size` of AveragePooling', '2', 'must be given', 2, otherwise=_ALWAYS_2),
    _D('layers', 'slope of LeakyReLU and `relu`', '`alpha`', '`negative_slope`', 'both'),
    _D('layers', "UpSampling2D(interpolation='bilinear')", 'between corners: 0, 1 to 0, 0.5, 1, 1',
       'between centres of pixels: 0, 1 to 0, 0.25, 0.75, 1', 3, {'upsampling.half_pixel_centers': (False, True)}),
    _D('layers', '`activity_regularizer`', 'adds its sum over the batch to the loss', 'the sum divided by the batch size', 2,
       {'activity_regularizer.divided_by_batch': (False, True)}),
    _D('layers', 'softmax of a vector without batch axis', 'ValueError', 'computes', 3,
       {'softmax.takes_vectors': (False, True)}),
    _D('layers', '`summary` of a model that is not built', 'ValueError', 'prints', 3,
       {'summary.of_unbuilt_models': (False, True)}),
    _D('layers', 'keywords of every layer', 'input_shape, batch_input_shape, weights, …', 'input_shape, dtype, autocast, …',
       'both'),
    _D('layers', '`Input`, second position', 'batch_shape', 'batch_size', 'both'),
    _D('layers', '`add_weight`, first positions', 'name, shape', 'shape, initializer', 'both'),
    _D('layers', '`layer(array)`, `model(array)`', 'ValueError', 'computes', 3, {'calls.take_arrays': (False, True)}),
    _D('layers', 'a `call` that gives a list of one', 'the member', 'the list', 2,
       {'calls.one_output_is_no_list': (True, False)}),
    _D('layers', '`input_shape`, `output_shape`, `get_input_at` of layers', 'there', 'not there', 2, otherwise=_ALWAYS_2),
    _D('layers', 'automatic names', 'dense_1, dense_2, model_1, input_1', 'dense, dense_1, functional, input_layer', 2,
       {'names.first_has_number': (True, False), 'names.model': ('model', 'functional'),
        'names.input': ('input', 'input_layer')}),
    _D('layers', 'outputs of Bidirectional where both directions are masked', 'the last state', '0', 2,
       {'bidirectional.masked_outputs_are_zero': (False, True)}),
    _D('layers', 'output of a recurrent layer at a masked first step', 'the initial state', '0', 2,
       {'recurrent.masked_before_first_step_is_state': (True, False)}),
    _D('layers', 'states of stacked cells', 'one list', 'a list for each cell', 2, {'recurrent.nested_states': (False, True)}),
    _D('models', '`Sequential.add(Input(…))`', 'TypeError', 'allowed', 3,
       {'sequential.takes_inputs': (False, True)}),
    _D('models', '`Sequential`, second position', 'name', 'trainable', 'both'),
    _D('models', '`Sequential.layers`', 'without the InputLayer', 'the same', 'same'),
    _D('models', 'order of `model.weights`', 'all trainable ones, then the others', 'layer by layer', 3,
       {'weights.trainable_first': (True, False)}),
    _D('models', '`get_weights`, `set_weights`', 'layer by layer, a model inside trainable ones first',
       'layer by layer throughout', 3),
    _D('models', '`compile`, third position', 'metrics', 'loss_weights', 'both'),
    _D('models', "`verbose='auto'` of predict", '0', '1', 2, {'predict.verbose': (0, 1)}),
    _D('models', '`predict_classes`, `fit_generator`, `to_yaml`, `reset_states`, …', 'there', 'not there', 2,
       otherwise=_ALWAYS_2),
    _D('models', 'form of `summary`', 'ASCII table, print_fn line by line', 'box drawing, print_fn once', 2,
       otherwise=_ALWAYS_2),
    _D('models', 'progress bar', 'samples and = signs', 'batches and boxes', 2, otherwise=_ALWAYS_2),
    _D('models', '`metrics_names`', "['loss', 'acc']", "['loss', 'compile_metrics']", 2, otherwise=_ALWAYS_2),
    _D('models', '`model.metrics`', 'what compile got', 'Metric objects', 2, {'metrics.of_models_are_objects': (False, True)}),
    _D('training', "log keys of 'accuracy'", 'acc, val_acc', 'as typed', 'both', {'logs.accuracy': ('acc', None)},
       {2: 'acc; either is found', 3: 'as typed; either is found', '2.2.4': 'acc; either is found'}),
    _D('training', "log keys of 'mse', 'mae'", 'mean_squared_error, …', 'as typed', 'both',
       {'logs.full_metric_names': (True, False)},
       {2: 'full; either is found', 3: 'as typed; either is found', '2.2.4': 'full; either is found'}),
    _D('training', 'log key of the rate', 'lr', 'learning_rate', 'both',
       {'logs.learning_rate': ('lr', 'learning_rate')},
       {2: 'lr; either is found', 3: 'learning_rate; either is found', '2.2.4': 'lr; either is found'}),
    _D('training', 'values in logs and History', 'NumPy float32', 'Python float', 3,
       {'logs.values_are_float32': (True, False)}),
    _D('training', 'batch logs and `params` of callbacks', 'batch, size; samples, metrics, …', 'neither', 2,
       otherwise=_ALWAYS_2),
    _D('training', 'hooks of callbacks', 'on_batch_begin, …', 'on_train_batch_begin, on_test_…, …', 'both'),
    _D('training', 'sample weights in the loss', 'sum divided by the number of weights that are not 0',
       'sum divided by the batch size', 2, {'sample_weight.divided_by_nonzero_share': (True, False)}),
    _D('training', 'sample weights in metrics', 'not applied', 'not applied', 'same'),
    _D('training', 'values of an epoch of uneven batches', 'weighted by batch size', 'the same', 'same'),
    _D('training', '`update_freq` of TensorBoard', 'counts samples', 'counts batches', 2,
       {'tensorboard.update_freq_counts_samples': (True, False)}),
    _D('training', 'names for outputs of a model of one\'s own class', 'output_1_loss, output_1_acc', 'mse_loss, accuracy', 2,
       {'logs.unnamed_outputs_by_loss': (False, True)}),
    _D('training', 'order of names in logs and History', 'as compiled, val_ first', 'sorted, val_ last', 2,
       {'logs.sorted': (False, True)}),
    _D('training', 'Metric objects in train_on_batch, test_on_batch', 'go on', 'of the batch alone', 2,
       {'metrics.begin_with_each_batch': (False, True)}),
    _D('optimizers', 'argument and attribute of the rate', 'lr', 'learning_rate', 'both'),
    _D('optimizers', '`decay`', 'rate / (1 + decay · steps)', 'without effect', 2, {'optimizer.decay': (True, False)}),
    _D('optimizers', 'default rates', 'Adagrad 0.01, Adadelta 1.0, Adamax 0.002, Nadam 0.002', '0.001', 2),
    _D('optimizers', 'first accumulator of Adagrad', '0', '0.1', 2),
    _D('optimizers', 'epsilon of RMSprop, Adagrad', 'outside the root', 'inside the root', 'file',
       {'optimizer.epsilon_inside_root': (False, True)}, {2: 'Keras 2', 3: 'Keras 3', '2.2.4': 'Keras 2'}),
    _D('optimizers', 'schedule of Nadam', '0.96 ** (0.004 t)', '0.96 ** t', 2),
    _D('optimizers', '`clipnorm`', 'norm of all gradients together', 'of each gradient', 'file',
       {'optimizer.clipnorm_over_all': (True, False)}, {2: 'Keras 2', 3: 'Keras 3', '2.2.4': 'Keras 2'}),
    _D('losses', 'hinge losses of labels 0 and 1', 'labels as they are', 'as -1 and 1', 3,
       {'hinge.converts_labels': (False, True)}),
    _D('losses', 'cross-entropies of a saturated softmax or sigmoid', 'clipped: at most 16.1, no gradient beyond',
       'from the logits: no bound, gradient stays', 3, {'crossentropy.of_logits': (False, True)}),
    _D('losses', 'names', 'logcosh, kullback_leibler_divergence, cosine_proximity', 'log_cosh, kl_divergence, …', 'both'),
    _D('losses', 'reduction', 'functions only', 'classes', 'both'),
    _D('losses', 'type and shape in which targets reach a loss or metric of one\'s own', 'float32, at least 2-D',
       'as they were given, float types as float32, for losses all', 2,
       {'targets.as_given': (False, True)}),
    _D('metrics', '`binary_accuracy`', 'rounds predictions', 'compares them with the threshold', 2,
       {'binary_accuracy.rounds': (True, False)}),
    _D('regularizers', '`l1`, `l2`, `l1_l2`', 'argument l; l1_l2 of 0.01 and 0.01', 'l1, l2; l1_l2 of 0 and 0', 'both',
       otherwise={2: 'both; 0.01', 3: 'both; 0', '2.2.4': 'both; 0.01'}),
    _D('initializers', 'configurations', 'GlorotUniform and its kin as VarianceScaling', 'classes of their own', 'both',
       {'initializers.named_scaling': (False, True)},
       {2: 'both read; Keras 2 written', 3: 'both read; Keras 3 written', '2.2.4': 'both read; Keras 2 written'}),
    _D('constraints', 'names', 'max_norm, maxnorm, …', 'max_norm, …', 'both'),
    _D('utils', '`to_categorical`', '(y, num_classes, dtype), float32', '(x, num_classes), float64', 'both',
       otherwise=dict.fromkeys((2, 3, '2.2.4'), 'both; float32')),
    _D('utils', 'Sequence, PyDataset', 'Sequence', 'PyDataset', 'both'),
    _D('utils', '`show_layer_names` of plot_model', 'True', 'False', 2),
    _D('utils', 'where `get_file` unpacks', 'beside the archive', 'to a folder of its own', 2,
       {'get_file.unpacks_to_own_folder': (False, True)}),
    _D('datasets', 'shapes and arguments', 'labels of CIFAR (n, 1), lists of words', 'the same', 'same'),
    _D('preprocessing', 'ImageDataGenerator, Tokenizer, skipgrams, TimeseriesGenerator', 'there', 'not there', 2,
       otherwise=_ALWAYS_2),
    _D('preprocessing', '`load_img`, second position', 'grayscale', 'color_mode', 'both'),
    _D('files', '`model.save(path)`', 'HDF5 whatever the name', '.keras, .h5, else ValueError', 3,
       {'files.always_hdf5': (True, False)}, {2: 'both', 3: 'both'}),
    _D('files', '`save_weights(path)`', 'HDF5, a group for each layer', '.weights.h5, its own layout', 'both',
       otherwise={'2.2.4': 'Keras 2'}),
    _D('files', 'form of configurations', 'class_name, config', 'module and registered_name too', 2,
       {'config.module_and_registered_name': (False, True)}),
    _D('files', 'files of Keras 2.2.4', 'read', 'mostly not', 'file', otherwise=dict.fromkeys((2, 3, '2.2.4'), 'read')),
    _D('files', 'Lambda in files', 'runs the stored bytecode', 'refused unless safe_mode=False', 3,
       otherwise={'2.2.4': 'Keras 3'}),
    _D('applications', 'MobileNetV2(depth_multiplier), preprocess_input(mode)', 'arguments', 'not there', 'both'),
    _D('callbacks', 'ModelCheckpoint', 'period, any name of file', 'save_freq, .keras or .weights.h5', 'both'),
    _D('backend', '`keras.backend`', '157 functions', '14 functions', 2, otherwise=_ALWAYS_2),
)
