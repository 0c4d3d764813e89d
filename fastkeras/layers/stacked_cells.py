"""Several cells as one."""

from __future__ import annotations

from typing import Any

from fastkeras import generation, ops
from fastkeras.utils import nest
from fastkeras.utils.errors import warn

from . import cell_states, registry
from .base import Layer
from .calls import takes
from .input_spec import title

__all__ = ['StackedRNNCells']


class StackedRNNCells(Layer):
    """Cells on top of each other as one cell: each gets the outputs of the one below it.

    cells: list of cells, the lowest first. reverse_state_order: the states stand from the highest cell to the lowest, as
    before Keras 2.2.3. state_size: the states of all cells in a row; in generation 3 a list of each cell's. In an RNN layer
    each cell goes over all steps before the next one does, which gives the same results in fewer and larger products.
    """

    def __init__(self, cells: Any, reverse_state_order: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError(f'{title(self)}: expected cells to be a list of at least one cell, got {cells!r:.80}')
        for cell in cells:
            cell_states.check(title(self), cell)
        self.cells = list(cells)
        self.reverse_state_order = reverse_state_order
        if reverse_state_order:
            warn('StackedRNNCells: reverse_state_order=True is the order of before Keras 2.2.3; states in the order '
                 'of the cells are what others expect')

    def _in_order(self):
        """The cells in the order in which their states stand."""
        return self.cells[::-1] if self.reverse_state_order else self.cells

    @property
    def state_size(self) -> Any:
        """The sizes of all states."""
        sizes = [cell.state_size for cell in self._in_order()]
        if generation.of('recurrent.nested_states'):
            return sizes
        return tuple(s for size in sizes for s in (size if isinstance(size, (list, tuple)) else (size,)))

    @property
    def output_size(self) -> Any:
        """The size of the highest cell's outputs."""
        sizes = cell_states.output(self.cells[-1])
        return sizes[0] if len(sizes) == 1 else sizes

    def structure(self) -> Any:
        """The nesting of the sizes of all states: in a row or, in generation 3, a list for each cell."""
        parts = [cell_states.structure(cell) for cell in self._in_order()]
        return parts if generation.of('recurrent.nested_states') else nest.flatten(parts)

    def split(self, states: Any) -> Any:
        """A list of the states of each cell, the lowest first, of all states in a row."""
        states, parts = nest.flatten(states), []
        for cell in self._in_order():
            n = len(nest.flatten(cell_states.structure(cell)))
            parts.append(states[:n])
            states = states[n:]
        return parts[::-1] if self.reverse_state_order else parts

    def joined(self, parts: Any) -> Any:
        """All states in a row, of a list of those of each cell."""
        return nest.flatten(parts[::-1] if self.reverse_state_order else parts)

    def get_initial_state(self, batch_size: Any = None, inputs: Any = None, dtype: Any = None) -> Any:
        """The states in which the cells begin, as state_size has them."""
        batch = batch_size if batch_size is not None else inputs.shape[0]
        parts = [cell_states.first(cell, inputs, batch, dtype or self.compute_dtype) for cell in self._in_order()]
        return parts if generation.of('recurrent.nested_states') else nest.flatten(parts)

    def build(self, input_shape: Any) -> None:
        shapes = nest.flatten_shapes(input_shape)
        shape, constants = shapes[0], shapes[1:]
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build([shape, *constants] if constants and takes(cell.call, 'constants') else shape)
            shape = (shape[0], *cell_states.output(cell))
        self.built = True

    def call(self, inputs: Any, states: Any, constants: Any = None, training: Any = None) -> Any:
        new = []
        for cell, own in zip(self.cells, self.split(states)):
            options = {}
            if training is not None and takes(cell.call, 'training'):
                options['training'] = training
            if constants is not None and takes(cell.call, 'constants'):
                options['constants'] = constants
            own = nest.pack(cell_states.structure(cell), own)
            inputs, own = (cell if isinstance(cell, Layer) else cell.call)(inputs, own, **options)
            new.append(own)
        new = new[::-1] if self.reverse_state_order else new
        return ops.convert_to_tensor(inputs), new if generation.of('recurrent.nested_states') else nest.flatten(new)

    def get_config(self) -> dict[str, Any]:
        config = self._config_with(*(('reverse_state_order',) if self.reverse_state_order else ()))
        config['cells'] = [registry.serialize(cell) for cell in self.cells]
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The cells of a configuration. custom_objects: names of cells of one's own."""
        config = dict(config)
        config['cells'] = [registry.deserialize(c, custom_objects) if isinstance(c, dict) else c for c in config['cells']]
        return super().from_config(config)
