"""SimpleRNN, GRU and LSTM step by step in float64: what the layers are compared with."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def simple_rnn(x, states, kernel, recurrent, bias):
    h = np.tanh(x @ kernel + states[0] @ recurrent + bias)
    return [h]


def gru(x, states, kernel, recurrent, bias, gate=hard_sigmoid):
    h, = states
    n = h.shape[-1]
    before = bias.ndim == 1
    xs = x @ kernel + (bias if before else bias[0])
    inner = h @ recurrent + (0 if before else bias[1])
    z = gate(xs[:, :n] + inner[:, :n])
    r = gate(xs[:, n:2 * n] + inner[:, n:2 * n])
    c = np.tanh(xs[:, 2 * n:] + ((r * h) @ recurrent[:, 2 * n:] if before else r * inner[:, 2 * n:]))
    return [z * h + (1 - z) * c]


def lstm(x, states, kernel, recurrent, bias, gate=hard_sigmoid):
    h, c = states
    i, f, new, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    c = gate(f) * c + gate(i) * np.tanh(new)
    return [gate(o) * np.tanh(c), c]


def run(step, x, weights, states, mask=None, backwards=False, **options):
    """(outputs (batch, steps, units) in the order they are made, last states)."""
    outputs = []
    for t in range(x.shape[1])[::-1 if backwards else 1]:
        new = step(x[:, t], states, *weights, **options)
        if mask is not None:
            new = [np.where(mask[:, t, None], a, b) for a, b in zip(new, states)]
        states = new
        outputs.append(states[0])
    return np.stack(outputs, 1), states
