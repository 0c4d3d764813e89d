"""TensorFlow's operations between the layers of a model, as tf.keras wrote them: TFOpLambda and SlicingOpLambda of 2.4 to 2.15,
which name a function, and TensorFlowOpLayer of 2.0 to 2.3, which holds a node of a graph.

Tables say which operation of `ops` a name stands for; nothing else can be named.
"""

import base64
import binascii
import inspect
import math
from types import SimpleNamespace

import numpy as np

from fastkeras import ops
from fastkeras.graph import LEAVES
from fastkeras.layers.described import wrap_ops
from fastkeras.ops.tensor import Tensor
from fastkeras.saving import limits
from fastkeras.utils import nest
from fastkeras.utils.errors import nearest

CLASSES = ('TFOpLambda', 'SlicingOpLambda', 'TensorFlowOpLayer')
# what stands for a layer's name where the first argument of a call is no tensor
CONSTANT = '_CONSTANT_VALUE'


# ---- sizes, as tf.shape gives them
class _Unknown:
    """A size that is not known before there is a batch."""

    def __init__(self, tensor, axis):
        self.text = f'axis {axis} of an input of shape {tuple(tensor.shape)}'


class _Sizes:
    """A vector of sizes, where TensorFlow has a tensor."""

    def __init__(self, values):
        self.values = list(values)


def _sizes(input, out_type=None, name=None, optimize=True):
    return _Sizes(_Unknown(input, k) if d is None else d for k, d in enumerate(input.shape))


def _reshape(tensor, shape, name=None):
    shape = list(getattr(shape, 'values', shape)) if isinstance(shape, (list, tuple, _Sizes)) else [shape]
    unknown = [k for k, d in enumerate(shape) if isinstance(d, _Unknown)]
    rest = [k for k, d in enumerate(shape) if not isinstance(d, _Unknown) and int(d) == -1]
    if len(unknown) == 1 and len(rest) == 1 and list(tensor.shape).count(None) == 1:
        known = math.prod(int(d) for k, d in enumerate(shape) if k not in (*unknown, *rest))
        shape[rest[0]] = math.prod(d for d in tensor.shape if d is not None) // max(known, 1)
    elif len(unknown) + len(rest) > 1:
        raise ValueError(f'reshape: more than one size is unknown, {", ".join(shape[k].text for k in unknown)}')
    return ops.reshape(tensor, tuple(-1 if isinstance(d, _Unknown) else int(d) for d in shape))


def _get_item(x, slice_spec, var=None):
    def part(value):
        if isinstance(value, dict) and set(value) == {'start', 'stop', 'step'}:
            return slice(value['start'], value['stop'], value['step'])
        return ... if isinstance(value, dict) and value.get('class_name') == '__ellipsis__' else value
    key = tuple(part(v) for v in slice_spec) if isinstance(slice_spec, (list, tuple)) else part(slice_spec)
    if isinstance(x, _Sizes):
        found = x.values[key[0] if isinstance(key, tuple) and len(key) == 1 else key]
        return _Sizes(found) if isinstance(found, list) else found
    return x[key]


def _stack(values, axis=0, name=None):
    values = nest.to_list(values)
    return ops.stack(values, axis=axis) if all(isinstance(v, Tensor) for v in values) else _Sizes(values)


def _unstack(value, num=None, axis=0, name=None):
    if isinstance(value, _Sizes):
        return value.values
    _check_parts(value.shape[axis])
    return list(ops.unstack(value, num, axis))


def _check_parts(count):
    limits.check('calls', count or 0, 'results of one operation')


# ---- families of functions, in the words of TensorFlow
def _unary(op):
    return lambda x, name=None: op(x)


def _binary(op):
    def function(x, y, name=None):
        given = [np.asarray(v, np.float32 if _of_floats(v) else None) if isinstance(v, (list, tuple)) else v for v in (x, y)]
        if any(isinstance(v, _Unknown) for v in given):
            raise ValueError(f'a number is computed of {next(v.text for v in given if isinstance(v, _Unknown))}, which is not '
                             'known before there is a batch')
        if not any(isinstance(v, Tensor) for v in given) and any(np.ndim(v) for v in given):
            raise ValueError('expected a tensor of the model among the arguments')
        return op(*given)
    return function


