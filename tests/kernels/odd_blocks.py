"""Kernels with the block sizes of FASTKERAS_BLOCKS, on each instruction set, beside NumPy in float64: prints, as JSON, the
worst error of each case relative to the largest number, or what differs between one and two threads. Run by test_blocks.py."""
import json

import numpy as np

from fastkeras import config, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.runtime import Function, Variable

RNG = np.random.default_rng(11)
PRODUCTS = [(3, 70, 900), (40, 45, 129), (130, 200, 1000), (400, 100, 130), (70, 1100, 40), (37, 300, 50),
            (25, 130, 20)]
# rows, columns, channels, side of the kernel, stride, channels made, batch
CONVOLUTIONS = [(13, 12, 20, 1, 1, 40, 3), (13, 12, 20, 3, 2, 150, 3), (33, 31, 24, 3, 1, 20, 2), (14, 14, 200, 3, 1, 40, 2),
                (7, 7, 64, 3, 1, 40, 1), (16, 16, 32, 4, 2, 32, 2), (40, 130, 3, 7, 2, 20, 2), (60, 60, 1, 3, 1, 6, 2)]
DEPTHWISE = [(23, 19, 40, 3, 1, 2), (23, 19, 40, 5, 2, 2)]
ATTENTION = [(300, 24, 2), (70, 530, 1)]  # steps, size of a head, batch


def numbers(*shape):
    return RNG.standard_normal(shape, np.float32)


def with_gradients(function):
    """The function, and the gradients of a sum that weighs its results, as a list."""
    def f(*x):
        y = function(*x)
        weights = np.cos(np.arange(np.prod(y.shape))).reshape(y.shape).astype(y.dtype)
        return [y, *gradients(ops.sum(y * weights), list(x))]
    return f


def cases():
    """name, function, its arrays; `fixed` of them are packed ahead."""
    for m, n, k in PRODUCTS:
        yield f'product {m} {n} {k}', with_gradients(ops.matmul), [numbers(m, k), numbers(k, n)]
        yield f'packed {m} {n} {k}', ops.matmul, [numbers(m, k), Variable(numbers(k, n))]
    for h, w, c, side, stride, oc, batch in CONVOLUTIONS:
        def conv(x, w, stride=stride):
            return ops.conv(x, w, stride, 'same', 'channels_last')
        x, kernel = numbers(batch, h, w, c), numbers(side, side, c, oc)
        yield f'conv {h} {w} {c} {side} {stride} {oc}', with_gradients(conv), [x, kernel]
        yield f'packed conv {h} {w} {c} {side} {stride} {oc}', conv, [x, Variable(kernel)]
    for h, w, c, side, stride, batch in DEPTHWISE:
        yield (f'depthwise {h} {w} {c} {side} {stride}',
               with_gradients(lambda x, w, s=stride: ops.depthwise_conv(x, w, s, 'same', 'channels_last')),
               [numbers(batch, h, w, c), numbers(side, side, c, 1)])
    for steps, dim, batch in ATTENTION:
        q, k, v = (numbers(batch, steps, 2, dim) for _ in range(3))
        yield f'attention {steps} {dim}', with_gradients(ops.dot_product_attention), [q, k, v]


def exact(function, inputs):
    """In float64, which NumPy computes."""
    wide = [(x.numpy() if isinstance(x, Variable) else x).astype(np.float64) for x in inputs]
    return results(Function(function)(*wide))


def results(found):
    return [np.array(y) for y in (found if isinstance(found, (list, tuple)) else [found])]


def ours(function, inputs):
    fixed = [x for x in inputs if isinstance(x, Variable)]
    f = Function(lambda *x: function(*x, *fixed))
    return results(f(*(x for x in inputs if not isinstance(x, Variable))))


def main():
    errors = {}
    for name, function, inputs in cases():
        wanted = exact(function, inputs)
        for isa in config.isas():
            config.set_isa(isa)
            config.set_num_threads(1)
            alone = ours(function, inputs)
            config.set_num_threads(2)
            for y, other, right in zip(alone, ours(function, inputs), wanted):
                error = float(np.abs(y - right).max() / np.abs(right).max())
                same = np.array_equal(y, other)
                errors[name] = max(errors.get(name, 0.0), error) if same else 'differs with two threads'
                if not same:
                    break
            if errors[name] == 'differs with two threads':
                break
    print(json.dumps(errors))


if __name__ == '__main__':
    main()
