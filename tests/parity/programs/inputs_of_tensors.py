"""Models that begin with variables: those are not fed."""
import json

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, add
from keras.models import Model


def made(begins, end, **options):
    model = Model(begins, Dense(2, weights=[np.ones((3, 2)), np.zeros(2)])(end))
    model.compile('sgd', 'mse', **options)
    return model


data, target = np.random.RandomState(0).rand(6, 3), np.random.RandomState(1).rand(6, 2)
out = {}
x = Input(tensor=K.variable(data))
model = made(x, x)
out['predict'] = model.predict(None, steps=2).tolist()
out['batch'] = [model.train_on_batch(None, target) for _ in range(2)]
out['fit'] = model.fit(None, target, batch_size=6, epochs=2, shuffle=False, verbose=0).history['loss']
out['evaluate'] = model.evaluate(None, target, batch_size=6, verbose=0)

x = Input(tensor=K.variable(data))
model = made(x, x, target_tensors=K.variable(target))
out['no_arrays'] = model.fit(epochs=2, steps_per_epoch=3, verbose=0).history['loss']
out['no_batch'] = model.train_on_batch(None, None)
out['no_evaluate'] = model.evaluate(steps=2, verbose=0)

fed, x = Input((3,)), Input(tensor=K.variable(data))
model = made([fed, x], add([fed, x]))
out['both'] = [model.train_on_batch(data * 2, target), model.predict(data * 2, batch_size=6).tolist(),
               model.fit(data * 2, target, batch_size=6, epochs=2, shuffle=False, verbose=0).history['loss']]
print(json.dumps(out, default=float))
