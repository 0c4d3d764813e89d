"""A memory network answers questions about short stories: where is Mary?

    python babi_memnn.py [seed]
"""
from __future__ import print_function

import json
import sys
from functools import reduce

import numpy as np
from keras.layers import LSTM, Activation, Dense, Dropout, Embedding, Input, Permute, add, concatenate, dot
from keras.models import Model, Sequential
from keras.preprocessing.sequence import pad_sequences

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def stories(count, rng):
    """Two moves, the question where somebody of them is, and the answer."""
    made = []
    for _ in range(count):
        people = rng.permutation(['mary', 'john', 'sandra'])[:2]
        places = rng.choice(['garden', 'office', 'kitchen', 'hallway'], 2)
        story = reduce(lambda a, b: a + b, [[who, 'in', where] for who, where in zip(people, places)])
        k = rng.randint(2)
        made.append((story, ['where', 'is', people[k], '?'], places[k]))
    return made


def vectorize_stories(data):
    inputs, queries, answers = [], [], []
    for story, query, answer in data:
        inputs.append([word_idx[w] for w in story])
        queries.append([word_idx[w] for w in query])
        answers.append(word_idx[answer])
    return (pad_sequences(inputs, maxlen=story_maxlen), pad_sequences(queries, maxlen=query_maxlen), np.array(answers))


rng = np.random.RandomState(7)
train_stories, test_stories = stories(800, rng), stories(200, rng)
vocab = set()
for story, q, answer in train_stories + test_stories:
    vocab |= set(story + q + [answer])
vocab = sorted(vocab)
vocab_size = len(vocab) + 1
story_maxlen = max(map(len, (x for x, _, _ in train_stories + test_stories)))
query_maxlen = max(map(len, (x for _, x, _ in train_stories + test_stories)))
word_idx = dict((c, i + 1) for i, c in enumerate(vocab))
inputs_train, queries_train, answers_train = vectorize_stories(train_stories)
inputs_test, queries_test, answers_test = vectorize_stories(test_stories)

input_sequence = Input((story_maxlen,))
question = Input((query_maxlen,))
input_encoder_m = Sequential()
input_encoder_m.add(Embedding(input_dim=vocab_size, output_dim=32))
input_encoder_m.add(Dropout(0.1))
input_encoder_c = Sequential()
input_encoder_c.add(Embedding(input_dim=vocab_size, output_dim=query_maxlen))
input_encoder_c.add(Dropout(0.1))
question_encoder = Sequential()
question_encoder.add(Embedding(input_dim=vocab_size, output_dim=32, input_length=query_maxlen))
question_encoder.add(Dropout(0.1))

input_encoded_m = input_encoder_m(input_sequence)
input_encoded_c = input_encoder_c(input_sequence)
question_encoded = question_encoder(question)
match = dot([input_encoded_m, question_encoded], axes=(2, 2))
match = Activation('softmax')(match)
response = add([match, input_encoded_c])
response = Permute((2, 1))(response)
answer = concatenate([response, question_encoded])
answer = LSTM(32)(answer)
answer = Dropout(0.1)(answer)
answer = Dense(vocab_size)(answer)
answer = Activation('softmax')(answer)
model = Model([input_sequence, question], answer)
model.compile(optimizer='rmsprop', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
history = model.fit([inputs_train, queries_train], answers_train, batch_size=32, epochs=20, verbose=2,
                    validation_data=([inputs_test, queries_test], answers_test))
print(json.dumps({'loss': float(history.history['val_loss'][-1]), 'accuracy': float(history.history['val_acc'][-1]),
                  'words': vocab_size}))
