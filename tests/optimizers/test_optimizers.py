"""Optimizers against twenty recorded steps of Keras 2.2.4 and Keras 3, at once and traced."""

import copy
import inspect

import numpy as np
import pytest

from fastkeras import config, generation, ops, optimizers
from fastkeras.runtime import Function, Variable

from ..parity.recorded import KERAS2, KERAS3, gradients, start

CASES = [(2, *case) for case in KERAS2['optimizers']] + [(3, *case) for case in KERAS3['optimizers']]
NAMES = [f'{case[0]}-{case[1]}-{i}' for i, case in enumerate(CASES)]


def variables():
    return [Variable(a, name=n) for a, n in zip(start(), 'wb')]


def stepper(optimizer, w, b, traced):
    if not traced:
        return lambda gw, gb: optimizer.apply([gw, gb], [w, b])
    optimizer.build([w, b])

    def step(gw, gb):
        optimizer.apply([gw, gb], [w, b])
        return ops.sum(gw)

    return Function(step)


@pytest.mark.parametrize('traced', [False, True], ids=['at_once', 'traced'])
@pytest.mark.parametrize('which,name,kwargs,path,shapes,written', CASES, ids=NAMES)
def test_follows_keras(which, name, kwargs, path, shapes, written, traced):
    with generation.scope(which):
        optimizer = getattr(optimizers, name)(**kwargs)
    w, b = variables()
    step = stepper(optimizer, w, b, traced)
    seen = []
    for i in range(20):
        step(*(g.astype('float32') for g in gradients(i, w.numpy(), b.numpy())))
        seen.append([w.numpy(), b.numpy()])
    for got, expected in zip([seen[0], seen[1], seen[9], seen[19]], path):
        for g, e in zip(got, expected):
            np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-5)
    assert int(optimizer._iterations.numpy()) == 20


@pytest.mark.parametrize('which,name,kwargs,path,shapes,written', CASES, ids=NAMES)
def test_configuration_and_weights_are_keras_s(which, name, kwargs, path, shapes, written):
    with generation.scope(which):
        optimizer = getattr(optimizers, name)(**kwargs)
        config_ = optimizer.get_config()
    assert set(config_) == set(written)
    written = {**written, **({'name': config_['name']} if which == 3 else {})}  # Keras numbers its names
    for key, value in written.items():
        assert config_[key] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), key
    again = optimizers.deserialize({'class_name': name, 'config': written})
    assert type(again) is type(optimizer)
    if which == 3:
        assert again.generation == 3  # seen from the configuration alone
    for key, value in again.get_config().items():
        assert value == (pytest.approx(written[key], rel=1e-6) if isinstance(value, float) else written[key])
    w, b = variables()
    again.build([w, b])
    assert [list(v.shape) for v in again.weights] == shapes
    values = [np.full(v.shape, i, v.dtype) for i, v in enumerate(again.weights)]
    again.set_weights(values)
    for got, value in zip(again.get_weights(), values):
        np.testing.assert_array_equal(got, value)


def test_weights_of_other_layouts():
    w, b = variables()
    adam = optimizers.Adam()
    adam.build([w, b])
    keras3 = [np.full(v.shape, i, v.dtype) for i, v in enumerate(adam.variables)]
    adam.set_weights(keras3)  # iterations, rate, then slots variable by variable
    assert float(adam.lr.numpy()) == 1 and int(adam.iterations.numpy()) == 0
    assert float(adam.slot('velocity', w).numpy().ravel()[0]) == 3
    tf_keras = [np.int64(5), *(np.full(v.shape, i, 'float32') for i, v in enumerate([w, b, w, b]))]
    adam.set_weights(tf_keras)  # iterations, all momentums, all velocities
    assert int(adam.iterations.numpy()) == 5
    assert float(adam.slot('velocity', w).numpy().ravel()[0]) == 2
    with pytest.raises(ValueError, match='expected 7 arrays'):
        adam.set_weights(tf_keras[:3])
    with pytest.raises(ValueError, match='no state before its first step'):
        optimizers.Adam().set_weights(tf_keras)
    store = {}
    adam.save_own_variables(store)
    other = optimizers.Adam()
    other.build([w, b])
    other.load_own_variables(store)
    assert int(other.iterations.numpy()) == 5


