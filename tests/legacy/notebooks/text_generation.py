"""Text, letter by letter: a network says how likely each next letter is, and a temperature how bold the choice shall be."""

import numpy as np
from keras import layers, models, optimizers
from same_start import fill, show

text = ('the sea was calm and the sun was low and the ship was far. ' * 12).lower()
maxlen, step = 12, 3
sentences, next_chars = [], []
for i in range(0, len(text) - maxlen, step):
    sentences.append(text[i: i + maxlen])
    next_chars.append(text[i + maxlen])
chars = sorted(set(text))
char_indices = dict((char, chars.index(char)) for char in chars)  # noqa: C402
x = np.zeros((len(sentences), maxlen, len(chars)), dtype=bool)
y = np.zeros((len(sentences), len(chars)), dtype=bool)
for i, sentence in enumerate(sentences):
    for t, char in enumerate(sentence):
        x[i, t, char_indices[char]] = 1
    y[i, char_indices[next_chars[i]]] = 1

model = models.Sequential()
model.add(layers.LSTM(32, input_shape=(maxlen, len(chars))))
model.add(layers.Dense(len(chars), activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer=optimizers.RMSprop(lr=0.01))
fill(model)


def sample(preds, temperature=1.0):
    preds = np.asarray(preds).astype('float64')
    preds = np.log(preds) / temperature
    exp_preds = np.exp(preds)
    preds = exp_preds / np.sum(exp_preds)
    return np.argmax(np.random.multinomial(1, preds, 1))


losses, written = [], {}
for _ in range(1, 13):
    losses += model.fit(x, y, batch_size=32, epochs=1, verbose=0, shuffle=False).history['loss']
np.random.seed(0)
for temperature in [0.05, 0.5, 2.0]:
    generated_text = text[:maxlen]
    made = ''
    for _ in range(20):
        sampled = np.zeros((1, maxlen, len(chars)))
        for t, char in enumerate(generated_text):
            sampled[0, t, char_indices[char]] = 1.
        next_char = chars[sample(model.predict(sampled, verbose=0)[0], temperature)]
        generated_text = (generated_text + next_char)[1:]
        made += next_char
    written[temperature] = made
show(losses=losses[:4], about_last=losses[-1], careful=written[0.05], bold=bool(written[2.0] != written[0.05]),
     letters=len(chars))
