"""Functions of the backend on small arrays, for any Keras that has them: name → (function of K and tensors, arrays)."""

import numpy as np

R = np.random.RandomState(5)


def floats(*shape, low=-2.0, high=2.0):
    return R.uniform(low, high, shape).astype('float32')


def whole(high, *shape):
    return R.randint(0, high, shape).astype('int32')



A, B, POSITIVE = floats(3, 4), floats(3, 4), floats(3, 4, low=0.1, high=3.0)
ROW, CUBE, OTHER = floats(4), floats(2, 3, 4), floats(2, 4, 5)
IMAGE, VOLUME, STEPS = floats(2, 6, 5, 3), floats(2, 4, 5, 4, 2), floats(2, 7, 3)
CASES = {}


def case(name, *arrays):
    def add(function):
        assert name not in CASES, name
        CASES[name] = function, arrays
        return function
    return add


def simple(name, *arrays, label='', **arguments):
    case(name + label, *arrays)(lambda K, *x: getattr(K, name)(*x, **arguments))


for _name in ('abs', 'cos', 'exp', 'hard_sigmoid', 'sigmoid', 'sin', 'softplus', 'softsign', 'square', 'tanh', 'elu', 'relu',
              'softmax', 'sign', 'round', 'identity', 'transpose', 'flatten', 'batch_flatten', 'stop_gradient', 'ones_like',
              'zeros_like', 'expand_dims', 'l2_normalize'):
    simple(_name, A * 3 if _name == 'hard_sigmoid' else A)
simple('log', POSITIVE)
simple('sqrt', POSITIVE)
case('sqrt of negative numbers', A)(lambda K, x: K.stop_gradient(K.sqrt(x)))
for _name in ('equal', 'not_equal', 'greater', 'greater_equal', 'less', 'less_equal', 'maximum', 'minimum'):
    simple(_name, np.round(A), np.round(B)) if 'equal' in _name else simple(_name, A, B)
for _name in ('sum', 'mean', 'max', 'min', 'prod', 'var', 'std', 'logsumexp'):
    simple(_name, CUBE)
    simple(_name, CUBE, label=' axis', axis=1)
    simple(_name, CUBE, label=' axes', axis=[0, -1], keepdims=True)
for _name in ('any', 'all'):
    case(_name, A, B)(lambda K, x, y, f=_name: getattr(K, f)(K.greater(x, y), axis=1))
    case(_name + ' of all', A, B)(lambda K, x, y, f=_name: getattr(K, f)(K.greater(x, y), keepdims=True))
case('mean of truth values', A)(lambda K, x: K.mean(K.greater(x, 0.5)))
simple('argmax', A)
simple('argmax', A, label=' axis', axis=0)
simple('argmin', A)
simple('cumsum', A)
simple('cumsum', A, label=' axis', axis=1)
simple('cumprod', A, axis=1)
simple('pow', POSITIVE, a=2.5)
simple('clip', A, min_value=-0.5, max_value=1.0)
simple('clip', A, label=' crossed', min_value=1.0, max_value=0.5)
case('cast', A)(lambda K, x: K.cast(x * 3, 'int32'))
case('cast to floats', whole(9, 3, 4))(lambda K, x: K.cast(x, 'float32'))
simple('relu', A, label=' slope', alpha=0.3)
simple('relu', A, label=' bounds', max_value=1.2, threshold=0.4, alpha=0.1)
simple('elu', A, label=' alpha', alpha=0.4)
simple('softmax', CUBE, label=' axis', axis=1)
simple('l2_normalize', A, label=' axis', axis=1)