def _of_floats(value):
    return any(isinstance(v, float) for v in nest.flatten(value))


def _reduction(op):
    def function(input_tensor, axis=None, keepdims=False, name=None, reduction_indices=None, keep_dims=None):
        axis = reduction_indices if axis is None else axis
        return op(input_tensor, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=bool(keepdims or keep_dims))
    return function


def _pool(op):
    def function(input, ksize, strides, padding, data_format='NHWC', name=None):
        if data_format != 'NHWC' or padding not in ('SAME', 'VALID'):
            raise ValueError(f"expected data_format='NHWC' and padding 'SAME' or 'VALID', got {data_format!r} and {padding!r}")
        return op(input, _window(ksize), _window(strides), padding.lower(), data_format='channels_last')
    return function


def _window(value):
    value = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(value) == 4 and value[0] == value[3] == 1:
        value = value[1:3]
    return tuple(value * 2 if len(value) == 1 else value)


_RESIZES = {'bilinear': 'bilinear', 'nearest': 'nearest', 'area': 'area'}


def _resize(images, size, method='bilinear', preserve_aspect_ratio=False, antialias=False, name=None):
    if method not in _RESIZES or preserve_aspect_ratio or antialias:
        raise ValueError(f'image.resize: expected method to be one of {", ".join(_RESIZES)}, without preserve_aspect_ratio and '
                         f'antialias, got {method!r}, {preserve_aspect_ratio} and {antialias}')
    return ops.image.resize(images, tuple(size), interpolation=method, data_format='channels_last')


def _transpose(a, perm=None, conjugate=False, name=None):
    return ops.transpose(a, perm)


def _squeeze(input, axis=None, name=None, squeeze_dims=None):
    axis = squeeze_dims if axis is None else axis
    return ops.squeeze(input, tuple(axis) if isinstance(axis, list) else axis)


def _pad(tensor, paddings, mode='CONSTANT', constant_values=0, name=None):
    mode = str(mode).lower()
    return ops.pad(tensor, paddings, mode, constant_values if mode == 'constant' else None)


def _split(value, num_or_size_splits, axis=0, num=None, name=None):
    parts = num_or_size_splits
    _check_parts(len(parts) if isinstance(parts, list) else parts)
    return list(ops.split(value, [int(v) for v in np.cumsum(parts)[:-1]] if isinstance(parts, list) else parts, axis))


def _matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False,
            b_is_sparse=False, output_type=None, grad_a=False, grad_b=False, name=None):
    def turned(x):
        n = len(x.shape)
        return ops.transpose(x, (*range(n - 2), n - 1, n - 2))
    return ops.matmul(turned(a) if transpose_a or adjoint_a else a, turned(b) if transpose_b or adjoint_b else b)


def _gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    if batch_dims:
        raise ValueError(f'gather: expected batch_dims=0, got {batch_dims!r}')
    return ops.take(params, np.asarray(indices) if isinstance(indices, list) else indices, axis=axis or 0)


def _one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    hot = ops.one_hot(indices, depth, axis=-1 if axis is None else axis, dtype=dtype or 'float32')
    return hot if (on, off) == (1, 0) else hot * (on - off) + off


def _arg(op):
    return lambda input, axis=None, output_type=None, name=None, dimension=None: op(
        input, axis=dimension if axis is None and dimension is not None else axis or 0)


def _norm(tensor, ord='euclidean', axis=None, keepdims=None, name=None, keep_dims=None):
    return ops.norm(tensor, ord=None if ord == 'euclidean' else ord, axis=tuple(axis) if isinstance(axis, list) else axis,
                    keepdims=bool(keepdims or keep_dims))


def _l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    axis = dim if axis is None else axis
    axis = tuple(axis) if isinstance(axis, list) else axis
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), epsilon))


def _cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    if exclusive or reverse:
        raise ValueError(f'cumsum: expected exclusive and reverse to be False, got {exclusive} and {reverse}')
    return ops.cumsum(x, axis=axis)


def _reverse(tensor, axis, name=None):
    return ops.flip(tensor, tuple(axis))


def _concat(values, axis, name=None):
    return ops.concatenate(nest.to_list(values), axis=axis)


