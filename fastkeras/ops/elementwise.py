"""Elementwise operations: each record is one micro-operation of csrc/kernels/tile.def; operands broadcast."""

import math

import numpy as np

from . import core, facts, shares
from .core import FLOATS, INTS, Sample, apply, register
from .shapes import broadcast, sum_to

__all__ = ['cast', 'where', 'stop_gradient', 'clip']


# ---- gradients of operands that were broadcast
def _parts(node, *parts):
    """The gradient of each operand: parts are functions without arguments, called only where a gradient can be
    wanted."""
    return [None if i.op == 'const' or i.dtype not in FLOATS or part is None else sum_to(part(), i.shape)
            for i, part in zip(node.inputs, parts)]


def _export(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    globals()[name] = function
    __all__.append(name)


# ---- one operand
def _floats(seed, low, high, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, high, s).astype(np.float32) for s in shapes]


def _unary(name, micro, ref, grad, doc, low=-2.0, high=2.0, floating=True, compose=None, check=True, rtol=1e-6, **more):
    """grad(x, y, ct) gives the gradient of x; None: it is zero everywhere. more: facts, as `register` takes them."""
    def spec(x):
        return x.shape, x.dtype

    def vjp(node, ct):
        return [grad(node.inputs[0], node, ct) if grad is not None else None]

    def samples():
        arrays = _floats(len(name), low, high, (7, 33), (2, 1031))
        return [Sample([x], rtol=rtol, atol=1e-6, grad=check) for x in arrays]

    register(name, vjp=vjp, ref=ref, samples=samples, promote=0, floating=floating, compose=compose,
             micro=lambda node: micro if node.inputs[0].dtype == 'float32' else None, **more)(spec)
    _export(lambda x: apply(name, (x,)), name, doc)


def _always(node):
    return True


def _zero_stays(flags):
    return facts.ZERO if flags[0] else None


def _twice_negative(node, inputs):
    return inputs[0].inputs[0] if inputs[0].op == 'negative' else None


def _integers_stay(x):
    return None if x.dtype in FLOATS else x


def _magnitude(x):
    if x.dtype in FLOATS:
        return None
    return apply('maximum', (x, apply('negative', (x,)))) if x.dtype in INTS else x


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _erf(x):
    return np.frompyfunc(math.erf, 1, 1)(x).astype(np.asarray(x).dtype)


def _masked(keep, ct):
    return apply('where', (keep, ct, 0.0))


_unary('exp', 'exp', np.exp, lambda x, y, ct: ct * y, 'e to the power of x.', nonnegative=_always)
_unary('expm1', 'expm1', np.expm1, lambda x, y, ct: ct * (y + 1.0), 'exp(x) - 1, exact near 0.')
_unary('log', 'log', np.log, lambda x, y, ct: ct / x, 'Natural logarithm.', 0.1, 5.0)
_unary('log1p', 'log1p', np.log1p, lambda x, y, ct: ct / (x + 1.0), 'log(1 + x), exact near 0.', -0.8, 5.0)
_unary('sin', 'sin', np.sin, lambda x, y, ct: ct * apply('cos', (x,)), 'Sine of radians.', -9.0, 9.0)
_unary('cos', 'cos', np.cos, lambda x, y, ct: -(ct * apply('sin', (x,))), 'Cosine of radians.', -9.0, 9.0)
_unary('tan', 'tan', np.tan, lambda x, y, ct: ct * (y * y + 1.0), 'Tangent of radians.', -1.4, 1.4)
_unary('arcsin', 'asin', np.arcsin, lambda x, y, ct: ct * apply('rsqrt', (1.0 - x * x,)), 'Inverse sine.', -0.95, 0.95)
_unary('arccos', 'acos', np.arccos, lambda x, y, ct: -(ct * apply('rsqrt', (1.0 - x * x,))), 'Inverse cosine.',
       -0.95, 0.95)
