"""Saliency, class activation by gradients, and images that excite a filter."""
import json

import numpy as np
from keras import backend as K
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, GlobalAveragePooling2D, Input, MaxPooling2D
from keras.models import Model, Sequential


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


x = np.random.RandomState(0).rand(2, 8, 8, 3)
out = {}
model = Sequential([Conv2D(4, (3, 3), activation='relu', input_shape=(8, 8, 3), name='conv1'), MaxPooling2D(),
                    Conv2D(5, (2, 2), activation='relu', name='conv2'), Dropout(.5), Flatten(), Dense(3, name='logits'),
                    Activation('softmax')])
model.set_weights([values(*w.shape) for w in model.get_weights()])

# saliency (Simonyan et al. 2013)
saliency = K.function([model.input, K.learning_phase()], K.gradients(K.max(model.output, axis=1), model.input))
out['saliency'] = saliency([x, 0])[0].sum(axis=(1, 2)).tolist()
one = K.function([model.layers[0].input], [K.gradients(model.get_layer('logits').output[:, 1], [model.input])[0]])
out['one'] = np.abs(one([x])[0]).max(axis=-1)[0].tolist()

# Grad-CAM (Selvaraju et al. 2017)
african = model.output[:, 2]
last = model.get_layer('conv2')
grads = K.gradients(african, last.output)[0]
pooled = K.mean(grads, axis=(0, 1, 2))
iterate = K.function([model.input], [pooled, last.output[0]])
weight, maps = iterate([x[:1]])
for i in range(5):
    maps[:, :, i] *= weight[i]
out['cam'] = np.maximum(np.mean(maps, axis=-1), 0).tolist()
normalised = K.function([model.input], [grads / (K.sqrt(K.mean(K.square(grads))) + 1e-5)])
out['normalised'] = normalised([x])[0].sum(axis=(1, 2)).tolist()

# an image that excites a filter
layers = {layer.name: layer for layer in model.layers}
loss = K.mean(layers['conv2'].output[:, :, :, 1])
grads = K.gradients(loss, model.input)[0]
grads /= (K.sqrt(K.mean(K.square(grads))) + 1e-5)
iterate = K.function([model.input], [loss, grads])
image = x[:1] * 20 + 128.
losses = []
for _ in range(5):
    value, direction = iterate([image])
    image += direction
    losses.append(value)
out['filter'] = losses + [image.mean()]

# CAM with global average pooling (Zhou et al. 2016), by a second model and get_weights
inp = Input((8, 8, 3))
last = Conv2D(5, (3, 3), padding='same', activation='relu')(inp)
model = Model(inp, Dense(3, activation='softmax')(GlobalAveragePooling2D()(last)))
model.set_weights([values(*w.shape) for w in model.get_weights()])
f = K.function([model.layers[0].input], [model.layers[1].output, model.layers[-1].output])
maps, predictions = f([x])
out['gap'] = [np.dot(maps[0], model.layers[-1].get_weights()[0][:, predictions[0].argmax()]).tolist(), predictions.tolist()]
print(json.dumps(out, default=float))