def _add_n(inputs, name=None):
    first, *rest = nest.to_list(inputs)
    for x in rest:
        first = first + x
    return first


def _choice(condition, x=None, y=None, name=None):
    if x is None or y is None:
        raise ValueError('where: expected the two values to choose from')
    return ops.where(condition, x, y)


def _depth_to_space(input, block_size, data_format='NHWC', name=None):
    if data_format != 'NHWC':
        raise ValueError(f"expected data_format='NHWC', got {data_format!r}")
    return ops.depth_to_space(input, block_size)


_ELEMENTWISE = {
    'abs': ops.abs, 'acos': ops.arccos, 'asin': ops.arcsin, 'atan': ops.arctan, 'ceil': ops.ceil, 'cos': ops.cos,
    'cosh': ops.cosh, 'erf': ops.erf, 'exp': ops.exp, 'expm1': ops.expm1, 'floor': ops.floor, 'is_finite': ops.isfinite,
    'is_inf': ops.isinf, 'is_nan': ops.isnan, 'log': ops.log, 'log1p': ops.log1p, 'log_sigmoid': ops.log_sigmoid,
    'logical_not': ops.logical_not, 'negative': ops.negative, 'reciprocal': ops.reciprocal, 'round': ops.round,
    'rsqrt': ops.rsqrt, 'sigmoid': ops.sigmoid, 'sign': ops.sign, 'sin': ops.sin, 'sinh': ops.sinh, 'softplus': ops.softplus,
    'softsign': ops.softsign, 'sqrt': ops.sqrt, 'square': ops.square, 'tan': ops.tan, 'tanh': ops.tanh}
_OF_TWO = {
    'add': ops.add, 'atan2': ops.arctan2, 'divide': ops.divide, 'equal': ops.equal, 'floordiv': ops.floor_divide,
    'floormod': ops.mod, 'greater': ops.greater, 'greater_equal': ops.greater_equal, 'less': ops.less,
    'less_equal': ops.less_equal, 'logical_and': ops.logical_and, 'logical_or': ops.logical_or,
    'logical_xor': ops.logical_xor, 'maximum': ops.maximum, 'minimum': ops.minimum, 'mod': ops.mod,
    'multiply': ops.multiply, 'not_equal': ops.not_equal, 'pow': ops.power,
    'squared_difference': lambda x, y: ops.square(x - y), 'subtract': ops.subtract, 'truediv': ops.divide}
_REDUCTIONS = {'all': ops.all, 'any': ops.any, 'logsumexp': ops.logsumexp, 'max': ops.max, 'mean': ops.mean, 'min': ops.min,
               'prod': ops.prod, 'std': ops.std, 'sum': ops.sum, 'variance': ops.var}

