"""map_fn, foldl and foldr along an axis of unknown size."""
import json

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.models import Model

out = {}
x = np.random.RandomState(0).rand(4, 3)
p = K.placeholder((None, 3))


def value(symbol):
    return K.function([p], [symbol])([x])[0].tolist()


def scaled(t):
    return K.map_fn(lambda v: v[0] * K.max(v[1]), [t[0], t[1]], dtype='float32')


out['map'] = value(K.map_fn(lambda v: K.sum(v) * v, p))
out['foldl'] = value(K.foldl(lambda a, v: a * .5 + v, p))
out['foldr'] = value(K.foldr(lambda a, v: a * .5 + v, p, initializer=K.constant([1., 2., 3.])))
out['pair'] = value(K.map_fn(lambda v: K.sum(v[0] * v[1]), [p, p * 2], dtype='float32'))
out['grad'] = value(K.gradients(K.sum(K.square(K.map_fn(lambda v: K.sum(v) * v, p))), p)[0])
a, b = Input((3,)), Input((3,))
model = Model([a, b], Dense(2, weights=[np.ones((3, 2)), np.zeros(2)])(Lambda(scaled, output_shape=(3,))([a, b])))
model.compile('sgd', 'mse')
out['model'] = model.predict([x, x * 2]).tolist()
out['fit'] = [model.train_on_batch([x, x * 2], np.ones((4, 2))) for _ in range(2)]
print(json.dumps(out, default=float))
