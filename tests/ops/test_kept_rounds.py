"""What the gradient of a loop keeps of its rounds."""

import numpy as np

from fastkeras import layers, ops
from fastkeras.compiler.autodiff import gradients
from fastkeras.ops.core import apply, placeholder
from fastkeras.ops.kept_rounds import made_again
from fastkeras.runtime.function import trace


def test_elementwise_values_are_made_again():
    """Of tanh(x · w) · y, where x · w and y must be kept, nothing else is."""
    x, w, y = (placeholder(k, (4, 4), 'float32') for k in range(3))
    product = apply('matmul', (x, w))
    t = apply('tanh', (product,))
    out = apply('multiply', (t, y))
    assert made_again([t, out, product], lambda n: n is y) == {id(t), id(out)}


def test_the_cut_lies_where_it_is_narrow():
    """A sum of two products is kept in place of both, and what is made of it is made again."""
    x, w = (placeholder(k, (4, 4), 'float32') for k in range(2))
    a, b = apply('matmul', (x, w)), apply('matmul', (w, x))
    s = apply('add', (a, b))
    out = apply('exp', (apply('tanh', (s,)),))
    assert id(s) not in made_again([out, apply('sigmoid', (s,))], lambda n: False)
    assert id(out) in made_again([out, apply('sigmoid', (s,))], lambda n: False)


def test_an_lstm_keeps_six_arrays():
    """Four gates, the cell and the output: the rest of a round is made of them."""
    layer = layers.LSTM(8, recurrent_activation='sigmoid')
    layer(np.zeros((2, 5, 3), 'f'))

    def run(x):
        return gradients(ops.sum(layer(x, training=True)), layer.trainable_weights)

    graph, _ = trace(run, [((2, 5, 3), 'float32')])
    back = [n for n in graph.nodes() if n.op == 'scan' and n.attrs['reverse']]
    rows = back[0].attrs
    kept = back[0].inputs[rows['carries']:rows['carries'] + rows['sequences']]
    assert sum(np.prod(x.shape[1:]) for x in kept) <= 5 * 2 * 8     # h, the sixth, is for a product behind the loop