# products
simple('dot', A, floats(4, 5))
simple('dot', CUBE, floats(4, 5), label=' of three axes and two')
simple('dot', floats(2, 3), floats(4, 3, 5), label=' of two axes and three')
simple('batch_dot', CUBE, OTHER)
simple('batch_dot', floats(3, 4), floats(3, 4), label=' vectors', axes=1)
simple('batch_dot', floats(3, 4), floats(3, 4), label=' pair', axes=(1, 1))
simple('batch_dot', CUBE, floats(2, 5, 4), label=' last', axes=(2, 2))
simple('batch_dot', CUBE, floats(2, 3, 5), label=' first', axes=(1, 1))
simple('batch_dot', CUBE, floats(2, 4), label=' matrix and vector', axes=(2, 1))
simple('batch_dot', floats(2, 3), CUBE, label=' vector and matrix', axes=(1, 1))
simple('batch_dot', floats(2, 3, 4, 5), floats(2, 3, 5, 2), label=' four axes')
simple('batch_dot', floats(2, 3, 4, 5), floats(2, 3, 6, 5), label=' four axes, last', axes=(3, 3))
case('bias_add', IMAGE, floats(3))(lambda K, x, b: K.bias_add(x, b))
case('bias_add of two axes', STEPS, floats(7, 3))(lambda K, x, b: K.bias_add(x, b))
case('bias_add channels_first', STEPS, floats(7))(lambda K, x, b: K.bias_add(x, b, 'channels_first'))

# moving about
simple('reshape', A, shape=(2, -1))
simple('permute_dimensions', CUBE, pattern=(2, 0, 1))
simple('expand_dims', CUBE, label=' axis', axis=1)
simple('squeeze', floats(3, 1, 2), axis=1)
case('concatenate', A, B)(lambda K, x, y: K.concatenate([x, y], axis=0))
case('concatenate last', A, B)(lambda K, x, y: K.concatenate([x, y]))
case('stack', A, B)(lambda K, x, y: K.stack([x, y], axis=1))
simple('tile', A, n=[2, 3])
simple('repeat', A, n=3)
simple('repeat_elements', CUBE, rep=2, axis=1)
simple('reverse', CUBE, axes=1)
simple('reverse', CUBE, label=' two', axes=[0, 2])
simple('slice', CUBE, start=[0, 1, 2], size=[2, 1, 2])
simple('slice', CUBE, label=' to the end', start=[1, 0, 1], size=[-1, 2, -1])
case('gather', A, whole(3, 5))(lambda K, x, i: K.gather(x * 1.0, i))
case('gather of two axes', A, whole(3, 2, 2))(lambda K, x, i: K.gather(x * 1.0, i))
case('one_hot', whole(4, 2, 3))(lambda K, i: K.one_hot(i, 4))
case('arange', A)(lambda K, x: x + K.cast(K.arange(4), 'float32'))
case('arange of three', A)(lambda K, x: x[:, :3] * K.cast(K.arange(1, 7, 2), 'float32'))
case('shape', CUBE)(lambda K, x: K.shape(x))
case('size of the batch', CUBE)(lambda K, x: K.sum(x) * K.cast(K.shape(x)[0], 'float32'))
case('constant', A)(lambda K, x: x * K.constant([1.0, 2.0, 3.0, 4.0]))
case('constant of a shape', A)(lambda K, x: x * K.constant(2.5, shape=(3, 4)))
case('temporal_padding', STEPS)(lambda K, x: K.temporal_padding(x, (2, 1)))
case('spatial_2d_padding', IMAGE)(lambda K, x: K.spatial_2d_padding(x, ((1, 0), (2, 1))))
case('spatial_3d_padding', VOLUME)(lambda K, x: K.spatial_3d_padding(x, ((1, 0), (2, 1), (0, 1))))
case('spatial_2d_padding channels_first', IMAGE)(lambda K, x: K.spatial_2d_padding(x, ((1, 0), (2, 1)), 'channels_first'))
case('resize_images', IMAGE)(lambda K, x: K.resize_images(x, 2, 3, 'channels_last'))
case('resize_images channels_first', IMAGE)(lambda K, x: K.resize_images(x, 2, 3, 'channels_first'))
case('resize_volumes', VOLUME)(lambda K, x: K.resize_volumes(x, 2, 1, 2, 'channels_last'))

