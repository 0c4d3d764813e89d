"""Training beyond fit, written for any Keras: weights per step, masks, add_loss, target_tensors, two models that share layers.
`record_steps.py` runs KERAS2 with Keras 2.2.4 and KERAS3 with Keras 3, the tests with fastkeras."""

import warnings

import numpy as np
from training_cases import data, labels, one_hot, regressor, set_weights

STEPS, WEIGHTS = data(21, 20, 6, 3), np.abs(data(22, 20, 6)) * (np.arange(6) % 3 > 0)
STEPS[:, 4:] *= (np.arange(20) % 2)[:, None, None]      # half of the samples end with two masked steps
TARGETS, KINDS = data(23, 20, 6, 2), one_hot(labels(24, 20, 3), 3)
X, Y = data(25, 24, 4), data(26, 24, 1)


def history(h):
    """Lists by the names of Keras 2."""
    return {k: [float(v) for v in values] for k, values in h.history.items()}


def mean(k, x):
    return (k.backend if hasattr(k, 'backend') else k.ops).mean(x)


def over_time(k, mask=True, loss='mse', **compile_args):
    a = k.layers.Input(shape=(6, 3), name='a')
    h = k.layers.Masking()(a) if mask else a
    h = k.layers.TimeDistributed(k.layers.Dense(4, activation='tanh'))(h)
    m = k.models.Model(a, k.layers.TimeDistributed(k.layers.Dense(2), name='out')(h))
    m.compile('sgd', loss, **compile_args)
    return set_weights(m)


def weights_per_step(k):
    m = over_time(k, False, sample_weight_mode='temporal', metrics=['mae'], weighted_metrics=['mse'])
    h = history(m.fit(STEPS, TARGETS, batch_size=6, epochs=2, shuffle=False, verbose=0, sample_weight=WEIGHTS))
    return [h, m.evaluate(STEPS, TARGETS, verbose=0, sample_weight=WEIGHTS), m.get_weights()[0]]


def weights_per_step_of_masked(k):
    m = over_time(k, sample_weight_mode='temporal', metrics=['mae'], weighted_metrics=['mse'])
    h = history(m.fit(STEPS, TARGETS, batch_size=6, epochs=2, shuffle=False, verbose=0, sample_weight=WEIGHTS))
    return [h, m.evaluate(STEPS, TARGETS, verbose=0, sample_weight=WEIGHTS), m.get_weights()[0]]


def masked_outputs(k):
    m = over_time(k, metrics=['mae'])
    h = history(m.fit(STEPS, TARGETS, batch_size=6, epochs=2, shuffle=False, verbose=0))
    return [h, m.evaluate(STEPS, TARGETS, verbose=0), m.get_weights()[0]]


def masked_outputs_of_weighted_samples(k):
    m = over_time(k, weighted_metrics=['mae'])
    given = WEIGHTS[:, 1] * (np.arange(20) % 5 > 0)
    return [m.train_on_batch(STEPS, TARGETS, sample_weight=given), m.test_on_batch(STEPS, TARGETS, sample_weight=given)]


def modes_by_output(k):
    a = k.layers.Input(shape=(6, 3), name='a')
    steps = k.layers.TimeDistributed(k.layers.Dense(2), name='steps')(a)
    last = k.layers.Dense(3, activation='softmax', name='last')(k.layers.Flatten()(a))
    m = k.models.Model(a, [steps, last])
    out = []
    for mode in ({'steps': 'temporal', 'last': None}, ['temporal', None]):
        m.compile('sgd', ['mse', 'categorical_crossentropy'], sample_weight_mode=mode)
        set_weights(m)
        out.append(m.train_on_batch(STEPS, [TARGETS, KINDS], sample_weight={'steps': WEIGHTS, 'last': WEIGHTS[:, 1]}))
    return out


def added_losses(k):
    a = k.layers.Input(shape=(4,), name='a')
    h = k.layers.Dense(3, activation='tanh', name='h')(a)
    m = k.models.Model(a, k.layers.Dense(1, name='out')(h))
    m.add_loss(mean(k, h * h))
    m.compile('sgd', 'mse')
    set_weights(m)
    h = history(m.fit(X, Y, batch_size=6, epochs=2, shuffle=False, verbose=0))
    return [h, len(m.losses), m.get_weights()[0]]


