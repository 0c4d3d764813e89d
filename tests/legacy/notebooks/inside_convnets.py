"""Looking into a convolutional network: activations of its layers, what a filter likes best, where a class is seen."""

import numpy as np
from keras import backend as K
from keras import layers, models
from same_start import fill, show

random = np.random.RandomState(4)
model = models.Sequential()
model.add(layers.Conv2D(8, (3, 3), activation='relu', input_shape=(20, 20, 3), name='block1_conv1'))
model.add(layers.MaxPooling2D((2, 2)))
model.add(layers.Conv2D(12, (3, 3), activation='relu', name='block3_conv1'))
model.add(layers.Flatten())
model.add(layers.Dropout(0.5))
model.add(layers.Dense(5, activation='softmax', name='predictions'))
fill(model)
img_tensor = random.uniform(0, 1, (1, 20, 20, 3))

# activations of all layers at once
layer_outputs = [layer.output for layer in model.layers[:3]]
activation_model = models.Model(inputs=model.input, outputs=layer_outputs)
activations = activation_model.predict(img_tensor)
first_layer_activation = activations[0]

# and by a function of the backend, as in predictions
get = K.function([model.layers[0].input, K.learning_phase()], [model.layers[2].output, model.output])
by_function, predicted = get([img_tensor, 0])
in_training = get([img_tensor, 1])[1]


# what a filter likes best
def deprocess_image(x):
    x -= x.mean()
    x /= (x.std() + 1e-5)
    x *= 0.1
    x += 0.5
    x = np.clip(x, 0, 1)
    x *= 255
    return np.clip(x, 0, 255).astype('uint8')


def generate_pattern(layer_name, filter_index, size=20):
    layer_output = model.get_layer(layer_name).output
    loss = K.mean(layer_output[:, :, :, filter_index])
    grads = K.gradients(loss, model.input)[0]
    grads /= (K.sqrt(K.mean(K.square(grads))) + 1e-5)
    iterate = K.function([model.input], [loss, grads])
    input_img_data = np.random.RandomState(9).random_sample((1, size, size, 3)) * 0.2 + 0.5
    step, losses = 0.1, []
    for _ in range(10):
        loss_value, grads_value = iterate([input_img_data])
        input_img_data += grads_value * step
        losses.append(float(loss_value))
    return deprocess_image(input_img_data[0]), losses


pattern, losses = generate_pattern('block3_conv1', 1)
results = np.zeros((2 * 20 + 4, 2 * 20 + 4, 3))
for i in range(2):
    for j in range(2):
        results[i * 24: i * 24 + 20, j * 24: j * 24 + 20] = generate_pattern('block1_conv1', i + j * 2)[0]

# where a class is seen
preds = model.predict(img_tensor)
best = int(np.argmax(preds[0]))
class_output = model.output[:, best]
last_conv_layer = model.get_layer('block3_conv1')
grads = K.gradients(class_output, last_conv_layer.output)[0]
pooled_grads = K.mean(grads, axis=(0, 1, 2))
iterate = K.function([model.input], [pooled_grads, last_conv_layer.output[0]])
pooled_grads_value, conv_layer_output_value = iterate([img_tensor])
for i in range(12):
    conv_layer_output_value[:, :, i] *= pooled_grads_value[i]
heatmap = np.mean(conv_layer_output_value, axis=-1)
heatmap = np.maximum(heatmap, 0)
heatmap /= np.max(heatmap)

show(shapes=[a.shape for a in activations], activation=first_layer_activation[0, 4, :5, 3],
     alike=bool(np.allclose(by_function, activations[2], atol=1e-5)), predicted=predicted[0],
     dropout=bool(not np.allclose(in_training, predicted)), losses=losses, about_pattern=pattern.mean(),
     about_grid=results.mean(), best=best, pooled=np.asarray(pooled_grads_value) * 1000, heatmap=heatmap[:3].ravel())
