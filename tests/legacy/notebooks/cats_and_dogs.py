"""Two kinds of pictures in folders: a convolutional base, features of it, augmented pictures, freezing and fine-tuning."""

import os
import shutil
import tempfile

import numpy as np
from keras import layers, models, optimizers
from keras.preprocessing import image
from keras.preprocessing.image import ImageDataGenerator
from PIL import Image
from same_start import fill, show

random = np.random.RandomState(3)
base_dir = tempfile.mkdtemp()
for part, count in (('train', 12), ('validation', 6)):
    for kind in ('cats', 'dogs'):
        os.makedirs(os.path.join(base_dir, part, kind))
        for i in range(count):
            picture = random.randint(0, 120, (24, 24, 3))
            picture[:, (4 if kind == 'cats' else 14):][:, :6] += 130        # a bar on the left, or on the right
            Image.fromarray(picture.astype('uint8')).save(os.path.join(base_dir, part, kind, f'{kind}.{i}.png'))
train_dir, validation_dir = os.path.join(base_dir, 'train'), os.path.join(base_dir, 'validation')

conv_base = models.Sequential(name='base')
conv_base.add(layers.Conv2D(8, (3, 3), activation='relu', padding='same', input_shape=(24, 24, 3), name='block1_conv1'))
conv_base.add(layers.MaxPooling2D((2, 2), name='block1_pool'))
conv_base.add(layers.Conv2D(16, (3, 3), activation='relu', padding='same', name='block2_conv1'))
conv_base.add(layers.Conv2D(16, (3, 3), activation='relu', padding='same', name='block2_conv2'))
conv_base.add(layers.MaxPooling2D((4, 4), name='block2_pool'))
fill(conv_base)

# features of the base
datagen = ImageDataGenerator(rescale=1. / 255)
batch_size = 6


def extract_features(directory, sample_count):
    features = np.zeros(shape=(sample_count, 3, 3, 16))
    labels = np.zeros(shape=(sample_count))
    generator = datagen.flow_from_directory(directory, target_size=(24, 24), batch_size=batch_size, class_mode='binary',
                                            shuffle=False)
    i = 0
    for inputs_batch, labels_batch in generator:
        features_batch = conv_base.predict(inputs_batch)
        features[i * batch_size: (i + 1) * batch_size] = features_batch
        labels[i * batch_size: (i + 1) * batch_size] = labels_batch
        i += 1  # noqa: SIM113
        if i * batch_size >= sample_count:
            break
    return features, labels


train_features, train_labels = extract_features(train_dir, 24)
validation_features, validation_labels = extract_features(validation_dir, 12)
order = np.arange(24).reshape(2, 12).T.ravel()
train_features = np.reshape(train_features, (24, 3 * 3 * 16))[order]
validation_features = np.reshape(validation_features, (12, 3 * 3 * 16))
top = models.Sequential()
top.add(layers.Dense(16, activation='relu', input_dim=3 * 3 * 16))
top.add(layers.Dense(1, activation='sigmoid'))
top.compile(optimizer=optimizers.RMSprop(lr=2e-3), loss='binary_crossentropy', metrics=['acc'])
fill(top)
top_history = top.fit(train_features, train_labels[order], epochs=5, batch_size=8, verbose=0, shuffle=False,
                      validation_data=(validation_features, validation_labels))

# pictures changed at random
train_datagen = ImageDataGenerator(rescale=1. / 255, rotation_range=10, width_shift_range=0.05, height_shift_range=0.05,
                                   shear_range=0.05, zoom_range=0.05, fill_mode='nearest')
img = image.load_img(os.path.join(train_dir, 'cats', 'cats.3.png'), target_size=(24, 24))
x = image.img_to_array(img)
x = x.reshape((1,) + x.shape)
variants = []
for batch in train_datagen.flow(x, batch_size=1, seed=5):
    variants.append(batch[0].mean())
    if len(variants) == 4:
        break

# the base under a top of its own, frozen at first
model = models.Sequential()
model.add(conv_base)
model.add(layers.Flatten())
model.add(layers.Dense(16, activation='relu'))
model.add(layers.Dense(1, activation='sigmoid'))
fill(model)
counts = [len(model.trainable_weights)]
conv_base.trainable = False
counts.append(len(model.trainable_weights))
frozen = conv_base.get_weights()
model.compile(loss='binary_crossentropy', optimizer=optimizers.RMSprop(lr=1e-3), metrics=['acc'])


def flow(directory, generator=datagen, **arguments):
    return generator.flow_from_directory(directory, target_size=(24, 24), batch_size=batch_size, class_mode='binary',
                                         **arguments)


steps = dict(steps_per_epoch=4, validation_data=flow(validation_dir, shuffle=False), validation_steps=2, verbose=0,
             shuffle=False)
history = model.fit_generator(flow(train_dir, train_datagen, shuffle=True, seed=7), epochs=4, **steps)
still = all((a == b).all() for a, b in zip(frozen, conv_base.get_weights()))

conv_base.trainable = True
set_trainable = False
for layer in conv_base.layers:
    if layer.name == 'block2_conv2':
        set_trainable = True
    layer.trainable = set_trainable
counts.append(len(model.trainable_weights))
model.compile(loss='binary_crossentropy', optimizer=optimizers.RMSprop(lr=1e-3), metrics=['acc'])
fine = model.fit_generator(flow(train_dir, shuffle=True, seed=8), epochs=6, **steps)
moved = [not np.array_equal(a, b) for a, b in zip(frozen, conv_base.get_weights())]
test_loss, test_acc = model.evaluate_generator(flow(validation_dir, shuffle=False), steps=2)
classes = flow(train_dir).class_indices
shutil.rmtree(base_dir)
show(features=train_features.mean(axis=0)[:8], top=top_history.history['loss'], top_val=top_history.history['val_loss'],
     variants=variants, counts=counts, still=still, moved=moved, about_loss=history.history['loss'],
     about_val_loss=history.history['val_loss'], about_fine=fine.history['loss'], about_test=[test_loss, test_acc],
     classes=' '.join(sorted(classes)))
