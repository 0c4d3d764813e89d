"""Muon and AdamW without a schedule against Keras 3.15 on JAX (on TensorFlow its ScheduleFreeAdamW reads z after
it changed)."""

import numpy as np
import pytest

from fastkeras import Variable
from fastkeras.optimizers import AdamW, Muon, ScheduleFreeAdamW, deserialize, serialize
from fastkeras.runtime import Function

CASES = {
    'muon': (Muon, {'learning_rate': 0.1}),
    'muon plain': (Muon, {'learning_rate': 0.1, 'nesterov': False, 'rms_rate': None, 'ns_steps': 3, 'weight_decay': None,
                          'adam_weight_decay': None, 'exclude_layers': ['tall']}),
    'schedule free': (ScheduleFreeAdamW, {'learning_rate': 0.1, 'warmup_steps': 2, 'weight_decay': 0.01}),
    'schedule free plain': (ScheduleFreeAdamW, {'learning_rate': 0.05, 'beta_1': 0.8}),
}
# what Keras 3.15 makes of wave(…) in three steps: tall, wide, vector, embedding
RECORDED = {
    'muon': [[-0.03737, 0.954588, -0.208617, -0.897801, 0.444568, 0.78324, -0.641327, -0.618515, 0.800712, 0.412986,
        -0.912137, -0.177938, 0.953526, -0.071021, -0.935225],
        [0.789854, 0.409642, -0.895414, -0.178904, 0.979974, -0.024091, -0.973766, 0.275019],
        [0.724964, -0.236738, -0.637055, 0.437657],
        [0.181162, -0.756704, -0.156053, 0.758024, -0.077698, -0.703954]],
    'muon plain': [[-0.160367, 0.765699, 0.027398, -0.735789, 0.202028, 0.654891, -0.40843, -0.534661, 0.576473,
        0.380844, -0.694917, -0.187822, 0.756814, 0.163219, -0.759893],
        [0.726107, 0.360176, -0.81892, -0.149149, 0.934014, 0.047689, -0.946303, 0.196163],
        [0.725944, -0.237255, -0.63788, 0.438411],
        [0.181276, -0.757786, -0.156026, 0.759072, -0.078021, -0.704895]],
    'schedule free': [[-0.149754, 0.932083, -0.067051, -0.898195, 0.322799, 0.808208, -0.54897, -0.670117, 0.730987,
        0.484173, -0.858025, -0.25009, 0.9234, 0.087387, -0.925157],
        [0.710219, 0.511265, -0.844885, -0.282753, 0.918502, 0.122203, -0.928466, 0.143544],
        [0.887274, -0.361625, -0.789078, 0.581578],
        [0.242282, -0.924401, -0.079137, 0.924223, -0.185243, -0.863937]],
    'schedule free plain': [[-0.081496, 0.938945, -0.130535, -0.890513, 0.378859, 0.783211, -0.596162, -0.625212,
        0.76826, 0.422334, -0.884404, -0.181444, 0.937805, 0.020691, -0.926163],
        [0.748838, 0.451137, -0.872738, -0.214398, 0.934536, 0.054951, -0.931319, 0.205065],
        [0.877017, -0.416339, -0.760994, 0.627239],
        [0.17359, -0.938418, -0.012583, 0.924786, -0.2456, -0.848826]],
}


def wave(*shape, phase=0.0, scale=1.0):
    return (np.sin(np.arange(int(np.prod(shape))) * 1.7 + phase) * scale).astype('float32').reshape(shape)


def variables():
    return [Variable(wave(5, 3), name='tall'), Variable(wave(2, 4, phase=1), name='wide'),
            Variable(wave(4, phase=2), name='vector'), Variable(wave(3, 2, phase=3), name='embedding')]


@pytest.mark.parametrize('traced', [False, True])
@pytest.mark.parametrize('name', CASES)
def test_three_steps(name, traced):
    cls, options = CASES[name]
    optimizer, weights = cls(**options), variables()
    optimizer.build(weights)

    def apply(*grads):
        optimizer.apply(list(grads), weights)
        return optimizer.iterations.value
    step = Function(apply) if traced else apply
    for k in range(3):
        step(*(wave(*v.shape, phase=k + i, scale=0.5) for i, v in enumerate(weights)))
    for v, want in zip(weights, RECORDED[name]):
        np.testing.assert_allclose(v.numpy().ravel(), want, atol=5e-6)
    again = deserialize(serialize(optimizer))
    assert type(again) is cls and again.get_config() == optimizer.get_config()


def test_only_weights_that_adam_moves_have_a_velocity():
    optimizer, weights = Muon(exclude_layers=['wi.e']), variables()
    optimizer.build(weights)
    assert [optimizer.slot('velocity', v) is not None for v in weights] == [False, True, True, True]
    assert len(optimizer.variables) == 2 + 4 + 3
    values = [w + 1 for w in optimizer.get_weights()]
    optimizer.set_weights(values)
    assert all(np.array_equal(a, b) for a, b in zip(values, optimizer.get_weights()))
    with pytest.raises(ValueError, match='matrix'):
        optimizer.zeropower_via_newtonschulz5(np.ones(3), 2)


def test_mistakes():
    for make in (lambda: Muon(momentum=-1), lambda: Muon(ns_steps=0), lambda: ScheduleFreeAdamW(beta_1=0)):
        with pytest.raises(ValueError, match='Muon|ScheduleFreeAdamW'):
            make()


@pytest.mark.parametrize('cls', [AdamW, Muon])
@pytest.mark.parametrize('decay', [None, 0.5])
def test_a_weight_decay_that_is_not_the_default_is_kept(cls, decay):
    assert deserialize(serialize(cls(weight_decay=decay))).weight_decay == decay
