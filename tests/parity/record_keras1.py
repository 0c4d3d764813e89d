"""Record keras1_files.tar.xz with Keras 1.2.2: HDF5 files of models with its layers, inputs, and its predictions.

    pip download --no-deps --no-binary :all: keras==1.2.2       and unpack it into the folder KERAS122_DIR
    KERAS122_DIR=<Keras-1.2.2> TF_ENABLE_ONEDNN_OPTS=0 python tests/parity/record_keras1.py

The interpreter needs tensorflow (2.21 was taken) and h5py. The package is not changed: what it expects of Python, NumPy and
TensorFlow of 2017 is given to it here.
"""

import collections
import collections.abc
import inspect
import io
import os
import sys
import tarfile
import types
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def keras_of_2017():
    warnings.simplefilter('ignore')
    os.environ.update(KERAS_BACKEND='tensorflow', TF_CPP_MIN_LOG_LEVEL='3')
    np.Inf, np.string_, np.unicode_ = np.inf, np.bytes_, np.str_
    collections.Iterable, collections.Callable = collections.abc.Iterable, collections.abc.Callable
    spec = collections.namedtuple('ArgSpec', 'args varargs keywords defaults')
    inspect.getargspec = lambda f: spec(*inspect.getfullargspec(f)[:4])
    import tensorflow
    import tensorflow.python.ops.control_flow_ops
    import tensorflow.python.ops.ctc_ops
    import tensorflow.python.ops.functional_ops
    import tensorflow.python.ops.tensor_array_ops
    import tensorflow.python.training.moving_averages  # noqa: F401
    tf = tensorflow.compat.v1
    tf.disable_v2_behavior()
    tf.__version__ = '1.0.0'
    sys.modules['tensorflow'] = tf
    sys.modules.setdefault('yaml', types.ModuleType('yaml'))
    for name in [k for k in sys.modules if k == 'keras' or k.startswith('keras.')]:
        del sys.modules[name]
    sys.path.insert(0, os.environ['KERAS122_DIR'])
    import keras
    import keras.backend.tensorflow_backend as backend
    backend.control_flow_ops.while_loop, backend.control_flow_ops.cond = tf.while_loop, tf.cond
    assert keras.__version__ == '1.2.2', keras.__file__
    return keras


def scaled_sum(tensors):
    return tensors[0] + 2 * tensors[1]


