"""Small networks, one for each family of layers, that are written to .keras files by Keras 3 and by this package, and read
by the other. `case(k)` makes one with the layers of `k`, either package; weights and inputs are drawn from seeds."""

import numpy as np

CASES = {}


def case(*shapes, integers=0, texts=None):
    """Register a maker of a model. shapes: of the inputs, without the batch; integers: inputs are whole numbers below it;
    texts: inputs are these."""
    def note(make):
        CASES[make.__name__] = make, shapes, integers, texts
        return make
    return note


def inputs(name, rows=3):
    """The arrays that a case is called on."""
    _, shapes, integers, texts = CASES[name]
    random = np.random.RandomState(len(name))
    if texts is not None:
        return [np.array(texts, dtype=object if isinstance(texts[0][0], str) else 'int64')]
    draw = (lambda s: random.randint(1, integers, s).astype('int32')) if integers else (
        lambda s: random.standard_normal(s).astype('float32'))
    return [draw((rows, *s)) for s in shapes]


def fill(model, seed=0):
    """Give every weight numbers of its own, those of a variance positive ones."""
    random = np.random.RandomState(seed)
    for layer in model.layers:
        if type(layer).__name__ != 'Normalization':     # Keras takes what it learnt as it was
            layer.set_weights([(random.uniform(0.5, 1.5, w.shape) * 0.6).astype(w.dtype) if w.dtype.kind == 'f' else w
                               for w in layer.get_weights()])
    return model


@case((5,))
def dense(k):
    x = i = k.Input((5,))
    x = k.layers.Dense(4, 'hard_sigmoid')(x)
    x = k.layers.Dense(3, 'gelu', use_bias=False, kernel_regularizer='l2')(x)
    return k.Model(i, k.layers.Dense(2, activation=k.activations.softmax)(x))


@case((4, 5))
def dense_parts(k):
    return k.Sequential([k.Input((4, 5)), k.layers.EinsumDense('abc,cd->abd', (4, 3), bias_axes='d'), k.layers.PReLU(),
                         k.layers.LeakyReLU(negative_slope=0.1), k.layers.Flatten(), k.layers.Dropout(0.5),
                         k.layers.GaussianNoise(0.1), k.layers.Dense(2), k.layers.ELU(), k.layers.Softmax()])


@case((9, 8, 3))
def convolutions(k):
    i = k.Input((9, 8, 3))
    x = k.layers.Conv2D(4, 3, padding='same', activation='relu')(i)
    x = k.layers.SeparableConv2D(4, 3)(x)
    x = k.layers.BatchNormalization()(x)
    x = k.layers.DepthwiseConv2D(3, padding='same')(x)
    x = k.layers.Conv2DTranspose(2, 2, strides=2)(x)
    x = k.layers.MaxPooling2D()(x)
    x = k.layers.ZeroPadding2D(1)(x)
    x = k.layers.Cropping2D(1)(x)
    x = k.layers.UpSampling2D(2, interpolation='bilinear')(x)
    return k.Model(i, k.layers.GlobalAveragePooling2D()(x))


@case((8, 3))
def convolutions_1d(k):
    return k.Sequential([k.Input((8, 3)), k.layers.Conv1D(4, 3, padding='causal', dilation_rate=2),
                         k.layers.SeparableConv1D(3, 2), k.layers.Conv1DTranspose(2, 2), k.layers.AveragePooling1D(2),
                         k.layers.DepthwiseConv1D(2), k.layers.GlobalMaxPooling1D()])


@case((5, 4, 4, 2))
def convolutions_3d(k):
    return k.Sequential([k.Input((5, 4, 4, 2)), k.layers.Conv3D(2, 2), k.layers.Conv3DTranspose(2, 2),
                         k.layers.GlobalAveragePooling3D()])


@case((6, 3))
def recurrent(k):
    i = k.Input((6, 3))
    x = k.layers.LSTM(4, return_sequences=True, dropout=0.1)(i)
    x = k.layers.GRU(3, return_sequences=True)(x)
    return k.Model(i, k.layers.SimpleRNN(2)(x))


@case((6, 3))
def bidirectional(k):
    i = k.Input((6, 3))
    x = k.layers.Bidirectional(k.layers.LSTM(4, return_sequences=True))(i)
    return k.Model(i, k.layers.Bidirectional(k.layers.GRU(3, reset_after=False), merge_mode='sum')(x))


@case((6, 3))
def cells(k):
    i = k.Input((6, 3))
    x = k.layers.RNN([k.layers.LSTMCell(4), k.layers.GRUCell(3)], return_sequences=True)(i)
    x = k.layers.RNN(k.layers.StackedRNNCells([k.layers.SimpleRNNCell(3), k.layers.SimpleRNNCell(2)]),
                     return_sequences=True)(x)
    return k.Model(i, k.layers.RNN(k.layers.SimpleRNNCell(2))(x))