_unary('arctan', 'atan', np.arctan, lambda x, y, ct: ct / (x * x + 1.0), 'Inverse tangent.', -4.0, 4.0)
_unary('tanh', 'tanh', np.tanh, lambda x, y, ct: ct * (1.0 - y * y), 'Hyperbolic tangent.', -4.0, 4.0)
_unary('sigmoid', 'sigmoid', _sigmoid, lambda x, y, ct: ct * (y * (1.0 - y)), '1 / (1 + exp(-x)).', -6.0, 6.0,
       nonnegative=_always)
_unary('softplus', 'softplus', lambda x: np.logaddexp(x, np.zeros((), x.dtype)),
       lambda x, y, ct: ct * apply('sigmoid', (x,)), 'log(1 + exp(x)).', -6.0, 6.0, nonnegative=_always)
_unary('erf', 'erf', _erf, lambda x, y, ct: ct * (apply('exp', (-(x * x),)) * (2.0 / math.sqrt(math.pi))),
       'Gauss error function.')
_unary('sqrt', 'sqrt', np.sqrt, lambda x, y, ct: ct * 0.5 / y, 'Square root.', 0.1, 4.0, zeros=_zero_stays)
_unary('rsqrt', 'rsqrt', lambda x: 1 / np.sqrt(x), lambda x, y, ct: ct * (y * y * y * -0.5), '1 / sqrt(x).', 0.1, 4.0)
_unary('reciprocal', 'reciprocal', lambda x: 1 / x, lambda x, y, ct: -(ct * (y * y)), '1 / x.', 0.3, 4.0)
_unary('relu', 'relu', lambda x: np.maximum(x, np.zeros((), x.dtype)), lambda x, y, ct: _masked(y > 0.0, ct),
       'max(x, 0).',
       floating=False, compose=lambda x: None if x.dtype in FLOATS else apply('maximum', (x, 0)), nonnegative=_always,
       light=True)
_unary('relu6', 'relu6', lambda x: np.minimum(np.maximum(x, np.zeros((), x.dtype)), np.full((), 6, x.dtype)),
       lambda x, y, ct: _masked(apply('logical_and', (y > 0.0, y < 6.0)), ct),
       'min(max(x, 0), 6); its gradient is 0 at both ends.', floating=False,
       compose=lambda x: None if x.dtype in FLOATS else apply('minimum', (apply('maximum', (x, 0)), 6)),
       nonnegative=_always, light=True)
_unary('square', 'square', np.square, lambda x, y, ct: ct * (x * 2.0), 'x · x.', floating=False,
       compose=lambda x: None if x.dtype in FLOATS else apply('multiply', (x, x)), zeros=_zero_stays,
       nonnegative=_always, light=True)
_unary('negative', 'neg', np.negative, lambda x, y, ct: -ct, '-x.', floating=False,
       compose=lambda x: None if x.dtype in FLOATS else apply('subtract', (0, x)), zeros=_zero_stays,
       simplify=_twice_negative, light=True)
_unary('absolute', 'abs', np.absolute, lambda x, y, ct: ct * apply('sign', (x,)), '|x|.', floating=False,
       compose=_magnitude, nonnegative=_always)
_unary('sign', 'sign', np.sign, None, '-1, 0 or 1: the sign of x. Its gradient is 0.', floating=False)
_unary('floor', 'floor', np.floor, None, 'The largest whole number of at most x. Its gradient is 0.', floating=False,
       compose=_integers_stay)
_unary('ceil', 'ceil', np.ceil, None, 'The smallest whole number of at least x. Its gradient is 0.', floating=False,
       compose=_integers_stay)
_unary('trunc', 'trunc', np.trunc, None, 'x without its fraction. Its gradient is 0.', floating=False,
       compose=_integers_stay)
_unary('rint', 'round', np.rint, None, 'The nearest whole number, halves to even. Its gradient is 0.', floating=False,
       compose=_integers_stay)