def cases(keras):
    """(name, model, inputs) of every kind of layer that only Keras 1 has, or has in another way."""
    from keras import backend as K
    from keras import layers as L
    from keras.models import Model, Sequential
    from keras.regularizers import activity_l2, l1l2
    from keras.regularizers import l2 as of_squares
    rng = np.random.RandomState(0)

    def x(*shape):
        return rng.uniform(-1, 1, shape).astype('float32')

    def branch(units=4, size=3):
        return Sequential([L.Dense(units, input_dim=size, activation='tanh')])

    for mode in ('sum', 'mul', 'ave', 'max', 'concat'):
        yield f'merge_{mode}', Sequential([L.Merge([branch(), branch(size=5)], mode=mode), L.Dense(2)]), [x(6, 3), x(6, 5)]
    for mode, axes in (('dot', 1), ('dot', -1), ('cos', 1), ('cos', (1, 1))):
        model = Sequential([L.Merge([branch(), branch(size=5)], mode=mode, dot_axes=axes), L.Reshape((1,)), L.Dense(2)])
        yield f'merge_{mode}_{str(axes).replace(" ", "")}', model, [x(6, 3), x(6, 5)]
    yield 'merge_cos_last', Sequential([L.Merge([branch(), branch()], mode='cos', dot_axes=1)]), [x(6, 3), x(6, 3)]
    inner = Sequential([L.Merge([branch(), branch()], mode='sum'), L.Dense(4)])
    yield 'merge_in_merge', Sequential([L.Merge([inner, branch()], mode='concat'), L.Dense(2)]), [x(6, 3), x(6, 3), x(6, 3)]
    word = Sequential([L.Embedding(20, 6, input_length=5), L.LSTM(4)])
    yield 'merge_embedding', Sequential([L.Merge([word, branch()], mode='mul'), L.Dense(1, activation='sigmoid')]), [
        rng.randint(0, 20, (6, 5)), x(6, 3)]
    a, b = L.Input((4, 5)), L.Input((3, 5))
    yield 'dot_3d', Model([a, b], L.merge([a, b], mode='dot', dot_axes=(2, 2))), [x(6, 4, 5), x(6, 3, 5)]
    a, b = L.Input((4, 5)), L.Input((3, 4))
    yield 'dot_3d_mixed', Model([a, b], L.merge([a, b], mode='dot', dot_axes=[1, 2])), [x(6, 4, 5), x(6, 3, 4)]
    a, b = L.Input((4, 5)), L.Input((4, 5))
    positive = [L.Activation('sigmoid')(t) for t in (a, b)]
    yield 'cos_3d', Model([a, b], L.merge(positive, mode='cos', dot_axes=2)), [x(6, 4, 5), x(6, 4, 5)]
    yield 'concat_1', Model([a, b], L.merge([a, b], mode='concat', concat_axis=1)), [x(6, 4, 5), x(6, 4, 5)]
    a, shared = L.Input((3,)), L.Dense(4)
    y = shared(a)
    z = shared(L.Dense(3)(a))
    joined = L.merge([y, z, L.merge([y, z], mode='mul')], mode='concat')
    yield 'merge_shared', Model(a, [L.Dense(2)(joined), L.merge([y, z], mode='ave')]), [x(6, 3)]
    a = L.Input((3,))
    yield 'nested_model', Model(a, L.merge([branch()(a), Model(a, L.Dense(4)(a))(a)], mode='sum')), [x(6, 3)]
    a, b = L.Input((3,)), L.Input((3,))
    y = L.merge([a, b], mode=scaled_sum, output_shape=(3,), name='scaled')
    yield 'merge_function', Model([a, b], L.Dense(2)(y)), [x(6, 3), x(6, 3)]
    a = L.Input((3,))
    y = Sequential([L.Merge([branch(), branch()], mode='sum'), L.Dense(4)])
    yield 'merged_inside', Model([a, b], L.Dense(2)(y([a, b]))), [x(6, 3), x(6, 3)]

    yield 'time_distributed_dense', Sequential([
        L.Embedding(20, 6, input_length=5, mask_zero=True), L.LSTM(4, return_sequences=True),
        L.TimeDistributedDense(3, activation='softmax')]), [rng.randint(0, 20, (6, 5))]
    yield 'time_distributed_dense_first', Sequential([L.TimeDistributedDense(3, input_dim=4, input_length=5, bias=False)]), [
        x(6, 5, 4)]
    for mode in (0, 1, 2):
        yield f'batch_norm_{mode}', Sequential([L.Dense(4, input_dim=3), L.BatchNormalization(mode=mode)]), [x(6, 3)]
        yield f'batch_norm_{mode}_image', Sequential([
            L.Convolution2D(3, 2, 2, input_shape=(5, 6, 2), dim_ordering='tf'),
            L.BatchNormalization(mode=mode, epsilon=0.01)]), [x(6, 5, 6, 2)]
    for mode in (0, 2):
        yield f'batch_norm_{mode}_th', Sequential([
            L.BatchNormalization(mode=mode, axis=1, input_shape=(2, 5, 6)), L.Flatten()]), [x(6, 2, 5, 6)]
    yield 'maxout', Sequential([L.MaxoutDense(4, nb_feature=3, input_dim=3)]), [x(6, 3)]
    yield 'highway', Sequential([L.Highway(input_dim=3, activation='tanh'), L.Highway(bias=False)]), [x(6, 3)]
    for mode in ('valid', 'same'):
        yield f'conv1d_{mode}', Sequential([L.Convolution1D(3, 3, border_mode=mode, subsample_length=2, input_shape=(9, 2))]), [
            x(6, 9, 2)]
        yield f'atrous1d_{mode}', Sequential([L.AtrousConvolution1D(3, 3, atrous_rate=2, border_mode=mode, input_dim=2,
                                                                   input_length=9)]), [x(6, 9, 2)]
        for order, shape in (('tf', (8, 9, 2)), ('th', (2, 8, 9))):
            yield f'conv2d_{mode}_{order}', Sequential([L.Convolution2D(
                3, 3, 2, border_mode=mode, subsample=(2, 1), dim_ordering=order, input_shape=shape)]), [x(3, *shape)]
            if order == 'tf':       # TensorFlow of today refuses the other on the processor
                yield f'atrous2d_{mode}', Sequential([L.AtrousConvolution2D(
                    3, 3, 2, atrous_rate=(2, 2), border_mode=mode, input_shape=shape, dim_ordering=order)]), [x(3, *shape)]
            yield f'separable_{mode}_{order}', Sequential([L.SeparableConvolution2D(
                3, 3, 2, border_mode=mode, depth_multiplier=2, dim_ordering=order, input_shape=shape)]), [x(3, *shape)]
    for order, shape in (('tf', (4, 5, 2)), ('th', (2, 4, 5))):
        for mode, stride, window, size in (('valid', 2, 3, (9, 11)), ('valid', 2, 3, (10, 12)), ('same', 2, 3, (8, 10)),
                                           ('same', 2, 3, (7, 9)), ('same', 2, 4, (7, 10)), ('valid', 1, 3, (6, 7)),
                                           ('same', 3, 2, (10, 15)), ('valid', 3, 2, (12, 15))):
            whole = (None, *size, 3) if order == 'tf' else (None, 3, *size)
            yield f'deconvolution_{order}_{mode}_{stride}{window}_{size[0]}', Sequential([L.Deconvolution2D(
                3, window, window, whole, border_mode=mode, subsample=(stride, stride), dim_ordering=order,
                input_shape=shape)]), [x(3, *shape)]
        shape3 = (5, 6, 4, 2) if order == 'tf' else (2, 5, 6, 4)
        if order == 'tf':
            yield 'conv3d', Sequential([
                L.Convolution3D(3, 2, 3, 2, subsample=(1, 2, 1), input_shape=shape3, dim_ordering=order),
                L.MaxPooling3D(dim_ordering=order), L.Flatten()]), [x(3, *shape3)]
        yield f'local2d_{order}', Sequential([L.LocallyConnected2D(3, 2, 2, subsample=(1, 2), input_shape=shape,
                                                                  dim_ordering=order)]), [x(3, *shape)]
        yield f'pads_{order}', Sequential([
            L.ZeroPadding2D((1, 2), input_shape=shape, dim_ordering=order),
            L.ZeroPadding2D({'top_pad': 1, 'left_pad': 2}, dim_ordering=order),
            L.Cropping2D(((1, 0), (0, 2)), dim_ordering=order), L.UpSampling2D((2, 3), dim_ordering=order),
            L.AveragePooling2D((2, 3), strides=(2, 2), dim_ordering=order), L.SpatialDropout2D(0.5, dim_ordering=order),
            L.GlobalAveragePooling2D(dim_ordering=order)]), [x(3, *shape)]
    yield 'local1d', Sequential([L.LocallyConnected1D(3, 3, subsample_length=2, input_shape=(9, 2))]), [x(6, 9, 2)]
    yield 'sequences', Sequential([
        L.ZeroPadding1D(2, input_shape=(9, 2)), L.Cropping1D((1, 2)), L.UpSampling1D(2), L.MaxPooling1D(2),
        L.AveragePooling1D(pool_length=3, stride=2), L.GlobalMaxPooling1D(), L.RepeatVector(3), L.Permute((2, 1)),
        L.GaussianNoise(0.1), L.GaussianDropout(0.3), L.SpatialDropout1D(0.2), L.Flatten()]), [x(6, 9, 2)]
    yield 'activations', Sequential([
        L.SReLU(input_shape=(3, 4)), L.ParametricSoftplus(), L.PReLU(shared_axes=[1]), L.ELU(0.5), L.LeakyReLU(0.1),
        L.ThresholdedReLU(0.05)]), [x(6, 3, 4) * 3]
    yield 'srelu', Sequential([L.SReLU(t_left_init='one', input_shape=(3,)), L.Dense(2)]), [x(6, 3) * 4]
    for name in ('SimpleRNN', 'LSTM', 'GRU'):
        for less in ('cpu', 'mem', 'gpu'):
            yield f'{name.lower()}_{less}', Sequential([
                getattr(L, name)(3, input_dim=2, input_length=4, consume_less=less, dropout_W=0.1, dropout_U=0.2,
                                 return_sequences=True, unroll=True, go_backwards=less == 'mem'),
                L.TimeDistributed(L.Dense(2)), L.Bidirectional(getattr(L, name)(2, unroll=True), merge_mode='sum')]), [
                    x(6, 4, 2)]
    yield 'regularized', Sequential([
        L.Dense(4, input_dim=3, W_regularizer=l1l2(0.1, 0.2), b_regularizer=of_squares(0.3), W_constraint='maxnorm',
                b_constraint='nonneg', activity_regularizer=activity_l2(0.01)),
        L.BatchNormalization(gamma_regularizer='l2'), L.ActivityRegularization(0.1),
        L.Dense(2, init='uniform', W_constraint='unitnorm')]), [x(6, 3)]
    yield 'lambda', Sequential([L.Lambda(K.square, input_shape=(3,), output_shape=(3,), name='squared')]), [x(6, 3)]


