"""TensorFlow 1 around Keras: sessions, the graph, devices, initializers."""
import json

import numpy as np
import tensorflow as tf
from keras import backend as K
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD

tf.set_random_seed(1)
out = {}
session = tf.Session(config=tf.ConfigProto(allow_soft_placement=True))
K.set_session(session)
with tf.device('/gpu:0'):
    model = Sequential([Dense(2, input_shape=(3,), kernel_initializer='glorot_normal')])
graph = tf.get_default_graph()
session.run(tf.global_variables_initializer())
model.set_weights([np.ones((3, 2)), np.zeros(2)])
x = np.arange(6.).reshape(2, 3)
with graph.as_default():
    out['predict'] = model.predict(x).tolist()
with session.as_default():
    out['run'] = session.run(model.output, feed_dict={model.input: x}).tolist()
y = K.placeholder((None, 2))
loss = K.mean(K.square(y - model.output))
updates = SGD(.1).get_updates(loss, model.trainable_weights)
fed = {model.input: x, y: np.ones((2, 2))}
out['losses'] = [float(K.get_session().run([loss] + updates, feed_dict=fed)[0]) for _ in range(3)]
out['nested'] = len(K.get_session().run([loss, updates], feed_dict=fed))
out['weights'] = model.get_weights()[0].tolist()
out['eval'] = float(loss.eval(feed_dict=fed, session=K.get_session()))
before = model.layers[0].get_weights()[0]
for layer in model.layers:
    if hasattr(layer, 'kernel_initializer'):
        layer.kernel.initializer.run(session=K.get_session())
out['drawn_anew'] = bool(np.abs(before - model.layers[0].get_weights()[0]).min() > 0)
K.clear_session()
tf.reset_default_graph()
print(json.dumps(out, default=float))
