"""Names inside of Keras 2's models, layers and tensors that programs read."""
import json

import numpy as np
from keras import backend as K
from keras.engine.topology import InputSpec, Layer, get_source_inputs
from keras.layers import BatchNormalization, Dense, Dropout, Input
from keras.models import Sequential


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


x, y = np.random.RandomState(0).rand(6, 4), np.random.RandomState(1).rand(6, 2)
out = {}
model = Sequential([Dense(5, activation='tanh', kernel_regularizer='l2', input_shape=(4,)), Dropout(.5), Dense(2)])
model.set_weights([values(*w.shape) for w in model.get_weights()])
model.compile('sgd', 'mse', metrics=['mae'])
ones = np.ones(6)

# gradients of the loss by the model's own placeholders
grads = model.optimizer.get_gradients(model.total_loss, model._collected_trainable_weights)
inputs = model.inputs + model.targets + model.sample_weights + [K.learning_phase()]
f = K.function(inputs, [model.total_loss] + grads)
out['loss'] = float(f([x, y, ones, 0])[0])
out['grads'] = [float(g.sum()) for g in f([x, y, ones, 0])[1:]]
out['weighted'] = float(f([x, y, np.arange(6.), 0])[0])
hidden = K.gradients(model.total_loss, model.layers[0].output)[0]
out['hidden'] = K.function(inputs, [hidden])([x, y, ones, 0])[0].sum(axis=0).tolist()
fed = model._feed_inputs + model._feed_targets + model._feed_sample_weights
out['fed'] = [len(fed), K.function(fed, [model.total_loss])([x, y, ones])]

# functions of lists
model._make_test_function()
out['test'] = model.test_function([x, y, ones, 0.])
model._make_predict_function()
out['predict'] = model.predict_function([x, 0.])[0].tolist()
plain = Sequential([Dense(5, activation='tanh', kernel_regularizer='l2', input_shape=(4,)), Dense(2)])
plain.set_weights(model.get_weights())
plain.compile('sgd', 'mse', metrics=['mae'])
plain._make_train_function()
out['train'] = [plain.train_function([x, y, ones]) for _ in range(3)]

# shapes and histories
a = Input((4, 3), name='a')
b = Dense(2)(a)
out['shape'] = [a.get_shape().as_list(), list(b._keras_shape), a.get_shape()[1].value, b.get_shape().ndims,
                list(K.int_shape(b))]
layer, node, place = b._keras_history
out['history'] = [type(layer).__name__, node, place, b._keras_history[0].output_shape == (None, 4, 2)]
out['phase'] = [bool(t._uses_learning_phase) for t in (a, b, Dropout(.3)(b), BatchNormalization()(b))]
out['uses'] = [bool(m.uses_learning_phase) for m in (model, plain)]
out['sources'] = [t.name.split(':')[0] for t in get_source_inputs(b)]
out['container'] = [InputSpec(ndim=2).ndim, Layer.__name__]
v = K.variable([1., 2.])
out['eval'] = [v.eval(session=K.get_session()).tolist(), v.get_shape().as_list()]
out['nodes'] = [len(layer._inbound_nodes), len(layer.inbound_nodes) if hasattr(layer, 'inbound_nodes') else 1,
                layer._inbound_nodes[0].outbound_layer is layer]
print(json.dumps(out, default=float))