# name of the function, without 'compat.v1.' → function in the words of TensorFlow
FUNCTIONS = {
    **{f'math.{name}': _unary(op) for name, op in _ELEMENTWISE.items()},
    **{f'math.{name}': _binary(op) for name, op in _OF_TWO.items()},
    **{f'math.reduce_{name}': _reduction(op) for name, op in _REDUCTIONS.items()},
    '__operators__.add': _binary(ops.add), '__operators__.eq': _binary(ops.equal), '__operators__.ne': _binary(ops.not_equal),
    '__operators__.getitem': _get_item,
    'math.add_n': _add_n, 'math.argmax': _arg(ops.argmax), 'math.argmin': _arg(ops.argmin), 'math.cumsum': _cumsum,
    'math.l2_normalize': _l2_normalize, 'norm': _norm, 'linalg.matmul': _matmul,
    **{f'nn.{name}': _unary(getattr(ops, name)) for name in ('elu', 'relu', 'selu', 'sigmoid', 'softsign', 'tanh')},
    'nn.relu6': lambda features, name=None: ops.relu6(features),
    'nn.silu': lambda features, beta=1.0: features * ops.sigmoid(beta * features),
    'nn.gelu': lambda features, approximate=False, name=None: ops.gelu(features, approximate),
    'nn.leaky_relu': lambda features, alpha=0.2, name=None: ops.leaky_relu(features, alpha),
    'nn.softmax': lambda logits, axis=-1, name=None: ops.softmax(logits, -1 if axis is None else axis),
    'nn.log_softmax': lambda logits, axis=-1, name=None: ops.log_softmax(logits, -1 if axis is None else axis),
    'nn.avg_pool2d': _pool(ops.average_pool), 'nn.max_pool2d': _pool(ops.max_pool),
    'nn.depth_to_space': _depth_to_space,
    'cast': lambda x, dtype, name=None: ops.cast(x, dtype),
    'clip_by_value': lambda t, clip_value_min, clip_value_max, name=None: ops.minimum(ops.maximum(t, clip_value_min),
                                                                                     clip_value_max),
    'concat': _concat, 'gather': _gather, 'one_hot': _one_hot, 'pad': _pad, 'reshape': _reshape, 'reverse': _reverse,
    'shape': _sizes, 'split': _split, 'squeeze': _squeeze, 'stack': _stack, 'transpose': _transpose, 'unstack': _unstack,
    'where': _choice,
    'expand_dims': lambda input, axis, name=None: ops.expand_dims(input, axis),
    'identity': lambda input, name=None: input * 1, 'stop_gradient': lambda input, name=None: ops.stop_gradient(input),
    'tile': lambda input, multiples, name=None: ops.tile(input, multiples),
    'ones_like': lambda input, dtype=None, name=None, layout=None, optimize=True: ops.ones_like(input, dtype=dtype),
    'zeros_like': lambda input, dtype=None, name=None, layout=None, optimize=True: ops.zeros_like(input, dtype=dtype),
    'image.resize': _resize,
    'image.flip_left_right': lambda image: ops.flip(image, 2), 'image.flip_up_down': lambda image: ops.flip(image, 1)}
_ON_SIZES = {'__operators__.getitem', 'stack', 'unstack', '__operators__.add', *(f'math.{name}' for name in _OF_TWO)}

# ---- nodes of graphs: name of the operation → fn(attributes, *inputs)
_TYPES = {'DT_FLOAT': 'float32', 'DT_DOUBLE': 'float64', 'DT_INT32': 'int32', 'DT_INT64': 'int64', 'DT_UINT8': 'uint8',
          'DT_BOOL': 'bool'}


def _strided_slice(attrs, x, begin, end, strides):
    masks = {k: attrs.get(f'{k}_mask', 0) for k in ('begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis')}
    key = []
    for k, (b, e, s) in enumerate(zip(begin, end, strides)):
        on = {name for name, mask in masks.items() if mask >> k & 1}
        key.append(... if 'ellipsis' in on else None if 'new_axis' in on else b if 'shrink_axis' in on else
                   slice(None if 'begin' in on else b, None if 'end' in on else e, s))
    return _get_item(x, key)


def _resized(method):
    def function(attrs, images, size):
        if not attrs.get('half_pixel_centers') or attrs.get('align_corners'):
            raise ValueError(f'resize: expected half_pixel_centers without align_corners, got {attrs}')
        return _resize(images, size, method)
    return function


def _raw(function, **names):
    """fn(attributes, *inputs) of a function above; names: of its arguments, by the attributes that they come from."""
    def of_node(attrs, *inputs):
        return function(*inputs, **{ours: attrs[theirs] for ours, theirs in names.items() if theirs in attrs})
    return of_node