@register('stop_gradient', vjp=lambda node, ct: [None], ref=lambda x: x, micro='copy', promote=0,
          simplify=lambda node, inputs: inputs[0],      # gradients are made before
          samples=lambda: [Sample([x], grad=False) for x in _floats(1, -1, 1, (3, 5))])
def _stop_gradient_spec(x):
    return x.shape, x.dtype


def stop_gradient(variable):
    """x as it is, through which no gradient flows."""
    return apply('stop_gradient', (variable,))


# ---- truth values
def _test(name, micro, ref, doc, compose=None, shared=True):
    def spec(x):
        return x.shape, 'bool'

    def samples():
        x = _floats(3, -2, 2, (7, 33))[0]
        x[0, :4] = np.nan, np.inf, -np.inf, 0.0
        return [Sample([x], grad=False)]

    register(name, ref=ref, samples=samples, promote=0, compose=compose,
             micro=lambda node: micro if node.inputs[0].dtype in ('float32', 'bool', 'uint8') else None)(spec)
    _export(lambda x: apply(name, (x,)), name, doc)


_test('isnan', 'isnan', np.isnan, 'Where x is not a number.')
_test('isfinite', 'isfinite', np.isfinite, 'Where x is neither infinite nor NaN.')
_test('logical_not', 'not', np.logical_not, 'Where x is zero or False.',
      compose=lambda x: apply('equal', (x, 0)) if x.dtype in INTS else None)


# ---- two operands
def _binary_samples(name, low, high, grad, rtol=1e-6):
    def samples():
        return [Sample(_floats(len(name), low, high, a, b), rtol=rtol, atol=1e-6, grad=grad and a != (301, 1031))
                for a, b in (((7, 33), (7, 33)), ((3, 1031), (1031,)), ((2, 5, 7), (2, 1, 1)),
                             ((2, 3, 4, 5), (3, 1, 5)), ((4, 1), (3,)),
                             ((301, 1031), (301, 1)))]
    return samples


def _number(x):
    return x.astype(np.int32) if x.dtype == bool else x


def _arithmetic(name, micro, imicro, ref, parts, doc, low=-2.0, high=2.0, floating=False, compose=None, grad=True,
                rtol=1e-6, **more):
    """parts(a, b, y, ct) -> functions that give the gradients. imicro: the micro-operation on int32, None: the
    reference. more: facts, as `register` takes them."""
    def spec(x1, x2):
        return broadcast(x1.shape, x2.shape), 'int32' if x1.dtype == 'bool' else x1.dtype

    def as_numbers(x1, x2):
        if x1.dtype == 'bool':
            return apply(name, (apply('cast', (x1,), dtype='int32'), apply('cast', (x2,), dtype='int32')))
        return compose(x1, x2) if compose is not None else None

    def vjp(node, ct):
        return _parts(node, *parts(*node.inputs, node, ct))

    def which(node):
        dtype = node.inputs[0].dtype
        return micro if dtype == 'float32' else imicro if dtype in INTS else None

    register(name, vjp=vjp, ref=lambda a, b: ref(_number(a), _number(b)), micro=which, promote=0, floating=floating,
             samples=_binary_samples(name, low, high, grad, rtol), compose=as_numbers, **more)(spec)
    _export(lambda x1, x2: apply(name, (x1, x2)), name, doc)


def _constant_number(x):
    value = x.attrs['value'] if x.op == 'const' and x.size == 1 else None
    return None if value is None else value.reshape(-1)[0]


def _simple_power(x1, x2):
    p = _constant_number(x2)
    if p == 2 and x2.ndim <= x1.ndim:
        return apply('square', (x1,))
    return None


def _plus(shift, v):
    return v if shift is None else shift + v


def _times(x, v):
    return None if x is None else x * v


def _over(x, v):
    return None if x is None else x / v