@case((3, 5, 5, 2))
def conv_lstm(k):
    return k.Sequential([k.Input((3, 5, 5, 2)), k.layers.ConvLSTM2D(2, 3, return_sequences=True),
                         k.layers.TimeDistributed(k.layers.Conv2D(2, 2)), k.layers.ConvLSTM2D(1, 2)])


@case((7,), integers=9)
def embeddings(k):
    return k.Sequential([k.Input((7,), dtype='int32'), k.layers.Embedding(9, 4, mask_zero=True), k.layers.LSTM(3)])


@case((4, 6))
def norms(k):
    i = k.Input((4, 6))
    x = k.layers.LayerNormalization()(i)
    x = k.layers.BatchNormalization(scale=False)(x)
    x = k.layers.GroupNormalization(2)(x)
    x = k.layers.UnitNormalization()(x)
    x = k.layers.RMSNormalization()(x)
    return k.Model(i, k.layers.SpectralNormalization(k.layers.Dense(3))(x))


@case((5, 6), (4, 6))
def attention(k):
    a, b = k.Input((5, 6)), k.Input((4, 6))
    x = k.layers.MultiHeadAttention(2, 3)(a, b)
    x = k.layers.GroupQueryAttention(4, 4, 2)(x, b)
    x = k.layers.Attention(use_scale=True)([x, b])
    return k.Model([a, b], k.layers.AdditiveAttention()([x, b]))


@case((4,), (4,))
def merges(k):
    a, b = k.Input((4,)), k.Input((4,))
    shared = k.layers.Dense(4, name='shared')
    x, y = shared(a), shared(b)
    z = k.layers.Concatenate()([k.layers.Add()([x, y]), k.layers.Multiply()([x, y]), k.layers.Maximum()([x, b]),
                                k.layers.Subtract()([x, y]), k.layers.Average()([x, y])])
    return k.Model([a, b], [k.layers.Dense(2)(z), k.layers.Dot(1)([x, y])])


@case((4, 5))
def wrappers(k):
    return k.Sequential([k.Input((4, 5)), k.layers.TimeDistributed(k.layers.Dense(3)),
                         k.layers.TimeDistributed(k.Sequential([k.layers.Dense(2), k.layers.Dense(2)]))])


@case((6,))
def nested(k):
    i = k.Input((6,))
    j = k.Input((6,))
    inner = k.Model(j, k.layers.Dense(3)(k.layers.Dense(4, 'relu')(j)), name='inner')
    stack = k.Sequential([k.Input((3,)), k.layers.Dense(3), k.Sequential([k.layers.Dense(2)])])
    return k.Model(i, k.layers.Add()([stack(inner(i)), stack(inner(k.layers.Dropout(0.1)(i)))]))


@case((4,))
def operations(k):
    i = k.Input((4,))
    x = k.layers.Dense(3)(i)
    y = k.ops.relu(x * 2.0 - 1.0)
    return k.Model(i, k.ops.concatenate([y, k.ops.mean(x, axis=-1, keepdims=True)], axis=-1))


@case((4, 3))
def moved(k):
    i = k.Input((4, 3))
    x = k.layers.Dense(3)(i)[:, 1:, ::2] - 1
    y = k.ops.matmul(k.ops.transpose(x, (0, 2, 1)), x)
    y = k.ops.where(y > 0.5, y, k.ops.expand_dims(k.ops.max(y, axis=1), 1)) / np.arange(1.0, 3.0, dtype='float32')
    return k.Model(i, k.ops.reshape(1.0 - k.ops.square(y), (-1, 4)))


@case((4,), (3,))
def named(k):
    a, b = k.Input((4,), name='a'), k.Input((3,), name='b')
    x = k.layers.Concatenate()([k.layers.Dense(2)(a), b])
    return k.Model({'a': a, 'b': b}, {'one': k.layers.Dense(2, name='one')(x), 'two': k.layers.Dense(1, name='two')(x)})


@case((3,))
def scaling(k):
    n = k.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])
    return k.Sequential([k.Input((3,)), n, k.layers.Rescaling(0.5, 1.0), k.layers.Dense(2)])


@case((3,))
def adapted(k):
    n = k.layers.Normalization()
    n.adapt(np.random.RandomState(0).standard_normal((20, 3)).astype('float32'))
    return k.Sequential([k.Input((3,)), n, k.layers.Dense(2)])


@case((3,))
def discretized(k):
    d = k.layers.Discretization(num_bins=4)
    d.adapt(np.random.RandomState(0).standard_normal((40, 3)).astype('float32'))
    return k.Sequential([k.Input((3,)), d, k.layers.CategoryEncoding(5, 'multi_hot'), k.layers.Dense(2)])