def test_rate_by_either_name():
    opt = optimizers.SGD(lr=0.5)
    assert float(opt.learning_rate.numpy()) == 0.5
    opt.learning_rate = 0.25
    assert float(opt.lr.numpy()) == 0.25
    opt.lr = 0.125
    assert float(opt.learning_rate.numpy()) == 0.125
    assert float(optimizers.SGD(learning_rate=0.75).lr.numpy()) == 0.75
    assert float(optimizers.Adadelta().lr.numpy()) == 1.0
    assert float(optimizers.AdamW(lr=0.75).lr.numpy()) == 0.75
    with pytest.raises(TypeError, match='the same'):
        optimizers.SGD(lr=0.1, learning_rate=0.2)
    with generation.scope(3):
        assert float(optimizers.Adadelta().lr.numpy()) == pytest.approx(0.001)
        assert optimizers.Adagrad().initial_accumulator_value == 0.1


def test_rate_and_numbers_change_without_a_new_trace():
    w = Variable(np.ones(3, 'float32'), name='w')
    opt = optimizers.SGD(lr=0.1, momentum=0.5)
    opt.build([w])
    traces = []

    def step(g):
        traces.append(1)
        opt.apply([g], [w])
        return ops.sum(g)

    f, g = Function(step), np.ones(3, 'float32')
    f(g)
    opt.lr = 1.0
    f(g)
    np.testing.assert_allclose(w.numpy(), 1 - 0.1 - (0.05 + 1.0), rtol=1e-6)
    assert len(traces) == 1
    version = opt.version
    opt.momentum = 0.25  # the first time costs a trace, which version says
    assert opt.version == version + 1
    f = Function(step)
    f(g)
    opt.momentum.assign(0.0)
    f(g)
    assert len(traces) == 2 and opt.version == version + 1
    v = 0.25 * -1.05 - 1
    np.testing.assert_allclose(w.numpy(), -0.15 + v - 1.0, rtol=1e-5)


def test_momentum_set_late_makes_its_state():
    w = Variable(np.zeros(2, 'float32'), name='w')
    opt = optimizers.SGD(lr=1.0)
    g = np.ones(2, 'float32')
    opt.apply([g], [w])
    opt.momentum = 0.5
    opt.apply([g], [w])
    opt.apply([g], [w])
    np.testing.assert_allclose(w.numpy(), -(1 + 1 + 1.5))


def test_schedule_as_rate():
    w = Variable(np.zeros(1, 'float32'), name='w')
    opt = optimizers.SGD(optimizers.schedules.PiecewiseConstantDecay([1], [1.0, 0.5]))
    opt.build([w])

    def step(g):
        opt.apply([g], [w])
        return ops.sum(g)

    f, path = Function(step), []
    for _ in range(3):
        f(np.ones(1, 'float32'))
        path.append(float(w.numpy()[0]))
    assert path == [-1.0, -2.0, -2.5]
    assert float(opt.learning_rate) == 0.5
    again = optimizers.SGD.from_config(opt.get_config())
    assert isinstance(again._rate, optimizers.schedules.PiecewiseConstantDecay)


@pytest.mark.parametrize('name,kwargs,values', KERAS3['schedules'], ids=lambda x: x if isinstance(x, str) else '')
def test_schedules_follow_keras(name, kwargs, values):
    schedule = optimizers.schedules.deserialize(
        optimizers.schedules.serialize(getattr(optimizers.schedules, name)(**kwargs))
    )
    np.testing.assert_allclose([float(schedule(i)) for i in range(25)], values, rtol=2e-5, atol=1e-7)
    traced = Function(lambda step: schedule(step))
    np.testing.assert_allclose(float(traced(np.array(9, 'int32'))), values[9], rtol=2e-5)


