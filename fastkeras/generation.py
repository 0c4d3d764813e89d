"""The one table of what depends on the Keras generation in force (`config.generation()`, 2 unless set).

Two ways to read it. A default of a signature that differs is a `Default`: a number equal to the Keras 2 value, which
`chosen` turns into the value of the generation in force, when the caller left it as it was. A formula or a name that
differs is a row of TABLE, read by `of`.
"""

import inspect
from contextlib import contextmanager

from fastkeras import config

# what → (Keras 2.2.4, Keras 3). Rows whose choice does not hang on the generation are not here.
TABLE = {
    # layers
    'activity_regularizer.divided_by_batch': (False, True),
    'masking.unsupported_is_an_error': (True, False),
    'embedding.begins_with_any_length': (True, False),      # an Embedding that begins a model says its input: (None,)
    'masking.leaves_statistics': (False, True),             # batch normalisation takes no mean over what is masked
    'names.first_has_number': (True, False),                # dense_1, dense_2 against dense, dense_1
    'names.model': ('model', 'functional'),
    'names.input': ('input', 'input_layer'),
    'bidirectional.masked_outputs_are_zero': (False, True),
    'recurrent.masked_before_first_step_is_state': (True, False),   # the output of a masked first step; else it is 0
    'recurrent.nested_states': (False, True),               # states of stacked cells, cell by cell
    'calls.one_output_is_no_list': (True, False),           # [y] from a call is y
    # models and training
    'predict.verbose': (0, 1),
    'sample_weight.divided_by_nonzero_share': (True, False),
    'logs.accuracy': ('acc', None),                         # None: as typed
    'logs.full_metric_names': (True, False),                # mean_squared_error for 'mse'
    'metrics.of_models_are_objects': (False, True),         # model.metrics: what compile got, or Metrics
    'tensorboard.update_freq_counts_samples': (True, False),
    'logs.learning_rate': ('lr', 'learning_rate'),
    # optimizers
    'optimizer.epsilon_inside_root': (False, True),         # RMSprop, Adagrad
    'optimizer.clipnorm_over_all': (True, False),
    'optimizer.decay': (True, False),                       # Keras 3 takes the argument and ignores it
    # metrics
    'binary_accuracy.rounds': (True, False),                # equal(y, round(p)) against y == (p > threshold)
    # utils
    'get_file.unpacks_to_own_folder': (False, True),
    # saving
    'config.module_and_registered_name': (False, True),
    'initializers.named_scaling': (False, True),            # GlorotUniform against VarianceScaling
}


def of(what, generation=None):
    """The value of a row of TABLE for `generation`, by default the one in force."""
    return TABLE[what][(generation or config.generation()) - 2]


@contextmanager
def scope(generation):
    """Take `generation` (2 or 3) inside a `with` block of this thread: a file is read by the rules of its writer."""
    token = config._scoped_generation.set(config._checked_generation(generation))
    try:
        yield
    finally:
        config._scoped_generation.reset(token)


class Default(float):
    """A default number that the generations disagree on: equal to the Keras 2 value, and it remembers the other."""

    __slots__ = ('three',)

    def __new__(cls, two, three):
        self = super().__new__(cls, two)
        self.three = three
        return self


class DefaultWord(str):
    """The same for a word."""

    __slots__ = ('three',)

    def __new__(cls, two, three):
        self = super().__new__(cls, two)
        self.three = three
        return self


class DefaultWhole(int):
    """The same for a whole number, or a truth value."""

    def __new__(cls, two, three):
        self = super().__new__(cls, two)
        self.two, self.three = two, three
        return self

    def __repr__(self):
        return repr(self.two)


def chosen(value, generation=None):
    """`value`, or, when it is a Default that the caller did not replace, the generation's own value."""
    if isinstance(value, (Default, DefaultWord, DefaultWhole)):
        if (generation or config.generation()) == 3:
            return value.three
        return value.two if isinstance(value, DefaultWhole) else float(value) if isinstance(value, Default) else str(value)
    return value


def shown(function):
    """Decorator: the signature shows the Keras 2 values of such defaults, for readers and for tools."""
    signature = inspect.signature(function)
    two = [p.replace(default=chosen(p.default, 2)) for p in signature.parameters.values()]
    function.__signature__ = signature.replace(parameters=two)
    return function


# defaults of signatures
ADAGRAD_RATE = Default(0.01, 0.001)
ADADELTA_RATE = Default(1.0, 0.001)
ADAMAX_RATE = Default(0.002, 0.001)
NADAM_RATE = Default(0.002, 0.001)
NADAM_SCHEDULE_DECAY = Default(0.004, 1.0)
ADAGRAD_FIRST_ACCUMULATOR = Default(0.0, 0.1)
L1_L2_FACTOR = Default(0.01, 0.0)
RECURRENT_ACTIVATION = DefaultWord('hard_sigmoid', 'sigmoid')
RESET_AFTER = DefaultWhole(False, True)
IMPLEMENTATION = DefaultWhole(1, 2)         # Keras 3 takes the argument, though its signature does not say so