def _power_simpler(node, inputs):
    p = facts.number(inputs[1])
    if p == 1:
        return inputs[0]
    if p in (2, 0.5):
        return facts.made('square' if p == 2 else 'sqrt', (inputs[0],), node)
    return None


def _smaller_nonnegative(node):
    """A bound that is not negative takes nothing from an operand that is not either."""
    for a, b in (node.inputs, node.inputs[::-1]):
        known = core.record(a.op).nonnegative
        if known is not None and known(a) and b.op == 'const' and np.all(np.asarray(b.attrs['value']) >= 0):
            return True
    return False


_arithmetic('add', 'add', 'iadd', np.add, lambda a, b, y, ct: (lambda: ct, lambda: ct), 'x1 + x2.',
            simplify=facts.first_of(facts.neutral(0, 0, 1), facts.pieces_joined), light=True,
            linear=dict.fromkeys((0, 1), lambda scale, shift, v: (scale, _plus(shift, v))),
            zeros=lambda flags: 1 if flags[0] else 0 if flags[1] else None)
_arithmetic('subtract', 'sub', 'isub', np.subtract, lambda a, b, y, ct: (lambda: ct, lambda: -ct), 'x1 - x2.',
            simplify=facts.neutral(0, 1), light=True,
            linear={0: lambda scale, shift, v: (scale, -v if shift is None else shift - v),
                    1: lambda scale, shift, v: (-1.0 if scale is None else -scale, v if shift is None else v - shift)},
            zeros=lambda flags: 0 if flags[1] else None)
_arithmetic('multiply', 'mul', 'imul', np.multiply, lambda a, b, y, ct: (lambda: ct * b, lambda: ct * a), 'x1 · x2.',
            simplify=facts.neutral(1, 0, 1), light=True,
            linear=dict.fromkeys((0, 1), lambda scale, shift, v: (v if scale is None else scale * v, _times(shift, v))),
            zeros=lambda flags: facts.ZERO if any(flags) else None)
_arithmetic('divide', 'div', None, np.divide, lambda a, b, y, ct: (lambda: ct / b, lambda: -(ct * y / b)),
            'x1 / x2, a float also for integers.', 0.4, 2.0, floating=True, simplify=facts.neutral(1, 1),
            linear={0: lambda scale, shift, v: (1.0 / v if scale is None else scale / v, _over(shift, v))},
            zeros=_zero_stays)
_arithmetic('floor_divide', 'floordiv', None, np.floor_divide, lambda a, b, y, ct: (None, None),
            'floor(x1 / x2). Its gradient is 0.', 0.4, 2.0)
_arithmetic('mod', 'mod', None, np.mod, lambda a, b, y, ct: (lambda: ct, lambda: -(ct * apply('floor', (a / b,)))),
            'What is left of x1 / x2, with the sign of x2.', 0.4, 0.7)
_arithmetic('power', 'pow', None, np.power,
            lambda a, b, y, ct: (lambda: ct * (b * apply('power', (a, b - 1.0))),
                                 lambda: ct * apply('where', (a > 0.0, y * apply('log', (a,)), 0.0))),
            'x1 to the power of x2.', 0.4, 2.0, compose=_simple_power, rtol=3e-6, simplify=_power_simpler)
_arithmetic('arctan2', 'atan2', None, np.arctan2,
            lambda a, b, y, ct: (lambda: ct * b / (a * a + b * b), lambda: -(ct * a / (a * a + b * b))),
            'The angle of the point (x2, x1), from -π to π.', floating=True)
_arithmetic('maximum', 'maximum', 'imax', np.maximum,
            lambda a, b, y, ct: (lambda: _masked(a >= b, ct), lambda: _masked(a < b, ct)),
            'The larger of x1 and x2; NaN where either is NaN. Where they are equal the gradient is x1\'s.')
_arithmetic('minimum', 'minimum', 'imin', np.minimum,
            lambda a, b, y, ct: (lambda: _masked(a <= b, ct), lambda: _masked(a > b, ct)),
            'The smaller of x1 and x2; NaN where either is NaN. Where they are equal the gradient is x1\'s.',
            nonnegative=_smaller_nonnegative)


