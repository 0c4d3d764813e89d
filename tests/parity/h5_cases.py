"""A network of every family of layers, for any Keras: name → (function that makes it, shapes of its inputs, how many words)."""

import numpy as np


def networks(keras, kind):
    """kind: 'keras224', 'tf_keras' or 'keras3', whose layers they are made of."""
    L, Input = keras.layers, getattr(keras.layers, 'Input', None) or keras.Input
    Model, Sequential = keras.models.Model, keras.models.Sequential
    found = {}

    def chain(name, *layers, shape, words=0):
        def make():
            a = Input(shape, dtype='int32') if words else Input(shape)
            x = a
            for layer in layers:
                x = layer()(x)
            return Model(a, x)
        found[name] = make, [shape], words

    chain('dense', lambda: L.Dense(4, activation='relu', kernel_regularizer='l2'), lambda: L.Dense(3, use_bias=False),
          shape=(5,))
    found['sequential'] = lambda: Sequential([
        L.Dense(4, input_shape=(5,)), L.Activation('tanh'), L.Dropout(0.2), L.BatchNormalization(),
        L.Dense(2, activation='softmax')]), [(5,)], 0
    chain('conv1d', lambda: L.Conv1D(4, 3, padding='same', dilation_rate=2), lambda: L.MaxPooling1D(2),
          lambda: L.AveragePooling1D(2), lambda: L.GlobalAveragePooling1D(), shape=(12, 3))
    chain('causal', lambda: L.Conv1D(4, 3, padding='causal'), lambda: L.Cropping1D(1), lambda: L.ZeroPadding1D(2),
          lambda: L.UpSampling1D(2), shape=(12, 3))
    chain('conv2d', lambda: L.Conv2D(4, (3, 2), strides=2, activation='elu'), lambda: L.MaxPooling2D(2), lambda: L.Flatten(),
          lambda: L.Dense(2), shape=(12, 12, 3))
    chain('conv3d', lambda: L.Conv3D(2, 2), lambda: L.MaxPooling3D(2), lambda: L.GlobalMaxPooling3D(), shape=(6, 6, 6, 2))
    chain('transposed', lambda: L.Conv2DTranspose(4, 3, strides=2, padding='same'), lambda: L.UpSampling2D(2),
          lambda: L.ZeroPadding2D(((1, 2), (0, 1))), lambda: L.Cropping2D(1), shape=(5, 5, 3))
    chain('transposed 3d', lambda: L.Conv3DTranspose(4, 3, strides=2), lambda: L.UpSampling3D(2), lambda: L.ZeroPadding3D(1),
          lambda: L.Cropping3D(1), shape=(3, 3, 3, 2))
    chain('separable', lambda: L.SeparableConv2D(5, 3, depth_multiplier=2), lambda: L.DepthwiseConv2D(3),
          lambda: L.GlobalMaxPooling2D(), shape=(9, 9, 3))
    chain('separable 1d', lambda: L.SeparableConv1D(5, 3, depth_multiplier=2), lambda: L.GlobalMaxPooling1D(), shape=(9, 3))
    chain('recurrent', lambda: L.SimpleRNN(4, return_sequences=True),
          lambda: L.LSTM(4, return_sequences=True, recurrent_activation='sigmoid'),
          lambda: L.GRU(3, recurrent_activation='sigmoid'), shape=(6, 3))
    chain('reset after', lambda: L.GRU(3, reset_after=True, recurrent_activation='sigmoid'), shape=(6, 3))
    chain('reset before', lambda: L.GRU(3, reset_after=False, go_backwards=True, recurrent_activation='sigmoid'), shape=(6, 3))
    chain('bidirectional', lambda: L.Bidirectional(L.LSTM(4, return_sequences=True, recurrent_activation='sigmoid')),
          lambda: L.Bidirectional(L.GRU(3, recurrent_activation='sigmoid'), merge_mode='sum'), shape=(6, 3))
    chain('distributed', lambda: L.TimeDistributed(L.Conv2D(4, 3)), lambda: L.TimeDistributed(L.Flatten()),
          lambda: L.TimeDistributed(L.Dense(2, activation='tanh')), shape=(3, 6, 6, 2))
    chain('convlstm', lambda: L.ConvLSTM2D(3, 3, padding='same', return_sequences=True, recurrent_activation='sigmoid'),
          lambda: L.ConvLSTM2D(2, 2, recurrent_activation='sigmoid'), shape=(3, 6, 6, 2))
    chain('embedding', lambda: L.Embedding(10, 4, mask_zero=True), lambda: L.LSTM(3, recurrent_activation='sigmoid'),
          shape=(6,), words=10)
    chain('masking', lambda: L.Masking(0.0), lambda: L.SimpleRNN(3, return_sequences=True), shape=(6, 3))
    chain('noise', lambda: L.GaussianNoise(0.1), lambda: L.GaussianDropout(0.1), lambda: L.AlphaDropout(0.1),
          lambda: L.ActivityRegularization(l2=0.1), lambda: L.Dense(2), shape=(6,))
    chain('moving', lambda: L.Permute((2, 1)), lambda: L.Reshape((-1, 3)), lambda: L.Flatten(), lambda: L.RepeatVector(3),
          shape=(6, 4))
    chain('activations', lambda: L.PReLU(), lambda: L.LeakyReLU(0.2), lambda: L.ELU(0.5), lambda: L.Softmax(),
          lambda: L.ReLU(6.0), shape=(6, 4))
    if kind == 'keras224':
        # TensorFlow has no such convolutions on a CPU; Keras 2.2.4 transposes
        chain('channels_first', lambda: L.Conv2D(4, (3, 2), padding='same', data_format='channels_first'),
              lambda: L.BatchNormalization(axis=1), lambda: L.Flatten(data_format='channels_first'), lambda: L.Dense(2),
              shape=(3, 8, 8))
        chain('local 1d', lambda: L.LocallyConnected1D(3, 2), shape=(6, 2))
        chain('local 2d', lambda: L.LocallyConnected2D(3, 2), shape=(5, 5, 2))
        chain('threshold', lambda: L.ThresholdedReLU(0.2), shape=(6,))
    else:
        chain('layer norm', lambda: L.LayerNormalization(), lambda: L.Dense(2), shape=(6,))
        chain('group norm', lambda: L.GroupNormalization(2), lambda: L.UnitNormalization(), shape=(6, 4))
        chain('einsum', lambda: L.EinsumDense('abc,cd->abd', (None, 5), bias_axes='d'), shape=(4, 3))
        chain('images', lambda: L.Rescaling(1 / 255.0, offset=0.1), lambda: L.CenterCrop(3, 3), shape=(8, 8, 3))

        def attention():
            a, b = Input((5, 8)), Input((6, 8))
            return Model([a, b], [L.Attention(use_scale=True)([a, b]), L.AdditiveAttention()([a, b]),
                                  L.MultiHeadAttention(2, 4)(a, b)])
        found['attention'] = attention, [(5, 8), (6, 8)], 0

    def merges():
        a, b = Input((5,)), Input((5,))
        x, y = L.Dense(4)(a), L.Dense(4)(b)
        kinds = (L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Subtract, L.Concatenate, lambda: L.Dot(1))
        return Model([a, b], [kind()([x, y]) for kind in kinds])
    found['merges'] = merges, [(5,), (5,)], 0

    def nested():
        inner = Sequential([L.Dense(4, input_shape=(5,), name='first'), L.BatchNormalization(name='norm'),
                            L.Dense(5, name='second')])
        a = Input((5,))
        return Model(a, L.Dense(2)(inner(L.Dense(5)(inner(a)))))
    found['nested'] = nested, [(5,)], 0
    return found