def only_added_losses(k):
    a, b = k.layers.Input(shape=(4,)), k.layers.Input(shape=(1,))
    out = k.layers.Dense(1, name='out')(a)
    m = k.models.Model([a, b], out)
    m.add_loss(mean(k, (out - b) ** 2))
    m.compile('sgd', None)
    set_weights(m)
    h = history(m.fit([X, Y], batch_size=6, epochs=2, shuffle=False, verbose=0))
    return [h, m.evaluate([X, Y], verbose=0), m.get_weights()[0]]


def given_targets(k):
    a = k.layers.Input(shape=(4,), name='a')
    code = k.layers.Dense(2, activation='tanh', name='code')(a)
    m = k.models.Model(a, [k.layers.Dense(4, name='back')(code), k.layers.Dense(1, name='out')(code)])
    m.compile('sgd', 'mse', target_tensors={'back': k.backend.variable(X) if hasattr(k, 'backend') else k.Variable(X)})
    set_weights(m)
    return [m.train_on_batch(X, Y), m.train_on_batch(X, Y, sample_weight={'out': np.arange(24.0)}),
            m.get_weights()[0]]


def adversaries(k):
    """The discriminator is frozen where the generator is trained through it."""
    layers, models = k.layers, k.models
    generator = models.Sequential([layers.Dense(5, activation='tanh', input_shape=(2,)), layers.Dense(4)])
    critic = models.Sequential([layers.Dense(6, activation='tanh', input_shape=(4,)), layers.Dense(1, activation='sigmoid')])
    set_weights(generator, 31)
    set_weights(critic, 32)
    critic.compile('sgd', 'binary_crossentropy')
    critic.trainable = False
    z = layers.Input(shape=(2,))
    both = models.Model(z, critic(generator(z)))
    both.compile('sgd', 'binary_crossentropy')
    out = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')     # of the flag that was changed since
        for step in range(3):
            noise = data(40 + step, 24, 2)
            fake = generator.predict(noise)
            d = critic.train_on_batch(np.concatenate([X, fake]), np.array([1.0] * 24 + [0.0] * 24))
            out.append([d, both.train_on_batch(noise, np.ones(24))])
    return [out, [w.sum() for w in generator.get_weights()], [w.sum() for w in critic.get_weights()]]


KERAS2 = [weights_per_step, weights_per_step_of_masked, masked_outputs, masked_outputs_of_weighted_samples, modes_by_output,
          added_losses, only_added_losses, given_targets, adversaries]


# ---- Keras 3

def stateless_steps(k):
    m = regressor(k)
    optimizer = k.optimizers.Adam(0.05)
    optimizer.build(m.trainable_variables)
    value = [v.numpy() for v in optimizer.variables]
    weights, out = [v.numpy() for v in m.trainable_variables], []
    for step in range(3):
        y, _ = m.stateless_call(weights, [], X)
        out.append(np.mean((np.asarray(y) - Y) ** 2))
        grads = [np.cos(np.arange(w.size, dtype='float32') + step).reshape(w.shape) for w in weights]
        weights, value = optimizer.stateless_apply(value, grads, weights)
    metric = k.metrics.MeanAbsoluteError()
    state = metric.stateless_reset_state()
    for part in (slice(0, 10), slice(10, 24)):
        state = metric.stateless_update_state(state, Y[part], np.asarray(y)[part])
    return [out, [np.asarray(w).sum() for w in weights], float(metric.stateless_result(state))]


def averaged(k):
    m = regressor(k)
    m.compile(k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8), 'mse')
    set_weights(m)
    h = history(m.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(X, Y),
                      callbacks=[k.callbacks.SwapEMAWeights()]))
    return [h['val_loss'], [w.sum() for w in m.get_weights()]]


def distilled(k):
    def network(size, seed):
        m = k.models.Sequential([k.layers.Input(shape=(4,)), k.layers.Dense(size, activation='tanh', name='h'),
                                 k.layers.Dense(3, name='logits')])
        return set_weights(m, seed)
    d = k.distillation
    distiller = d.Distiller(network(5, 51), network(5, 52), [
        d.LogitsDistillation(2.0, k.losses.KLDivergence()), d.FeatureDistillation('mse', 'h', 'h')], [1.0, 0.5], 0.3)
    distiller.compile(k.optimizers.SGD(0.1), k.losses.SparseCategoricalCrossentropy(from_logits=True))
    h = history(distiller.fit(X, labels(53, 24, 3), batch_size=8, epochs=3, shuffle=False, verbose=0))
    return [[h[n] for n in ('student_loss', 'distillation_loss', 'total_loss')],
            [w.sum() for w in distiller.student.get_weights()]]


KERAS3 = [stateless_steps, averaged, distilled]