# windows
case('conv1d', STEPS, floats(3, 3, 4))(lambda K, x, k: K.conv1d(x, k))
case('conv1d causal', STEPS, floats(3, 3, 4))(lambda K, x, k: K.conv1d(x, k, padding='causal', dilation_rate=2))
case('conv1d strides', STEPS, floats(3, 3, 4))(lambda K, x, k: K.conv1d(x, k, strides=2, padding='same'))
case('conv2d', IMAGE, floats(3, 3, 3, 4))(lambda K, x, k: K.conv2d(x, k))
case('conv2d same', IMAGE, floats(3, 2, 3, 4))(lambda K, x, k: K.conv2d(x, k, strides=(2, 1), padding='same'))
case('conv2d dilated', IMAGE, floats(2, 2, 3, 4))(lambda K, x, k: K.conv2d(x, k, dilation_rate=(2, 2)))
case('conv3d', VOLUME, floats(2, 3, 2, 2, 3))(lambda K, x, k: K.conv3d(x, k))
case('conv3d strides', VOLUME, floats(2, 2, 2, 2, 3))(lambda K, x, k: K.conv3d(x, k, strides=(2, 1, 2), padding='same'))
case('conv2d_transpose', floats(2, 3, 3, 4), floats(3, 3, 2, 4))(
    lambda K, x, k: K.conv2d_transpose(x, k, (2, 7, 7, 2), strides=(2, 2)))
case('conv2d_transpose same', floats(2, 3, 3, 4), floats(3, 3, 2, 4))(
    lambda K, x, k: K.conv2d_transpose(x, k, (2, 6, 5, 2), strides=(2, 2), padding='same'))
case('conv3d_transpose', floats(1, 2, 3, 2, 4), floats(2, 3, 2, 2, 4))(
    lambda K, x, k: K.conv3d_transpose(x, k, (1, 4, 7, 4, 2), strides=(2, 2, 2)))
case('depthwise_conv2d', IMAGE, floats(3, 3, 3, 2))(lambda K, x, k: K.depthwise_conv2d(x, k))
case('depthwise_conv2d same', IMAGE, floats(3, 3, 3, 1))(
    lambda K, x, k: K.depthwise_conv2d(x, k, strides=(2, 2), padding='same'))
case('separable_conv1d', STEPS, floats(3, 3, 2), floats(1, 6, 4))(lambda K, x, d, p: K.separable_conv1d(x, d, p))
case('separable_conv2d', IMAGE, floats(3, 3, 3, 2), floats(1, 1, 6, 4))(
    lambda K, x, d, p: K.separable_conv2d(x, d, p, padding='same'))
case('local_conv1d', STEPS, floats(3, 9, 4))(lambda K, x, k: K.local_conv1d(x, k, (3,), (2,)))
case('local_conv2d', IMAGE, floats(8, 18, 4))(lambda K, x, k: K.local_conv2d(x, k, (3, 2), (1, 2), (4, 2)))
case('pool2d', IMAGE)(lambda K, x: K.pool2d(x, (2, 2)))
case('pool2d average', IMAGE)(lambda K, x: K.pool2d(x, (3, 2), (2, 2), 'same', pool_mode='avg'))
case('pool3d', VOLUME)(lambda K, x: K.pool3d(x, (2, 2, 2), (2, 1, 2)))
case('pool3d average', VOLUME)(lambda K, x: K.pool3d(x, (2, 2, 2), pool_mode='avg'))

# losses and normalisation
P = (lambda e: (e / e.sum(-1, keepdims=True)).astype('float32'))(np.exp(floats(3, 4)))
case('binary_crossentropy', (A > 0).astype('float32'), floats(3, 4, low=0.05, high=0.95))(
    lambda K, t, p: K.binary_crossentropy(t, p))
case('binary_crossentropy of logits', (A > 0).astype('float32'), B)(
    lambda K, t, p: K.binary_crossentropy(t, p, from_logits=True))
case('categorical_crossentropy', np.eye(4, dtype='float32')[:3], P)(lambda K, t, p: K.categorical_crossentropy(t, p))
case('categorical_crossentropy of logits', np.eye(4, dtype='float32')[:3], B)(
    lambda K, t, p: K.categorical_crossentropy(K.stop_gradient(t), p, from_logits=True))
case('categorical_crossentropy axis', np.eye(3, 4, dtype='float32'), POSITIVE)(
    lambda K, t, p: K.categorical_crossentropy(t, p, axis=0))
case('sparse_categorical_crossentropy', whole(4, 3), P)(lambda K, t, p: K.sparse_categorical_crossentropy(t, p))
case('sparse_categorical_crossentropy of logits', whole(4, 3), B)(
    lambda K, t, p: K.sparse_categorical_crossentropy(t, p, from_logits=True))