_GRAPH = {
    **{''.join(p.capitalize() for p in name.split('_')): _raw(_unary(op)) for name, op in _ELEMENTWISE.items()},
    **{name: _raw(_binary(_OF_TWO[ours])) for name, ours in (
        ('Add', 'add'), ('AddV2', 'add'), ('Sub', 'subtract'), ('Mul', 'multiply'), ('RealDiv', 'truediv'), ('Div', 'truediv'),
        ('Pow', 'pow'), ('Maximum', 'maximum'), ('Minimum', 'minimum'), ('FloorDiv', 'floordiv'), ('FloorMod', 'floormod'),
        ('SquaredDifference', 'squared_difference'), ('Greater', 'greater'), ('GreaterEqual', 'greater_equal'),
        ('Less', 'less'), ('LessEqual', 'less_equal'), ('Equal', 'equal'), ('NotEqual', 'not_equal'),
        ('LogicalAnd', 'logical_and'), ('LogicalOr', 'logical_or'))},
    **{name: _raw(_reduction(_REDUCTIONS[name.lower()]), keepdims='keep_dims') for name in (
        'Mean', 'Sum', 'Max', 'Min', 'Prod', 'All', 'Any')},
    **{name: _raw(FUNCTIONS[f'nn.{name.lower()}']) for name in ('Relu', 'Relu6', 'Elu', 'Selu', 'Softsign', 'Softmax')},
    'Neg': _raw(_unary(ops.negative)), 'LogSoftmax': _raw(FUNCTIONS['nn.log_softmax']),
    'LeakyRelu': _raw(FUNCTIONS['nn.leaky_relu'], alpha='alpha'),
    'Reshape': _raw(_reshape), 'Transpose': _raw(_transpose), 'ExpandDims': _raw(FUNCTIONS['expand_dims']),
    'Squeeze': _raw(_squeeze, axis='squeeze_dims'), 'Tile': _raw(FUNCTIONS['tile']), 'Pad': _raw(_pad),
    'PadV2': lambda attrs, x, paddings, value: _pad(x, paddings, constant_values=value),
    'MirrorPad': _raw(_pad, mode='mode'), 'ReverseV2': _raw(_reverse),
    'ConcatV2': lambda attrs, *inputs: _concat(list(inputs[:-1]), inputs[-1]),
    'Pack': lambda attrs, *inputs: _stack(list(inputs), attrs.get('axis', 0)),
    'Unpack': _raw(_unstack, num='num', axis='axis'), 'AddN': lambda attrs, *inputs: _add_n(list(inputs)),
    'Split': lambda attrs, axis, x: _split(x, attrs['num_split'], axis),
    'SplitV': lambda attrs, x, sizes, axis: _split(x, list(sizes), axis),
    'MatMul': _raw(_matmul, transpose_a='transpose_a', transpose_b='transpose_b'),
    **dict.fromkeys(('BatchMatMul', 'BatchMatMulV2', 'BatchMatMulV3'), _raw(_matmul, transpose_a='adj_x', transpose_b='adj_y')),
    'StridedSlice': _strided_slice, 'Shape': lambda attrs, x: _sizes(x), 'Cast': _raw(FUNCTIONS['cast'], dtype='DstT'),
    'Select': _raw(_choice), 'SelectV2': _raw(_choice),
    'OneHot': lambda attrs, x, depth, on, off: _one_hot(x, depth, on, off, attrs.get('axis')),
    'ArgMax': _raw(_arg(ops.argmax)), 'ArgMin': _raw(_arg(ops.argmin)),
    'GatherV2': lambda attrs, x, indices, axis: _gather(x, indices, None, axis, attrs.get('batch_dims', 0)),
    'ZerosLike': _raw(FUNCTIONS['zeros_like']), 'OnesLike': _raw(FUNCTIONS['ones_like']),
    'Cumsum': _raw(_cumsum, exclusive='exclusive', reverse='reverse'),
    'ResizeBilinear': _resized('bilinear'), 'ResizeNearestNeighbor': _resized('nearest'),
    'DepthToSpace': _raw(_depth_to_space, block_size='block_size', data_format='data_format'),
    **{name: _raw(_pool(op), ksize='ksize', strides='strides', padding='padding', data_format='data_format')
       for name, op in (('AvgPool', ops.average_pool), ('MaxPool', ops.max_pool))},
    'Identity': _raw(FUNCTIONS['identity']), 'StopGradient': _raw(FUNCTIONS['stop_gradient']),
    'IdentityN': lambda attrs, *inputs: [x * 1 if isinstance(x, Tensor) else x for x in inputs],
    'ClipByValue': _raw(FUNCTIONS['clip_by_value'])}


_NODES_ON_SIZES = {'StridedSlice', 'Pack', 'Unpack', 'Mul', 'Add', 'AddV2', 'Sub', 'FloorDiv'}


def _attribute(value):
    """The value of an attribute in a node, which says its kind: {'i': '3'}."""
    (kind, inner), = value.items()
    if kind == 'list':
        return [_attribute({k: v}) for k, values in inner.items() for v in values]
    if kind == 's':
        return base64.b64decode(inner).decode('latin-1')
    return {'i': int, 'f': float, 'b': bool, 'type': lambda v: _TYPES.get(v, v)}.get(kind, lambda v: None)(inner)