def inputs(shapes, words, samples=3):
    random = np.random.RandomState(3)
    return [random.randint(0, words, (samples, *s)).astype('int32') if words else
            random.standard_normal((samples, *s)).astype('float32') for s in shapes]


def filled(model):
    """The model with weights of a seed, positive where a variance may be meant."""
    random = np.random.RandomState(1)
    values = [(random.standard_normal(np.shape(w)) * 0.4).astype('float32') for w in model.get_weights()]
    model.set_weights([np.abs(w) + 0.5 if w.ndim == 1 else w for w in values])
    return model


def predicted(model, x):
    found = model.predict(x if len(x) > 1 else x[0], verbose=0)
    return found if isinstance(found, (list, tuple)) else [found]


def kept(model, path, x):
    """What is compared: predictions and weights."""
    np.savez(path, **{f'y{k}': y for k, y in enumerate(predicted(model, x))},
             **{f'w{k}': w for k, w in enumerate(model.get_weights())})


def differences(model, path, x):
    """Text of what is not as `kept` kept it, '' if all is: predictions within 1e-5, weights bitwise in whatever order."""
    with np.load(path) as recorded:
        wanted = [recorded[f'y{k}'] for k in range(len(recorded.files)) if f'y{k}' in recorded]
        weights = [recorded[f'w{k}'] for k in range(len(recorded.files)) if f'w{k}' in recorded]
    found = []
    for k, (a, b) in enumerate(zip(predicted(model, x), wanted)):
        error = np.abs(np.asarray(a) - b).max()
        if not error <= 1e-5 * max(1.0, np.abs(b).max()):
            found.append(f'output {k} differs by {error:.1e}')
    bits = [sorted((w.shape, w.tobytes()) for w in ws) for ws in (model.get_weights(), weights)]
    return '; '.join([*found, *(['weights differ'] if bits[0] != bits[1] else [])])