case('in_top_k', A, whole(4, 3))(lambda K, p, t: K.in_top_k(p, t, 2))
case('batch_normalization', A, floats(4), floats(4, low=0.1), floats(4), floats(4))(
    lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g))
case('batch_normalization broadcast', IMAGE, floats(1, 6, 1, 1), floats(1, 6, 1, 1, low=0.1))(
    lambda K, x, m, v: K.batch_normalization(x, m, v, None, None, axis=1, epsilon=0.01))
case('normalize_batch_in_training', A, floats(4), floats(4))(lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0])[0])
case('normalize_batch_in_training mean', A, floats(4), floats(4))(
    lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0])[1])
case('normalize_batch_in_training images', IMAGE, floats(6), floats(6))(
    lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0, 2, 3])[0])
_LOGITS = np.exp(floats(2, 6, 4))
SPOKEN = (_LOGITS / _LOGITS.sum(-1, keepdims=True)).astype('float32')
case('ctc_batch_cost', np.array([[0, 1, 1], [2, 0, 0]], 'int32'), SPOKEN, np.array([[6], [5]], 'int32'),
     np.array([[3], [1]], 'int32'))(lambda K, t, p, n, m: K.ctc_batch_cost(t, p, n, m))
case('ctc_decode', SPOKEN, np.array([6, 4], 'int32'))(lambda K, p, n: K.ctc_decode(p, n)[0][0])
case('ctc_decode score', SPOKEN, np.array([6, 4], 'int32'))(lambda K, p, n: K.stop_gradient(K.ctc_decode(p, n)[1]))
case('ctc_decode beams', SPOKEN, np.array([6, 4], 'int32'))(
    lambda K, p, n: K.ctc_decode(p, n, greedy=False, beam_width=20, top_paths=2)[0][1])
case('ctc_decode beams score', SPOKEN, np.array([6, 4], 'int32'))(
    lambda K, p, n: K.stop_gradient(K.ctc_decode(p, n, greedy=False, beam_width=20, top_paths=2)[1]))

# choices and loops
case('switch', A, B)(lambda K, x, y: K.switch(K.greater(K.sum(x), 0.0), lambda: x * 2.0, lambda: y))
case('switch by element', A, B)(lambda K, x, y: K.switch(K.greater(x, y), x * 2.0, y))
case('switch by row', A, B)(lambda K, x, y: K.switch(K.greater(x[:, 0], 0.0), x * 2.0, y))
case('in_train_phase', A, B)(lambda K, x, y: K.in_train_phase(x * 2.0, y, training=1))
case('in_test_phase', A, B)(lambda K, x, y: K.in_test_phase(x, y * 2.0, training=1))
case('map_fn', CUBE)(lambda K, x: K.map_fn(lambda row: K.square(row) + 1.0, x))
case('foldl', A)(lambda K, x: K.foldl(lambda total, row: total * 0.5 + row, x))
case('foldl from a number', A, ROW)(lambda K, x, first: K.foldl(lambda total, row: total * 0.5 + row, x, first))
case('foldr', A)(lambda K, x: K.foldr(lambda total, row: total * 0.5 + row, x))


def _step(K, w):
    def step(x, states):
        h = K.tanh(K.dot(x, w) + states[0] * 0.5)
        return h, [h]
    return step


def _loop(which, **options):
    def run(K, x, w, h):
        found = K.rnn(_step(K, w), x, [h], **options)
        return found[which][0] if which == 2 else found[which]
    return run


for _which, _part in enumerate(('last', 'outputs', 'states')):
    case(f'rnn {_part}', STEPS, floats(3, 4), floats(2, 4))(_loop(_which))
    case(f'rnn backwards {_part}', STEPS, floats(3, 4), floats(2, 4))(_loop(_which, go_backwards=True))
case('rnn unrolled', STEPS, floats(3, 4), floats(2, 4))(_loop(1, unroll=True))


def _masked(which, **options):
    def run(K, x, w, h, mask):
        found = K.rnn(_step(K, w), x, [h], mask=K.greater(mask, 0.0), **options)
        return found[which][0] if which == 2 else found[which]
    return run