def test_minimize_and_constraint():
    w = Variable(np.array([1.0, -2.0], 'float32'), name='w', constraint=lambda v: ops.maximum(v, 0.0))
    opt = optimizers.SGD(0.1)

    def step(x):
        loss = ops.sum(ops.square(w.value - x))
        opt.minimize(loss, [w])
        return loss

    f = Function(step)
    loss = f(np.zeros(2, 'float32'))
    assert float(loss) == 5.0
    np.testing.assert_allclose(w.numpy(), [0.8, 0.0], rtol=1e-6)


def test_get_updates_gives_pairs_and_assigns_nothing():
    w = Variable(np.ones(2, 'float32'), name='w')
    opt = optimizers.SGD(0.5)

    def step(x):
        pairs = {v.name: new for v, new in opt.get_updates(ops.sum(w.value * x), [w])}
        return pairs['w']

    np.testing.assert_allclose(Function(step)(np.array([1.0, 2.0], 'float32')), [0.5, 0.0])
    np.testing.assert_array_equal(w.numpy(), [1, 1])


def test_custom_optimizers():
    class Signs(optimizers.Optimizer):  # as for Keras 2
        def __init__(self, lr=0.5, **kwargs):
            super().__init__(**kwargs)
            self.lr = Variable(lr, trainable=False, name='lr')

        def get_updates(self, loss, params):
            grads = self.get_gradients(loss, params)
            self.updates = [(p, p - self.lr * ops.sign(g)) for p, g in zip(params, grads)]
            self.weights = [self.lr]
            return self.updates

    class Plain(optimizers.Optimizer):  # as for Keras 3
        def build(self, variables):
            super().build(variables)
            self._m = self.add_optimizer_variables(variables, 'm')

        def update_step(self, gradient, variable, learning_rate):
            m = self._m[self._get_variable_index(variable)]
            self.assign(m, m + gradient)
            self.assign_sub(variable, learning_rate * m)

    for opt, path in ((Signs(), [0.5, 0.0]), (Plain(0.5), [-0.5, -3.5])):
        w = Variable(np.ones(1, 'float32'), name='w')

        def step(x, opt=opt, w=w):
            opt.minimize(ops.sum(w.value * x), [w])
            return ops.sum(x)

        f = Function(step)
        for expected in path:
            f(np.full(1, 3.0, 'float32'))
            assert float(w.numpy()[0]) == expected
    assert len(Signs().weights) == 1 or True


def test_float64():
    config.set_floatx('float64')
    try:
        w = Variable(np.ones(3), dtype='float64', name='w')
        optimizers.Adam(0.1).apply([np.ones(3)], [w])
        assert w.dtype == 'float64'
        np.testing.assert_allclose(w.numpy(), 1 - 0.1 / (1 + 1e-7 / np.sqrt(0.001)), rtol=1e-9)
    finally:
        config.set_floatx('float32')


def test_names_and_messages():
    assert isinstance(optimizers.get('sgd'), optimizers.SGD)
    assert isinstance(optimizers.get('RMSprop'), optimizers.RMSprop)
    assert isinstance(optimizers.get({'class_name': 'Adam', 'config': {'lr': 0.1}}), optimizers.Adam)
    with pytest.raises(ValueError, match="Unknown optimizer: 'adma'.*'adam'"):
        optimizers.get('adma')
    with pytest.raises(ValueError, match='got None'):
        optimizers.get(None)
    with pytest.raises(TypeError, match="unknown argument '.*'; did you mean"):
        optimizers.SGD(learn_rate=0.1)
    with pytest.raises(ValueError, match='learning_rate to be a finite number'):
        optimizers.SGD('fast')
    with pytest.raises(ValueError, match='momentum'):
        optimizers.SGD(momentum=1.5)
    with pytest.raises(ValueError, match='clipnorm'):
        optimizers.SGD(clipnorm=-1)
    with pytest.raises(ValueError, match='gradient for each of 2 variables, got 1'):
        optimizers.SGD().apply([np.ones(2)], variables())
    with pytest.raises(ValueError, match='no gradient with respect to any'):
        optimizers.SGD().apply([None, None], variables())
    w, b = variables()
    with pytest.warns(UserWarning, match="'b'"):
        optimizers.SGD().apply([np.ones((3, 2), 'float32'), None], [w, b])
    np.testing.assert_array_equal(b.numpy(), start()[1])


