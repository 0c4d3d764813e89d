"""How the moving averages of batch normalisation follow a batch, as each generation has it.

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
    steps, sums = _state_of_call(layer, moving)
    count = steps + 1.0
    steps.assign(count)
    share = 1.0 - ops.power(momentum, count)
    for average, biased, value in zip(moving, sums, now):
        biased_now = biased - (biased - value) * (1.0 - momentum)
        biased.assign(biased_now)
        average.assign(biased_now / share)


def _state_of_call(layer, moving):
    """(number of steps, averages that begin with 0) for this call: each of several calls in one step has its own."""
    trace, kept = active_trace(), layer._averages
    kept['call'] = kept['call'] + 1 if kept['trace'] is not None and kept['trace']() is trace else 0
    kept['trace'] = weakref.ref(trace)
    states = kept['states']
    if kept['call'] == len(states):
        with outside_trace():
            states.append((Variable(0.0, trainable=False, name=f'{layer.name}/local_step'),
                           [Variable(ops.zeros(tuple(v.shape), v.dtype), trainable=False, name=f'{layer.name}/biased')
                            for v in moving]))
    return states[kept['call']]