MASK = np.array([[0, 1, 1, 0, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0]], 'float32')
for _which, _part in enumerate(('last', 'outputs', 'states')):
    case(f'rnn masked {_part}', STEPS, floats(3, 4), floats(2, 4), MASK)(_masked(_which))
case('rnn masked and unrolled', STEPS, floats(3, 4), floats(2, 4), MASK)(_masked(1, unroll=True))
case('rnn with constants', STEPS, floats(3, 4), floats(2, 4), floats(2, 4))(
    lambda K, x, w, h, c: K.rnn(lambda x, s: (K.dot(x, w) * s[1] + s[0], [K.dot(x, w) * s[1] + s[0]]), x, [h],
                                constants=[c])[1])


def computed(K, name):
    """(value, gradients of the floats among the inputs of its sum by weights; None for one that has none)."""
    function, arrays = CASES[name]
    tensors = [K.placeholder(a.shape, dtype=str(a.dtype)) for a in arrays]
    y = function(K, *tensors)
    value = K.function(tensors, [y])(list(arrays))[0]
    of_floats = [t for t, a in zip(tensors, arrays) if a.dtype == np.float32]
    if 'float' not in str(np.asarray(value).dtype) or not of_floats:
        return value, []
    weights = np.cos(np.arange(np.size(value)) + 1.0).astype('float32').reshape(np.shape(value))
    found = K.gradients(K.sum(y * K.constant(weights)), of_floats)
    there = [g for g in found if g is not None]
    values = iter(K.function(tensors, there)(list(arrays)) if there else ())
    return value, [None if g is None else next(values) for g in found]


# ---- variables, settings and draws, of which a number is made. These stand last: the arrays above keep their draws.
def told(name, tell, *arrays, label=''):
    """A function whose answer is no tensor: `tell` gives numbers of it."""
    case(name + label, *arrays)(lambda K, *x: K.constant(np.asarray(tell(K, *x), 'float32')))


def _reset(K, name, value, then):
    """What `then` gives while a setting is another."""
    get, put = getattr(K, name), getattr(K, f'set_{name}')
    before = get()
    put(value)
    try:
        return then()
    finally:
        put(before)


def _run(K, make, start=ROW):
    """The values of a variable before, while and after a function ran with an update of it."""
    v = K.variable(start)
    step = K.function([], [v * 1.0], updates=[make(v)])
    return [K.get_value(v), step([])[0] * 0.0, K.get_value(v)]


def _batch(K):
    v, w = K.variable(ROW), K.variable(ROW + 1)
    K.batch_set_value([(v, ROW * 3), (w, ROW * 4)])
    return K.batch_get_value([v, w])


def _set(K):
    v = K.variable(ROW)
    K.set_value(v, ROW * 3)
    return K.get_value(v)


def _scoped(K, x):
    with K.name_scope('a_scope'):
        return x * 2.0


def _uids(K):
    K.reset_uids()
    first = K.get_uid('of_the_cases'), K.get_uid('of_the_cases')
    K.reset_uids()
    return [*first, K.get_uid('of_the_cases')]


def _mean(name, *arguments, **options):
    """The rounded mean of many draws, which are as good as sure to have it."""
    case(name, A)(lambda K, x: x * K.round(K.mean(K.identity(getattr(K, name)((200, 200), *arguments, **options)))))
    told(name, lambda K: [*K.int_shape(getattr(K, name)((2, 3), *arguments, **options))], label=' shape')


case('ones', A)(lambda K, x: x + K.ones((3, 4)) * x)
case('zeros', A)(lambda K, x: x + K.zeros((3, 4)) * x)
case('eye', A)(lambda K, x: K.dot(x, K.eye(4)))
case('variable', A)(lambda K, x: x * K.variable(ROW))
case('print_tensor', A)(lambda K, x: K.print_tensor(x * 2.0, 'x: '))
case('to_dense', A)(lambda K, x: K.to_dense(x * 2.0))
case('gradients', A, B)(lambda K, x, y: K.gradients(K.sum(K.square(x) * K.sin(y)), [x, y])[1])
case('gradients of gradients', A, B)(lambda K, x, y: K.gradients(K.sum(K.gradients(K.sum(x ** 3 * y), x)[0] * y), [x])[0])
case('dropout', A)(lambda K, x: K.dropout(x, 1e-7))
case('name_scope', A)(_scoped)
case('eval', A)(lambda K, x: x * K.eval(K.variable(ROW) + 1.0))
case('learning_phase', A)(lambda K, x: x * (1.0 + K.cast(K.learning_phase(), 'float32')))
case('ctc_label_dense_to_sparse', np.array([[1, 2, 3], [4, 5, 6]], 'int32'), np.array([3, 1], 'int32'))(
    lambda K, t, n: K.to_dense(K.ctc_label_dense_to_sparse(t, n)))