def _comparison(name, micro, imicro, ref, doc, swapped=None, light=False):
    def spec(x1, x2):
        return broadcast(x1.shape, x2.shape), 'bool'

    def compose(x1, x2):
        return apply(swapped, (x2, x1)) if swapped and x1.dtype in INTS else None

    def which(node):
        dtype = node.inputs[0].dtype
        return None if dtype == 'float64' else imicro if dtype in INTS else micro

    def samples():
        a, b = _floats(5, -2, 2, (7, 33), (7, 33))
        b[::2] = a[::2]
        a[0, 0] = b[0, 1] = np.nan
        return [Sample([a, b], grad=False), Sample([a, b[0]], grad=False),
                Sample([(a[1:] * 2).astype(np.int32), (b[1:] * 2).astype(np.int32)], grad=False)]

    register(name, ref=ref, micro=which, promote=0, samples=samples, compose=compose, light=light)(spec)
    _export(lambda x1, x2: apply(name, (x1, x2)), name, doc)


_comparison('equal', 'eq', 'ieq', np.equal, 'Where x1 = x2.')
_comparison('not_equal', 'ne', 'ine', np.not_equal, 'Where x1 ≠ x2.')
_comparison('less', 'lt', 'ilt', np.less, 'Where x1 < x2.', light=True)
_comparison('less_equal', 'le', 'ile', np.less_equal, 'Where x1 ≤ x2.')
_comparison('greater', 'gt', None, np.greater, 'Where x1 > x2.', swapped='less', light=True)
_comparison('greater_equal', 'ge', None, np.greater_equal, 'Where x1 ≥ x2.', swapped='less_equal')


def _logical(name, micro, ref, doc):
    def spec(x1, x2):
        return broadcast(x1.shape, x2.shape), 'bool'

    def compose(x1, x2):
        if x1.dtype not in INTS:
            return None
        return apply(name, (apply('cast', (x1,), dtype='bool'), apply('cast', (x2,), dtype='bool')))

    def samples():
        a, b = (np.round(x) for x in _floats(5, -1, 1, (7, 33), (7, 33)))
        return [Sample([a, b], grad=False), Sample([a > 0, b[0] > 0], grad=False)]

    register(name, ref=ref, promote=0, samples=samples, compose=compose,
             micro=lambda node: micro if node.inputs[0].dtype in ('float32', 'bool', 'uint8') else None)(spec)
    _export(lambda x1, x2: apply(name, (x1, x2)), name, doc)


_logical('logical_and', 'and', np.logical_and, 'Where both are true (not zero).')
_logical('logical_or', 'or', np.logical_or, 'Where at least one is true (not zero).')
_logical('logical_xor', 'xor', np.logical_xor, 'Where exactly one is true (not zero).')


# ---- choice
def _where_samples():
    a, b = _floats(6, -2, 2, (7, 33), (7, 33))
    c = np.random.default_rng(1).random((7, 33)) < 0.5
    return [Sample([c, a, b]), Sample([c[:, :1], a, b[0]]), Sample([c[0], (a * 9).astype(np.int32),
                                                                   (b * 9).astype(np.int32)], grad=False)]


def _where_vjp(node, ct):
    c = node.inputs[0]
    return _parts(node, None, lambda: apply('where', (c, ct, 0.0)), lambda: apply('where', (c, 0.0, ct)))


def _where_truth(c, x1, x2):
    return apply('where', (apply('cast', (c,), dtype='bool'), x1, x2)) if c.dtype in INTS + ('float64',) else None


@register('where', vjp=_where_vjp, ref=lambda c, a, b: np.where(c, a, b), promote=1, samples=_where_samples,
          compose=_where_truth, micro=lambda node: None if node.dtype == 'float64' else 'select',
          simplify=shares.chosen_first, zeros=lambda flags: facts.ZERO if flags[1] and flags[2] else None)
