"""Sentences of one language are written in another, letter by letter: an encoder's states begin a decoder.

    python lstm_seq2seq.py [seed]
"""
from __future__ import print_function

import json
import sys

import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Model

np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
batch_size, epochs, latent_dim, num_samples = 32, 30, 64, 400

# numbers in words, and the digits that they mean
words = 'zero one two three four five six seven eight nine'.split()
rng = np.random.RandomState(6)
pairs = [rng.randint(0, 10, 2) for _ in range(num_samples)]
input_texts = [' '.join(words[k] for k in pair) for pair in pairs]
target_texts = ['\t' + ''.join(str(k) for k in pair) + '\n' for pair in pairs]
input_characters = sorted(set(''.join(input_texts)))
target_characters = sorted(set(''.join(target_texts)))
num_encoder_tokens, num_decoder_tokens = len(input_characters), len(target_characters)
max_encoder_seq_length, max_decoder_seq_length = max(map(len, input_texts)), max(map(len, target_texts))
input_token_index = dict([(char, i) for i, char in enumerate(input_characters)])
target_token_index = dict([(char, i) for i, char in enumerate(target_characters)])

encoder_input_data = np.zeros((num_samples, max_encoder_seq_length, num_encoder_tokens), dtype='float32')
decoder_input_data = np.zeros((num_samples, max_decoder_seq_length, num_decoder_tokens), dtype='float32')
decoder_target_data = np.zeros((num_samples, max_decoder_seq_length, num_decoder_tokens), dtype='float32')
for i, (input_text, target_text) in enumerate(zip(input_texts, target_texts)):
    for t, char in enumerate(input_text):
        encoder_input_data[i, t, input_token_index[char]] = 1.
    for t, char in enumerate(target_text):
        decoder_input_data[i, t, target_token_index[char]] = 1.
        if t > 0:
            decoder_target_data[i, t - 1, target_token_index[char]] = 1.

encoder_inputs = Input(shape=(None, num_encoder_tokens))
encoder = LSTM(latent_dim, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = Input(shape=(None, num_decoder_tokens))
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(num_decoder_tokens, activation='softmax')
decoder_outputs = decoder_dense(decoder_outputs)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer='rmsprop', loss='categorical_crossentropy')
history = model.fit([encoder_input_data, decoder_input_data], decoder_target_data, batch_size=batch_size, epochs=epochs,
                    validation_split=0.2, verbose=2)

# what writes: the encoder alone, and one step of the decoder
encoder_model = Model(encoder_inputs, encoder_states)
decoder_state_input_h = Input(shape=(latent_dim,))
decoder_state_input_c = Input(shape=(latent_dim,))
decoder_states_inputs = [decoder_state_input_h, decoder_state_input_c]
decoder_outputs, state_h, state_c = decoder_lstm(decoder_inputs, initial_state=decoder_states_inputs)
decoder_states = [state_h, state_c]
decoder_outputs = decoder_dense(decoder_outputs)
decoder_model = Model([decoder_inputs] + decoder_states_inputs, [decoder_outputs] + decoder_states)
reverse_target_char_index = dict((i, char) for char, i in target_token_index.items())


def decode_sequence(input_seq):
    states_value = encoder_model.predict(input_seq)
    target_seq = np.zeros((1, 1, num_decoder_tokens))
    target_seq[0, 0, target_token_index['\t']] = 1.
    decoded_sentence = ''
    while True:
        output_tokens, h, c = decoder_model.predict([target_seq] + states_value)
        sampled_char = reverse_target_char_index[int(np.argmax(output_tokens[0, -1, :]))]
        decoded_sentence += sampled_char
        if sampled_char == '\n' or len(decoded_sentence) > max_decoder_seq_length:
            return decoded_sentence
        target_seq = np.zeros((1, 1, num_decoder_tokens))
        target_seq[0, 0, target_token_index[sampled_char]] = 1.
        states_value = [h, c]


decoded = [decode_sequence(encoder_input_data[k: k + 1]) for k in range(num_samples - 40, num_samples)]
print(list(zip(input_texts[-40:], decoded))[:5])
print(json.dumps({'loss': float(history.history['val_loss'][-1]), 'training_loss': float(history.history['loss'][-1]),
                  'digit_accuracy': float(np.mean([a == b for text, want in zip(decoded, target_texts[-40:])
                                                   for a, b in zip(text, want[1:-1])]))}))