def fill(model):
    """Set the weights of a model to numbers that tell places apart."""
    values = []
    names = [w.name for layer in getattr(model, 'flattened_layers', model.layers) for w in layer.weights]
    for k, (name, value) in enumerate(zip(names, model.get_weights())):
        rng = np.random.RandomState(k)
        low, high = (0.5, 1.5) if 'running_std' in name or 'gamma' in name else (-0.7, 0.7)
        values.append(rng.uniform(low, high, value.shape).astype('float32'))
    model.set_weights(values)


def main():
    keras = keras_of_2017()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w:xz', preset=9) as archive:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

        for name, model, inputs in cases(keras):
            fill(model)
            if name in ('merge_sum', 'regularized'):
                model.compile('rmsprop', 'mse')
            y = model.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=32)
            model.save('case.h5')
            add(f'{name}.h5', Path('case.h5').read_bytes())
            os.remove('case.h5')
            arrays = io.BytesIO()
            np.savez(arrays, **{f'in_{k}': a for k, a in enumerate(inputs)},
                     **{f'out_{k}': a for k, a in enumerate(y if isinstance(y, list) else [y])},
                     json=np.array(model.to_json()))
            add(f'{name}.npz', arrays.getvalue())
            print(name, [a.shape for a in (y if isinstance(y, list) else [y])], flush=True)
    (HERE / 'keras1_files.tar.xz').write_bytes(made.getvalue())


if __name__ == '__main__':
    main()
