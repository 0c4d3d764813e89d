"""The calls of a layer that were described, seen from the layer: its input, its output, their shapes."""

from __future__ import annotations

from typing import Any

from fastkeras.utils import nest

from .input_spec import title


class Connected:
    """Mixin of Layer: `input`, `output`, `get_input_at` and the like."""

    def _cure(self):
        """What to do about a layer that was never called, for messages."""
        return ''

    def _node_at(self, node_index, what):
        if not self._inbound_nodes:
            raise ValueError(f'{title(self)} has no inbound nodes: it has never been called on Keras tensors and thus '
                             f'has no defined {what}{self._cure()}')
        if not -len(self._inbound_nodes) <= node_index < len(self._inbound_nodes):
            raise ValueError(f'{title(self)}: expected a node index below {len(self._inbound_nodes)}, the number of '
                             f'its calls on Keras tensors, got {node_index}')
        return self._inbound_nodes[node_index]

    def get_input_at(self, node_index: Any) -> Any:
        """The input of call `node_index`: a Keras tensor, or a list of them. ValueError when there was no such call."""
        return nest.unpack(self._node_at(node_index, 'input').input_tensors)

    def get_output_at(self, node_index: Any) -> Any:
        """The output of call `node_index`, as get_input_at."""
        return nest.unpack(self._node_at(node_index, 'output').output_tensors)

    def get_input_shape_at(self, node_index: Any) -> Any:
        """Shape(s) of the input of call `node_index`."""
        return nest.unpack(self._node_at(node_index, 'input').input_shapes)

    def get_output_shape_at(self, node_index: Any) -> Any:
        """Shape(s) of the output of call `node_index`."""
        return nest.unpack(self._node_at(node_index, 'output').output_shapes)

    def get_input_mask_at(self, node_index: Any) -> Any:
        """Mask(s) of the input of call `node_index`, None where there is none."""
        return nest.unpack(self._node_at(node_index, 'input').input_masks)

    def get_output_mask_at(self, node_index: Any) -> Any:
        """Mask(s) of the output of call `node_index`, None where there is none."""
        return nest.unpack(self._node_at(node_index, 'output').output_masks)

    def _only(self, what, get):
        """The attribute of the only call; of all calls, where they agree on a shape."""
        values = [get(k) for k in range(len(self._inbound_nodes))]
        if not values:
            raise AttributeError(f'{title(self)} has no inbound nodes: it has never been called on Keras tensors and thus '
                             f'has no defined {what}{self._cure()}')
        if len(values) > 1 and not (what.endswith('shape') and all(v == values[0] for v in values)):
            raise AttributeError(f'{title(self)} has multiple inbound nodes, as it was called {len(values)} times, so '
                                 f'its {what} is ill-defined. Use `get_{what.replace(" ", "_")}_at(node_index)` instead')
        return values[0]

    @property
    def input(self) -> Any:
        """The Keras tensor(s) of the only call. AttributeError when there was none, or several."""
        return self._only('input', self.get_input_at)

    @property
    def output(self) -> Any:
        """The result(s) of the only call, as `input`."""
        return self._only('output', self.get_output_at)

    @property
    def input_mask(self) -> Any:
        """The mask(s) of `input`."""
        return self._only('input mask', self.get_input_mask_at)

    @property
    def output_mask(self) -> Any:
        """The mask(s) of `output`."""
        return self._only('output mask', self.get_output_mask_at)

    @property
    def input_shape(self) -> Any:
        """Shape(s) of the input, None for unknown sizes; of all calls, where they agree."""
        return self._only('input shape', self.get_input_shape_at)

    @property
    def output_shape(self) -> Any:
        """Shape(s) of the output, as `input_shape`."""
        return self._only('output shape', self.get_output_shape_at)
