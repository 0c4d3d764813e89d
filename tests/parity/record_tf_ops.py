"""Record tf_ops.tar.xz with tf_keras: models with TensorFlow's operations between their layers, and their predictions.

    TF_ENABLE_ONEDNN_OPTS=0 python tests/parity/record_tf_ops.py            tf_ops.tar.xz
    TF_ENABLE_ONEDNN_OPTS=0 python tests/parity/record_tf_ops.py keras3     keras3_ops.tar.xz, with operations of Keras 3

tf_keras 2.21 and Keras 3.15.1 were taken. Both have NAME.h5, NAME.keras and NAME.npz (in_0 …, out_0 …). In the first are
TFOpLambda and SlicingOpLambda, as tf.keras 2.4 to 2.15 wrote them, and TensorFlowOpLayer, which tf.keras 2.0 to 2.3 wrote: it
comes of the graph mode of tf_keras (names begin with v1_).
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
HERE = Path(__file__).parent
rng = np.random.RandomState(0)
ROWS = 4


def x(*shape):
    return rng.uniform(-1, 1, (ROWS, *shape)).astype('float32')


def of_tensorflow(tf, keras, whole=True):
    """(name, inputs, fn(*Keras tensors) → outputs)."""
    relu = keras.layers.Dense(5, activation='relu')
    yield 'arithmetic', [x(5)], lambda a: 1.5 - (relu(a) * 2.0 + 1.0) / (tf.abs(a) + 3.0) ** 2.0
    yield 'two', [x(5), x(5)], lambda a, b: [a + b, a - b, a * b, a / (b + 3.0), -a, tf.maximum(a, b), tf.minimum(a, 0.25)]
    yield 'unary', [x(5)], lambda a: [
        tf.exp(a), tf.math.log(a + 2.0), tf.sqrt(a + 1.5), tf.square(a), tf.abs(a), tf.sin(a), tf.cos(a), tf.tanh(a),
        tf.sigmoid(a), tf.math.softplus(a), tf.sign(a), tf.floor(a * 3.0), tf.math.ceil(a * 3.0), tf.math.rsqrt(a + 2.0),
        tf.math.reciprocal(a + 2.0), tf.math.erf(a), tf.round(a * 3.0), tf.math.log1p(a + 1.5), tf.math.expm1(a)]
    yield 'activations', [x(5)], lambda a: [
        tf.nn.relu(a), tf.nn.relu6(a * 9.0), tf.nn.elu(a), tf.nn.selu(a), tf.nn.softmax(a), tf.nn.log_softmax(a),
        tf.nn.leaky_relu(a, 0.3), tf.nn.silu(a), tf.nn.softsign(a), tf.nn.sigmoid(a), tf.nn.tanh(a)]
    yield 'reductions', [x(3, 4)], lambda a: [
        tf.reduce_mean(a, axis=1), tf.reduce_sum(a, axis=[1, 2]), tf.reduce_max(a, axis=-1, keepdims=True),
        tf.reduce_min(a, 1), tf.reduce_prod(a, axis=2), tf.math.reduce_std(a, axis=1), tf.math.reduce_variance(a, axis=2)]
    yield 'shapes', [x(3, 4)], lambda a: [
        tf.reshape(a, (-1, 12)), tf.transpose(a, [0, 2, 1]), tf.expand_dims(a, 1), tf.squeeze(tf.expand_dims(a, -1), [3]),
        tf.tile(a, [1, 2, 1]), tf.pad(a, [[0, 0], [1, 2], [0, 1]]), tf.reverse(a, [1])]
    yield 'joins', [x(3, 4), x(3, 4)], lambda a, b: [
        tf.concat([a, b], axis=-1), tf.concat([a, b], 1), tf.stack([a, b], axis=1), tf.add_n([a, b]),
        tf.matmul(a, b, transpose_b=True), *tf.unstack(a, axis=1), *tf.split(b, 2, axis=2)]
    yield 'slices', [x(6, 7)], lambda a: [
        a[:, 0], a[:, -1, :], a[:, 1:4], a[:, ::2, 1:-1], a[..., 2], a[:, 2:, None, 3]]
    yield 'types', [x(5)], lambda a: [
        tf.cast(a > 0.0, tf.float32) * a, tf.where(a > 0.2, a, 0.0 * a), tf.cast(tf.cast(a * 9.0, tf.int32), tf.float32),
        tf.clip_by_value(a, -0.5, 0.25)]
    yield 'indices', [x(5)], lambda a: [
        tf.one_hot(tf.argmax(a, axis=-1), 5), tf.gather(a, [2, 0, 0], axis=1), tf.zeros_like(a), tf.ones_like(a)]
    yield 'norms', [x(3, 4)], lambda a: [tf.math.l2_normalize(a, axis=-1), tf.norm(a, axis=1), tf.math.cumsum(a, axis=1)]
    yield 'images', [x(4, 6, 3)], lambda a: [
        tf.image.resize(a, (8, 9)), tf.image.resize(a, [3, 4], method='nearest'), tf.image.flip_left_right(a),
        tf.nn.depth_to_space(tf.concat([a, a, a, a], -1), 2), tf.nn.avg_pool2d(a, 2, 2, 'SAME'),
        tf.nn.max_pool2d(a, (2, 3), (1, 2), 'VALID')]
    yield 'batch', [x(3, 4)], lambda a: [
        tf.reshape(a, (tf.shape(a)[0], -1)), tf.reshape(a, [tf.shape(a)[0], 4, 3])]
    yield 'scaled', [x(4, 4, 3)], lambda a: keras.layers.Conv2D(2, 3)(tf.subtract(tf.divide(a, 127.5), 1.0))
    yield 'mobile', [x(5)], lambda a: keras.layers.Dense(2)(a * tf.nn.relu6(a + 3.0) * (1.0 / 6.0))
    yield 'constants', [x(5)], lambda a: [a * np.arange(5, dtype='float32'), a - np.float32(2.0)]
    if whole:       # tf_keras writes this one without its operands
        yield 'einsum', [x(3, 4), x(4, 2)], lambda a, b: tf.einsum('bij,bjk->bik', a, b)


def of_keras3(keras):
    ops = keras.ops
    relu = keras.layers.Dense(5, activation='relu')
    yield 'arithmetic', [x(5)], lambda a: 1.5 - (relu(a) * 2.0 + 1.0) / (ops.abs(a) + 3.0) ** 2.0
    yield 'two', [x(5), x(5)], lambda a, b: [a + b, a - b, a * b, a / (b + 3.0), -a, ops.maximum(a, b), ops.minimum(a, 0.25)]
    yield 'unary', [x(5)], lambda a: [
        ops.exp(a), ops.log(a + 2.0), ops.sqrt(a + 1.5), ops.square(a), ops.abs(a), ops.sin(a), ops.tanh(a), ops.sigmoid(a),
        ops.softplus(a), ops.sign(a), ops.floor(a * 3.0), ops.rsqrt(a + 2.0), ops.erf(a), ops.round(a * 3.0),
        ops.log1p(a + 1.5)]
    yield 'activations', [x(5)], lambda a: [
        ops.relu(a), ops.relu6(a * 9.0), ops.elu(a), ops.selu(a), ops.softmax(a), ops.log_softmax(a), ops.leaky_relu(a, 0.3),
        ops.silu(a), ops.gelu(a), ops.hard_sigmoid(a), ops.softsign(a)]
    yield 'reductions', [x(3, 4)], lambda a: [
        ops.mean(a, axis=1), ops.sum(a, axis=(1, 2)), ops.max(a, axis=-1, keepdims=True), ops.min(a, 1), ops.prod(a, axis=2),
        ops.std(a, axis=1), ops.var(a, axis=2), ops.logsumexp(a, axis=1)]
    yield 'shapes', [x(3, 4)], lambda a: [
        ops.reshape(a, (-1, 12)), ops.transpose(a, [0, 2, 1]), ops.expand_dims(a, 1), ops.squeeze(ops.expand_dims(a, -1), 3),
        ops.tile(a, [1, 2, 1]), ops.pad(a, [[0, 0], [1, 2], [0, 1]]), ops.flip(a, 1), ops.swapaxes(a, 1, 2),
        ops.repeat(a, 2, 1)]
    yield 'joins', [x(3, 4), x(3, 4)], lambda a, b: [
        ops.concatenate([a, b], axis=-1), ops.stack([a, b], axis=1), ops.matmul(a, ops.transpose(b, (0, 2, 1))),
        ops.einsum('bij,bkj->bik', a, b), *ops.split(b, 2, axis=2), *ops.unstack(a, axis=1)]
    yield 'slices', [x(6, 7)], lambda a: [a[:, 0], a[:, -1, :], a[:, 1:4], a[:, ::2, 1:-1], a[..., 2], a[:, 2:, None, 3]]
    yield 'types', [x(5)], lambda a: [
        ops.cast(a > 0.0, 'float32') * a, ops.where(a > 0.2, a, 0.0 * a), ops.clip(a, -0.5, 0.25)]
    yield 'indices', [x(5)], lambda a: [
        ops.one_hot(ops.argmax(a, axis=-1), 5), ops.take(a, [2, 0, 0], axis=1), ops.zeros_like(a), ops.ones_like(a)]
    yield 'norms', [x(3, 4)], lambda a: [ops.normalize(a, axis=-1), ops.norm(a, axis=1), ops.cumsum(a, axis=1)]
    yield 'images', [x(4, 6, 3)], lambda a: [
        ops.image.resize(a, (8, 9)), ops.image.resize(a, (3, 4), interpolation='nearest'), ops.average_pool(a, 2, 2, 'same'),
        ops.max_pool(a, (2, 3), (1, 2), 'valid')]
    yield 'batch', [x(3, 4)], lambda a: [ops.reshape(a, (ops.shape(a)[0] or -1, 12))]
    yield 'constants', [x(5)], lambda a: [a * np.arange(5, dtype='float32'), a - np.float32(2.0)]


def fill(model):
    model.set_weights([np.random.RandomState(k).uniform(-0.7, 0.7, w.shape).astype('float32')
                       for k, w in enumerate(model.get_weights())])


def record(keras, cases, forms, prefix=''):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w:xz', preset=9) as tar, tempfile.TemporaryDirectory() as folder:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, inputs, build in cases:
            tensors = [keras.layers.Input(a.shape[1:]) for a in inputs]
            outputs = build(*tensors)
            model = keras.models.Model(tensors, outputs)
            fill(model)
            y = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
            arrays = io.BytesIO()
            np.savez(arrays, **{f'in_{k}': a for k, a in enumerate(inputs)},
                     **{f'out_{k}': a for k, a in enumerate(y if isinstance(y, list) else [y])})
            add(f'{prefix}{name}.npz', arrays.getvalue())
            for form in forms:
                path = Path(folder) / f'{name}.{form}'
                try:
                    model.save(path)
                except TypeError as error:      # an Ellipsis stands in no archive of tf_keras
                    print(name, form, error)
                    continue
                add(f'{prefix}{name}.{form}', path.read_bytes())
            print(prefix + name, flush=True)
    return made.getvalue()


def joined(parts):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w:xz', preset=9) as tar:
        for part in parts:
            with tarfile.open(fileobj=io.BytesIO(part)) as source:
                for member in source:
                    tar.addfile(member, source.extractfile(member))
    return made.getvalue()


def main(what='tf'):
    if what == 'keras3':
        import keras
        (HERE / 'keras3_ops.tar.xz').write_bytes(record(keras, of_keras3(keras), ('h5', 'keras')))
        return
    import tensorflow as tf
    import tf_keras as keras
    if what == 'v1':
        tf.compat.v1.disable_v2_behavior()
        sys.stdout.flush()
        Path(sys.argv[2]).write_bytes(record(keras, of_tensorflow(tf, keras, False), ('h5',), 'v1_'))
        return
    parts = [record(keras, of_tensorflow(tf, keras), ('h5', 'keras'))]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, 'v1', f'{folder}/v1.tar.xz'], check=True)
        parts.append(Path(f'{folder}/v1.tar.xz').read_bytes())
    (HERE / 'tf_ops.tar.xz').write_bytes(joined(parts))


if __name__ == '__main__':
    main(*sys.argv[1:2])