told('get_value', lambda K: K.get_value(K.variable(ROW)))
told('set_value', _set)
told('batch_get_value', _batch)
told('batch_set_value', _batch)
told('function', lambda K: K.function([], [K.variable(ROW) * 2.0])([])[0])
told('update', lambda K: _run(K, lambda v: K.update(v, v * 2.0 + 1.0)))
told('update_add', lambda K: _run(K, lambda v: K.update_add(v, K.constant(ROW * 0.5))))
told('update_sub', lambda K: _run(K, lambda v: K.update_sub(v, K.constant(ROW * 0.5))))
told('moving_average_update', lambda K: _run(K, lambda v: K.moving_average_update(v, K.constant(ROW + 2.0), 0.9), ROW * 0))
told('placeholder', lambda K: [len(K.int_shape(K.placeholder(ndim=3))), K.int_shape(K.placeholder((None, 5)))[1]])
told('ndim', lambda K, x: [K.ndim(x), K.ndim(K.variable(ROW))], CUBE)
told('int_shape', lambda K, x: [*K.int_shape(x), *K.int_shape(K.sum(x, axis=1))], CUBE)
told('get_variable_shape', lambda K: K.get_variable_shape(K.variable(A)))
told('count_params', lambda K, x: K.count_params(x), CUBE)
told('dtype', lambda K, x: [K.dtype(x) == 'float32', K.dtype(K.variable(ROW, dtype='float64')) == 'float64',
                            K.dtype(K.cast(x, 'int32')) == 'int32', K.dtype(K.greater(x, 0.0)) == 'bool'], A)
told('is_keras_tensor', lambda K, x: K.is_keras_tensor(x), A)
told('is_placeholder', lambda K, x: [K.is_placeholder(x), K.is_placeholder(x * 2.0)], A)
told('is_sparse', lambda K, x: [K.is_sparse(x), K.is_sparse(K.placeholder((2, 2), sparse=True))], A)
told('is_tensor', lambda K, x: [K.is_tensor(x), K.is_tensor(A)], A)
told('cast_to_floatx', lambda K: K.cast_to_floatx(ROW.astype('float64')))
told('floatx', lambda K: K.floatx() == 'float32')
told('set_floatx', lambda K: _reset(K, 'floatx', 'float64', lambda: [K.floatx() == 'float64',
                                                                     K.dtype(K.variable(ROW)) == 'float64']))
told('epsilon', lambda K: K.epsilon())
told('set_epsilon', lambda K: _reset(K, 'epsilon', 0.01, K.epsilon))
told('image_data_format', lambda K: K.image_data_format() == 'channels_last')
told('set_image_data_format', lambda K: _reset(K, 'image_data_format', 'channels_first', lambda: [
    K.image_data_format() == 'channels_first', *K.int_shape(K.pool2d(K.placeholder((2, 4, 6, 8)), (2, 2)))]))
told('image_dim_ordering', lambda K: K.image_dim_ordering() == 'tf')
told('set_image_dim_ordering', lambda K: _reset(K, 'image_dim_ordering', 'th', lambda: [
    K.image_data_format() == 'channels_first', K.image_dim_ordering() == 'th']))
told('normalize_data_format', lambda K: [K.normalize_data_format(None) == 'channels_last',
                                         K.normalize_data_format('Channels_First') == 'channels_first'])
told('get_uid', _uids)
told('reset_uids', _uids)
_mean('random_uniform', 2.5, 3.5)
_mean('random_normal', 5.0, 0.5)
_mean('truncated_normal', 4.0, 0.5)
_mean('random_binomial', p=0.9)
_mean('random_uniform_variable', 2.5, 3.5)
_mean('random_normal_variable', 5.0, 0.5)
