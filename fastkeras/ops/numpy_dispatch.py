"""NumPy functions on symbolic tensors: np.mean(x, axis=1), np.maximum(x, 0), np.concatenate([x, y])."""

from . import core

# the public functions of ops by name, put here when all are loaded
public = {}

# ufunc → op where the names differ
_UFUNCS = {'true_divide': 'divide', 'remainder': 'mod', 'float_power': 'power', 'positive': 'copy',
           'conjugate': 'copy', 'invert': 'bitwise_not'}
_REDUCTIONS = {'add': 'sum', 'multiply': 'prod', 'maximum': 'max', 'minimum': 'min', 'logical_and': 'all',
               'logical_or': 'any'}
# NumPy's name → ours, and NumPy's keywords → ours
_FUNCTIONS = {'around': 'round', 'round_': 'round', 'fix': 'trunc', 'product': 'prod', 'amax': 'max', 'amin': 'min'}
_KEYWORDS = {'reshape': {'shape': 'newshape', 'newshape': 'newshape'},
             'clip': {'a_min': 'x_min', 'a_max': 'x_max', 'min': 'x_min', 'max': 'x_max'}}
_FIRST = {'a': 'x', 'm': 'x', 'ary': 'x', 'arr': 'x', 'array': 'x'}
# given with their defaults by callers; nothing else may be
_NEUTRAL = {'out': (None, ()), 'where': (True,), 'order': ('K', 'C', None), 'casting': ('same_kind',), 'subok': (True,),
            'dtype': (None,), 'copy': (None, True), 'mode': ('raise',), 'ddof': (0,)}


def _ours(name):
    """The public function of that name, or None."""
    return public.get(name)


def _checked(name, kwargs):
    kept = {}
    for key, value in kwargs.items():
        if key == 'out' and value is not None and value != ():
            raise TypeError(f'np.{name} of a symbolic tensor cannot write to out')
        if key in _NEUTRAL and any(value is v or value == v for v in _NEUTRAL[key]):
            continue
        kept[key] = value
    return kept


def ufunc_call(ufunc, method, inputs, kwargs):
    """np.ufunc(…) or np.ufunc.reduce(…) on operands of which one is symbolic."""
    name = ufunc.__name__
    out = kwargs.get('out', ())
    if method == '__call__' and len(out) == 1 and out[0] is inputs[0]:
        # `array += tensor`: the name on the left means the tensor from here on; the array stays as it is
        kwargs = {key: value for key, value in kwargs.items() if key != 'out'}
    kwargs = _checked(name, kwargs)
    if method == 'reduce' and name in _REDUCTIONS and not set(kwargs) - {'axis', 'keepdims'}:
        return _ours(_REDUCTIONS[name])(inputs[0], axis=kwargs.get('axis', 0), keepdims=kwargs.get('keepdims', False))
    function = _ours(_UFUNCS.get(name, name))
    if method != '__call__' or kwargs or function is None:
        extra = '' if method == '__call__' else f'.{method}'
        raise TypeError(f'np.{name}{extra} {"with " + str(sorted(kwargs)) + " " if kwargs else ""}has no meaning on a '
                        'symbolic tensor; write it with fastkeras.ops')
    return function(*inputs)


def function_call(func, args, kwargs):
    """A function of NumPy's with a symbolic tensor among its arguments."""
    name = getattr(func, '__name__', str(func))
    if name in ('result_type', 'can_cast', 'common_type'):
        raise TypeError(f'np.{name} needs arrays; a symbolic tensor has the attribute dtype')
    function = _ours(_FUNCTIONS.get(name, name))
    if function is None:
        raise TypeError(f'np.{name} has no meaning on a symbolic tensor; write it with fastkeras.ops')
    names = {**_FIRST, **_KEYWORDS.get(name, {})}
    renamed = {names.get(k, k): v for k, v in _checked(name, kwargs).items()}
    if name == 'astype':
        return core.tensor(args[0], args[1])
    return function(*args, **renamed)