@case((), texts=[['a'], ['b'], ['zz']])
def strings(k):
    lookup = k.layers.StringLookup(vocabulary=['a', 'b', 'c'])
    return k.Sequential([k.Input((1,), dtype='string'), lookup, k.layers.Embedding(5, 2), k.layers.Flatten()])


@case((), texts=[['a'], ['b'], ['zz']])
def strings_adapted(k):
    lookup = k.layers.StringLookup()
    lookup.adapt(np.array(['a', 'b', 'b', 'c']))
    return k.Sequential([k.Input((1,), dtype='string'), lookup, k.layers.Embedding(5, 2), k.layers.Flatten()])


@case((), texts=[['a b'], ['b c c'], ['zz a']])
def words(k):
    words = k.layers.TextVectorization(output_sequence_length=4)
    words.adapt(np.array(['a b c', 'b c', 'c']))
    return k.Sequential([k.Input((1,), dtype='string'), words, k.layers.Embedding(6, 2), k.layers.Flatten()])


@case((), texts=[[1], [7], [5]])
def whole_numbers(k):
    lookup = k.layers.IntegerLookup()
    lookup.adapt(np.array([1, 5, 5, 9]))
    return k.Sequential([k.Input((1,), dtype='int64'), lookup, k.layers.Embedding(6, 2), k.layers.Flatten()])


@case((6, 6, 3))
def images(k):
    return k.Sequential([k.Input((6, 6, 3)), k.layers.RandomFlip(), k.layers.RandomRotation(0.1), k.layers.Resizing(4, 4),
                         k.layers.CenterCrop(3, 3), k.layers.RandomContrast(0.1), k.layers.Flatten(), k.layers.Dense(2)])


@case((5,))
def low_rank(k):
    d = k.layers.Dense(4, lora_rank=2)
    return k.Sequential([k.Input((5,)), d, k.layers.Dense(2)])


@case((3,))
def mixed(k):
    """Layers of one's own class in attributes, lists and dicts of a model of one's own class."""
    @k.saving.register_keras_serializable('archive_cases')
    class Block(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.parts = [k.layers.Dense(units), k.layers.Dense(units)]
            self.norm = k.layers.LayerNormalization()
            self.by_name = {'b': k.layers.Dense(units), 'a': k.layers.Dense(units, use_bias=False)}
            self._hidden = k.layers.Dense(units)

        def build(self, input_shape):
            self.scale = self.add_weight(name='scale', shape=(self.units,), initializer='ones')
            shape = (None, self.units)
            for layer in [self.parts[0]]:
                layer.build(input_shape)
            for layer in [self.parts[1], self.norm, *self.by_name.values(), self._hidden]:
                layer.build(shape)
            self.built = True

        def call(self, x):
            x = self.parts[1](self.parts[0](x)) * self.scale
            return self._hidden(self.by_name['a'](self.by_name['b'](self.norm(x))))

        def get_config(self):
            return {**super().get_config(), 'units': self.units}

    i = k.Input((3,))
    return k.Model(i, Block(3)(Block(4)(i)))


@case((3,))
def subclassed(k):
    @k.saving.register_keras_serializable('archive_cases')
    class Own(k.Model):
        def __init__(self, units=4, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.second = k.layers.Dense(2)
            self.first = k.layers.Dense(units, 'relu')
            self.stages = [k.layers.Dense(units), [k.layers.Dense(units)]]

        def call(self, x):
            x = self.first(x)
            return self.second(self.stages[1][0](self.stages[0](x)))

        def get_config(self):
            return {**super().get_config(), 'units': self.units}

    model = Own()
    model(np.zeros((2, 3), 'float32'))
    return model


# cases with classes of their own, which are known once the case was made
OWN_CLASSES = ('mixed', 'subclassed')


def given(name, arrays):
    """The inputs of a case as `predict` takes them."""
    if name == 'named':
        return {'a': arrays[0], 'b': arrays[1]}
    return arrays[0] if len(arrays) == 1 else arrays


def listed(outputs):
    """What `predict` gives, as a list of arrays."""
    if isinstance(outputs, dict):
        return [outputs[k] for k in sorted(outputs)]
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def trainable(k):
    """A compiled network."""
    model = k.Sequential([k.Input((4,)), k.layers.Dense(5, 'tanh'), k.layers.BatchNormalization(), k.layers.Dense(1)])
    fill(model)
    model.compile(k.optimizers.Adam(0.01), 'mse', metrics=['mae'])
    return model


def data():
    """What it is trained on."""
    random = np.random.RandomState(5)
    x = random.standard_normal((16, 4)).astype('float32')
    return x, x[:, :1] - x[:, 1:2]