def _of_node(config, name):
    """The function of tensors that the node in a configuration computes."""
    node = config.get('node_def')
    node = limits.read_json(node, f'the node of {name!r}') if isinstance(node, str) else node
    constants = config.get('constants') or {}
    if not isinstance(node, dict) or not isinstance(constants, dict):
        raise ValueError(f'op {name!r}: expected a node and its constants, got {node!r:.80} and {constants!r:.80}')
    kind = node.get('op')
    if kind not in _GRAPH:
        raise ValueError(f"op {name!r}: TensorFlow's {kind!r:.80} cannot be read; {nearest(str(kind), _GRAPH)}")
    constants = {int(k): v for k, v in constants.items()}
    wanted = len([i for i in node.get('input', ()) if not i.startswith('^')])
    try:
        attrs = {k: _attribute(v) for k, v in node.get('attr', {}).items() if k != '_class'}
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f'op {name!r}: the attributes of its node are damaged: {error}') from error

    def function(inputs):
        tensors = iter(nest.to_list(inputs))
        given = [constants[k] if k in constants else next(tensors) for k in range(wanted)]
        if kind not in _NODES_ON_SIZES and not any(isinstance(v, Tensor) for v in given):
            raise ValueError('expected a tensor of the model among its inputs')
        return _GRAPH[kind](attrs, *given)
    return function, f'{kind} of a graph'


def is_op(entry):
    """Whether an entry of a configuration is an operation of TensorFlow's."""
    return isinstance(entry, dict) and entry.get('class_name') in CLASSES


class FromTensorFlow:
    """An operation of a configuration; called on Keras tensors, it keeps what came out as a layer keeps its nodes."""

    def __init__(self, entry):
        config = entry.get('config')
        if not isinstance(config, dict):
            raise ValueError(f'{entry["class_name"]}: expected the configuration of an operation, got {config!r:.80}')
        self.name = entry.get('name', config.get('name'))
        self._inbound_nodes = []
        self._on_sizes = True
        if entry['class_name'] == 'TensorFlowOpLayer':
            self._function, self._said = _of_node(config, self.name)
            return
        self._said = said = config.get('function')
        short = said.removeprefix('compat.v1.') if isinstance(said, str) else said
        if short in ('einsum', 'linalg.einsum'):
            raise ValueError(f'op {self.name!r}: tf.keras writes tf.einsum without its operands, so no file has them; in the '
                             'program that wrote it, put it into a layer')
        if not isinstance(short, str) or short not in FUNCTIONS:
            raise ValueError(f"op {self.name!r}: TensorFlow's function {said!r:.80} cannot be read; "
                             f'{nearest(str(said), FUNCTIONS)}')
        self._function, self._on_sizes = FUNCTIONS[short], short in _ON_SIZES

    def __call__(self, inputs, **kwargs):
        given = [t for t in nest.flatten([inputs, kwargs]) if isinstance(t, Tensor)]
        if not given and not self._on_sizes:
            raise ValueError(f'op {self.name!r}: expected a tensor of the model among the arguments of {self._said}')
        try:
            bound = inspect.signature(self._function).bind(inputs, **kwargs)
        except TypeError as error:
            raise ValueError(f'op {self.name!r}: the arguments of {self._said} in the file do not fit: {error}') from error
        try:
            outputs = self._function(*bound.args, **bound.kwargs)
        except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError, StopIteration) as error:
            raise ValueError(f'op {self.name!r}: {self._said} cannot be made: {type(error).__name__}: {error}') from error
        except ValueError as error:
            raise ValueError(f'op {self.name!r}: {self._said}: {error}') from error
        if isinstance(outputs, Tensor) and outputs.op not in LEAVES and outputs._keras_history is None:
            wrap_ops([outputs], given, self.name)     # so that the layer has the name that the file has
        self._inbound_nodes.append(SimpleNamespace(
            outputs=outputs, output_tensors=outputs if isinstance(outputs, list) else [outputs]))
        return outputs