def _where_spec(condition, x1, x2):
    return broadcast(condition.shape, x1.shape, x2.shape), x1.dtype


def where(condition, x1=None, x2=None):
    """x1 where the condition is true (not zero), x2 elsewhere; the three broadcast.

    With the condition alone, the indices of its true elements, a tuple of arrays: for arrays only, their number depends
    on the values.
    """
    if (x1 is None) != (x2 is None):
        raise ValueError('[where]: expected both x1 and x2, or neither')
    if x1 is None:
        if core.is_symbolic(condition):
            raise ValueError('[where]: the indices of true elements cannot be had of a symbolic tensor, their number '
                             'depends on its values; give x1 and x2')
        return tuple(i.astype(np.int32) for i in np.nonzero(core.to_array(condition)))
    return apply('where', (condition, x1, x2))


# ---- types
_CASTS = {('f', 'f'): 'copy', ('f', 'i'): 'to_int', ('i', 'i'): 'copy', ('i', 'f'): 'to_float'}
_REGISTER = {'float32': 'f', 'uint8': 'f', 'bool': 'f', 'int32': 'i', 'int64': 'i'}  # how a tile program holds the type


def _cast_micro(node):
    source = node.inputs[0].dtype
    if 'float64' in (source, node.dtype):
        return None
    if node.dtype == 'bool':
        return 'truth' if _REGISTER[source] == 'f' else None
    if node.dtype == 'uint8' and source == 'float32':
        return 'trunc'  # wraps around when it is written
    if node.dtype == 'uint8' and source == 'int32':
        return None     # would pass through a float on its way to memory
    return _CASTS[_REGISTER[source], _REGISTER[node.dtype]]


def _cast_vjp(node, ct):
    source = node.inputs[0].dtype
    return [apply('cast', (ct,), dtype=source) if source in FLOATS and node.dtype in FLOATS else None]


def _cast_compose(x, *, dtype):
    if x.dtype == dtype:
        return x
    return apply('not_equal', (x, 0)) if dtype == 'bool' and x.dtype in INTS else None


def _cast_samples():
    x = _floats(2, 0, 100, (7, 33))[0]
    return [Sample([x], {'dtype': 'int32'}, grad=False), Sample([x], {'dtype': 'float64'}),
            Sample([np.round(x / 60)], {'dtype': 'bool'}, grad=False), Sample([x], {'dtype': 'uint8'}, grad=False),
            Sample([x.astype(np.int32) - 50], {'dtype': 'float32'}, grad=False),
            Sample([x.astype(np.uint8)], {'dtype': 'float32'}, grad=False),
            Sample([x.astype(np.int32) - 50], {'dtype': 'int64'}, grad=False),
            Sample([x.astype(np.int32) % 2], {'dtype': 'bool'}, grad=False),
            Sample([x > 50], {'dtype': 'float32'}, grad=False)]


@register('cast', vjp=_cast_vjp, ref=lambda x, *, dtype: x.astype(dtype), micro=_cast_micro, compose=_cast_compose,
          samples=_cast_samples, simplify=facts.the_input, light=True)
def _cast_spec(x, *, dtype):
    return x.shape, dtype


def cast(x, dtype):
    """x as another type: 'float32', 'float64', 'int32', 'int64', 'uint8' or 'bool'.

    Floats lose their fraction on the way to integers. float64 and int64 are computed by the NumPy reference.
    """
    dtype = core.dtype_name(dtype)
    if not core.is_symbolic(x):
        return core.to_array(x, dtype)
    return apply('cast', (x,), dtype=dtype)


def clip(x, x_min, x_max):
    """x with what lies below x_min raised to it and what lies above x_max lowered to it; None: no bound."""
    if x_min is not None:
        x = apply('maximum', (x, x_min))
    return x if x_max is None else apply('minimum', (x, x_max))