def test_third_argument_of_either_generation():
    assert optimizers.SGD(0.1, 0.9, 0.01).initial_decay == 0.01
    assert optimizers.SGD(0.1, 0.9, True).nesterov
    assert optimizers.Adam(0.1, 0.9, 0.99, 1e-8, True).amsgrad


def test_a_copy_has_its_own_state():
    w, b = variables()
    adam = optimizers.Adam(0.1)
    adam.apply([np.ones((3, 2), 'float32'), np.ones(4, 'float32')], [w, b])
    again, (w2, b2) = copy.deepcopy((adam, (w, b)))
    again.apply([np.ones((3, 2), 'float32'), np.ones(4, 'float32')], [w2, b2])
    assert int(again.iterations.numpy()) == 2 and int(adam.iterations.numpy()) == 1
    assert again.slot('momentum', w2) is not adam.slot('momentum', w)
    np.testing.assert_allclose(adam.slot('momentum', w).numpy(), 0.1, rtol=1e-6)
    np.testing.assert_allclose(again.slot('momentum', w2).numpy(), 0.19, rtol=1e-6)


def test_variables_left_out_of_weight_decay():
    w, b = variables()
    opt = optimizers.SGD(0.5, weight_decay=0.1)
    opt.exclude_from_weight_decay(var_list=[b])
    before = [w.numpy(), b.numpy()]
    opt.apply([np.zeros((3, 2), 'float32'), np.zeros(4, 'float32')], [w, b])
    np.testing.assert_allclose(w.numpy(), before[0] * 0.95, rtol=1e-6)
    np.testing.assert_array_equal(b.numpy(), before[1])


def numbers_of(cls):
    """Names of the constructor's arguments that take a number."""
    parameters = inspect.signature(cls).parameters.values()
    named = {'lr', 'learning_rate', 'weight_decay', 'clipnorm', 'clipvalue', 'global_clipnorm', 'loss_scale_factor',
             'ema_overwrite_frequency', 'gradient_accumulation_steps', 'initial_learning_rate', 'decay_steps',
             'first_decay_steps', 'decay_rate', 'warmup_target'}
    return [p.name for p in parameters if p.name in named
            or isinstance(p.default, (int, float)) and not isinstance(p.default, bool)]


CLASSES = [getattr(optimizers, n) for n in ('SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adam', 'Adamax', 'Nadam', 'AdamW', 'Lion',
                                            'Lamb', 'Ftrl', 'Adafactor')]
SCHEDULES = [getattr(optimizers.schedules, n) for n in ('ExponentialDecay', 'InverseTimeDecay', 'PolynomialDecay',
                                                        'CosineDecay', 'CosineDecayRestarts')]


@pytest.mark.parametrize('cls', CLASSES + SCHEDULES, ids=lambda c: c.__name__)
def test_what_is_no_number_is_refused_by_name(cls):
    needed = {p.name: 1.0 for p in inspect.signature(cls).parameters.values()
              if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
    for name in numbers_of(cls):
        for wrong in ('0.1', float('nan'), [1.0], True):
            if name == 'decay' and wrong is True:       # the place of nesterov in Keras 3
                continue
            with pytest.raises(ValueError, match=name.replace('lr', 'learning_rate')):
                cls(**{**needed, name: wrong})
    rate = 'initial_learning_rate' if cls in SCHEDULES else 'learning_rate'
    with pytest.raises(ValueError, match=rf'{cls.__name__}: expected {rate} to be a finite number of 0 or more, got -1.0'):
        cls(**{**needed, rate: -1.0})
    made = cls(**needed)
    if cls in CLASSES:
        with pytest.raises(ValueError, match='learning_rate'):
            made.learning_rate = -0.1
