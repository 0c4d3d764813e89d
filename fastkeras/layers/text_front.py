"""The part of a described model that works on texts.

No plan holds a text. So the layers between the text inputs of a model and the first numbers they give are called on the
arrays of each batch, and the plan is fed with what they make; the rest of the model is traced as any other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras.utils import nest
from fastkeras.utils.texts import STRING

from .input_spec import title
from .substitute import substitute


class TextFront:
    """The front of a graph with text inputs. nodes: the calls on texts, in order; tensors: the Keras tensors that the
    plan is fed: the inputs of numbers, then what the calls give that others read; rest: the other calls.

    ValueError where a layer that takes no texts would get some, or one that does needs what only the plan computes.
    """

    def __init__(self, graph: Any) -> None:
        self.begins = list(zip(graph.input_tensors, graph.begins))
        ready = {id(t) for pair in self.begins for t in pair}
        texts = {id(t) for pair in self.begins for t in pair if t.dtype == STRING}
        self.nodes, self.rest, made = [], [], []
        for node in graph.nodes:
            if not any(id(t) in texts for t in node.input_tensors):
                if not all(id(t) in texts for t in node.output_tensors):
                    self.rest.append(node)
                continue
            refuse_texts(node.layer, node.input_tensors)
            late = [t for t in node.input_tensors if id(t) not in ready]
            if late:
                raise ValueError(f'Model {graph.owner!r}: {title(node.layer)} takes texts together with what the layer '
                                 f'{late[0]._keras_history.layer.name!r} computes; what meets texts must be an input, or be '
                                 f'made of texts alone')
            self.nodes.append(node)
            made += node.output_tensors
            ready.update(map(id, node.output_tensors))
            texts.update(id(t) for t in node.output_tensors if t.dtype == STRING)
        ends = [*graph.output_tensors, *graph.losses, *(t for _, t in graph.metrics)]
        wordy = [t for t in ends if t.dtype == STRING]
        if wordy:
            raise ValueError(f'Model {graph.owner!r}: its output {wordy[0]._keras_history.layer.name!r} is texts, and a model '
                             f'gives numbers; call the layer on the arrays of a prediction')
        read = {id(t) for node in self.rest for t in node.input_tensors} | set(map(id, ends))
        self.tensors = [*(begin for _, begin in self.begins if begin.dtype != STRING), *(t for t in made if id(t) in read)]

    def __call__(self, arrays: list) -> list:
        """The arrays that the plan is fed, for those of the model's inputs."""
        values = {id(t): a for pair, a in zip(self.begins, arrays) for t in pair}
        for node in self.nodes:
            inputs, arguments = node.filled(lambda t: values[id(t)])
            results = nest.flatten(node.layer(inputs, **arguments))
            values.update((id(t), np.asarray(y)) for t, y in zip(node.output_tensors, results))
        return [values[id(t)] for t in self.tensors]

    def described(self, tensors: list) -> list:
        """The same for Keras tensors: the layers are called on them."""
        value = substitute(self.nodes, {id(t): x for pair, x in zip(self.begins, tensors) for t in pair})
        return [value(t) for t in self.tensors]


def refuse_texts(layer: Any, tensors: Any) -> None:
    """ValueError where a layer that takes none would get texts."""
    if not layer._takes_text and any(getattr(t, 'dtype', None) == STRING for t in tensors):
        raise ValueError(f'{title(layer)}: it takes numbers, and got texts; put a layer in between that makes numbers of them, '
                         f'such as TextVectorization, StringLookup or Hashing; a model with texts is described from an '
                         f"Input with dtype='string'")
