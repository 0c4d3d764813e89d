"""How moving averages, those of batch normalisation above all, follow a batch, as each generation has it.

Keras 2.2.4 stands on TensorFlow 1: its kernel for images gives n / (n - 1) of the variance, the layer takes n / (n - 1 -
epsilon) of that, and an average leaves out what it began with (Adam's correction): after one batch it is that batch's value.
What that needs is state beside the weights, which is in no file.
"""

import math
import weakref

from fastkeras import generation, ops
from fastkeras.runtime import Variable, active_trace, outside_trace

_LEAST_EPSILON = 1.001e-5   # of the kernel for images


def by_image_kernel(shape, axis):
    """Whether Keras 2.2.4 takes TensorFlow's kernel for images, and its rules are in force: channels last alone, on a CPU."""
    return len(shape) == 4 and axis == 3 and generation.of('batch_normalization.corrects_variance')


def epsilon_of(layer, shape, axis):
    """The epsilon that is added to the variance."""
    return max(layer.epsilon, _LEAST_EPSILON) if by_image_kernel(shape, axis) else layer.epsilon


def followed_variance(layer, variance, shape, axis):
    """The variance that the moving one follows, for that of a batch of this shape."""
    n = math.prod(d or 0 for k, d in enumerate(shape) if k != axis)
    if not n or not generation.of('batch_normalization.corrects_variance'):
        return variance
    factor = n / (n - (1.0 + layer.epsilon))
    return variance * (factor * n / max(n - 1, 1) if by_image_kernel(shape, axis) else factor)


def follow(layer, moving, now):
    """Let moving averages of a layer, Variables, follow the values of a batch."""
    momentum = layer.momentum
    if not generation.of('batch_normalization.debiases'):
        for average, value in zip(moving, now):
            average.assign(average * momentum + value * (1.0 - momentum))
        return
    steps, sums = _state_of_call(layer._averages, moving)
    count = steps + 1.0
    steps.assign(count)
    for average, biased, value in zip(moving, sums, now):
        biased_now, unbiased = _debiased(biased, value, momentum, count)
        biased.assign(biased_now)
        average.assign(unbiased)


def no_state():
    """What a layer, or a variable, keeps for its averages."""
    return {'trace': None, 'call': 0, 'states': []}


def debiased(kept, variable, value, momentum):
    """The new value of a moving average, of which nobody has said yet that it is assigned; its state follows where it is. kept:
    a `no_state()` that lives as long as the average."""
    steps, (biased,) = _state_of_call(kept, [variable])
    count = steps + 1.0
    biased_now, unbiased = _debiased(biased, value, momentum, count)
    active_trace().beside.update({id(count): (steps, count), id(biased_now): (biased, biased_now)})
    return unbiased


def _debiased(biased, value, momentum, count):
    biased_now = biased - (biased - value) * (1.0 - momentum)
    return biased_now, biased_now / (1.0 - ops.power(momentum, count))


def _state_of_call(kept, moving):
    """(number of steps, averages that begin with 0) for this call: each of several calls in one step has its own."""
    trace = active_trace()
    kept['call'] = kept['call'] + 1 if kept['trace'] is not None and kept['trace']() is trace else 0
    kept['trace'] = weakref.ref(trace)
    states = kept['states']
    if kept['call'] == len(states):
        with outside_trace():
            states.append((Variable(0.0, trainable=False, name='local_step'),
                           [Variable(ops.zeros(tuple(v.shape), v.dtype), trainable=False, name='biased') for v in moving]))
    return states[kept['call']]
