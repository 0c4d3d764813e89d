"""What layers update: in fit, not in predict and evaluate, and by updates= of a function; states of recurrent layers."""
import json

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Layer, SimpleRNN
from keras.models import Model, Sequential


def values(*shape):
    return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


class Seen(Layer):
    def build(self, input_shape):
        self.count = self.add_weight(name='count', shape=(), initializer='zeros', trainable=False)
        self.mean = self.add_weight(name='mean', shape=(input_shape[-1],), initializer='zeros', trainable=False)
        self.calls = K.variable(0.)
        self.add_update(K.update_add(self.calls, 1.))
        super().build(input_shape)

    def call(self, x):
        self.add_update([K.update_add(self.count, K.cast(K.shape(x)[0], 'float32')), (self.mean, K.mean(x, axis=0))], x)
        return x * 1.


def held(model):
    layer = model.layers[0] if isinstance(model.layers[0], Seen) else model.layers[1]
    return [w.tolist() for w in layer.get_weights()] + [float(K.get_value(layer.calls))]


x, target = np.random.RandomState(0).rand(6, 4), np.random.RandomState(1).rand(6, 2)
out = {}
model = Sequential([Seen(input_shape=(4,)), Dense(2)])
model.layers[1].set_weights([values(4, 2), values(2)])
model.compile('sgd', 'mse')
model.predict(x)
out['predict'] = held(model)
model.evaluate(x, target, verbose=0)
out['evaluate'] = held(model)
model.fit(x, target, batch_size=4, shuffle=False, epochs=2, verbose=0)
out['fit'] = held(model)
out['numbers'] = [len(model.updates), len(model.layers[0].updates), len(model.state_updates),
                  len(model.layers[0].get_updates_for(None)), len(model.layers[0].get_updates_for(model.layers[0].input))]
K.function([model.input], [model.output], updates=model.updates)([x])
out['function'] = held(model)
K.function([model.input], [model.output])([x])
out['without'] = held(model)
model.layers[0].trainable = False
out['frozen'] = len(model.updates)
model.compile('sgd', 'mse')
model.fit(x, target, batch_size=3, shuffle=False, verbose=0)
out['frozen_fit'] = held(model)

a = Input((4,))
inner = Sequential([Seen(input_shape=(4,))])
model = Model(a, Dense(2)(inner(a)))
model.compile('sgd', 'mse')
model.train_on_batch(x, target)
out['nested'] = held(inner)

model = Sequential([SimpleRNN(3, stateful=True, batch_input_shape=(2, 4, 1), return_sequences=True)])
model.layers[0].set_weights([values(1, 3), values(3, 3), values(3)])
out['stateful_numbers'] = [len(model.updates), len(model.state_updates)]
f = K.function([model.input], [model.output], updates=model.state_updates)
a = np.linspace(0, 1, 8).reshape(2, 4, 1)
out['stateful'] = [float(f([a])[0].sum()) for _ in range(3)]
out['predicted'] = [float(model.predict(a, batch_size=2).sum()) for _ in range(2)]
print(json.dumps(out, default=float))
