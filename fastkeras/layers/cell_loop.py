"""One cell taken through all steps of sequences: a scan, whose rounds are steps."""

from fastkeras import ops
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.utils import nest

from . import cell_states, context
from .base import Layer
from .calls import takes


class Loop:
    """cell: what is applied. constants: list of tensors, or None. mask: (steps, batch) truth values, or None. reverse: from the
    last step on. sequences: whether the outputs of all steps are wanted. zero_output: those of masked steps are 0, else those
    of the step before. zeros_first: before the first step that is not masked the output is 0, even where the states are not."""

    def __init__(self, cell, training, constants, mask, reverse, sequences, zero_output, zeros_first):
        self.cell, self.training, self.constants = cell, training, constants
        self.mask = None if mask is None else ops.expand_dims(mask, 2)
        self.reverse, self.sequences = reverse, sequences
        self.zero_output, self.zeros_first = zero_output, zeros_first
        self.losses = []        # what the cell added to the loss, each summed over the steps

    def run(self, x, states):
        """(outputs of all steps or None, the last output, the last states) for inputs (steps, batch, …) and first states, a
        flat list."""
        rows, step = self._steps(x)
        carried, index = None, None
        if self.mask is not None:
            output, index = self._tried(step, rows, states)
            if index is None or self.zero_output or self.zeros_first:
                index, carried = None, _zeros(output)
        found = {}

        def round_(carry, row):
            states, before = carry
            row, mask = row
            output, new, losses = step(row, states)
            which = _same(output, new)
            if mask is not None:
                new = [_chosen(mask, n, s) for n, s in zip(new, states)]
                if carried is None:
                    output = new[index]
                else:
                    output = _chosen(mask, output, _zeros(output) if self.zero_output else before)
                which = index
            found['state'] = which
            stacked = output if self.sequences or carried is None and which is None else None
            return (new, None if carried is None else output), (stacked, losses)

        (states, last), (stack, losses) = ops.scan(round_, (states, carried), (rows, self.mask), reverse=self.reverse)
        self.losses = [ops.sum(loss) for loss in losses]
        if last is None:
            last = stack[0 if self.reverse else -1] if found['state'] is None else states[found['state']]
        return stack if self.sequences else None, last, states

    def _steps(self, x):
        """(what the loop goes along, the function (row, flat states) → output, new flat states, losses)."""
        if cell_states.at_once(self.cell):
            rows, step = self.cell.before_loop(x, self.training)

            def known(row, states):
                output, new = step(row, states)
                return output, new, []
            return rows, known
        structure = cell_states.structure(self.cell)
        options = {}
        if self.training is not None and takes(self.cell.call, 'training'):
            options['training'] = self.training
        if self.constants and takes(self.cell.call, 'constants'):
            options['constants'] = self.constants
        call = self.cell if isinstance(self.cell, Layer) else self.cell.call

        def called(row, states):
            with context.collect_losses() as losses:
                losses.depth += 1       # the penalties on weights are collected elsewhere
                result = call(row, nest.pack(structure, states), **options)
            expected = (f'{type(self.cell).__name__}: expected its call to return (outputs, new states) with {len(states)} '
                        f'state{"s" * (len(states) > 1)}, got ')
            if not isinstance(result, (list, tuple)) or len(result) != 2:
                raise ValueError(expected + (f'a {type(result).__name__} of {len(result)}' if nest.is_nest(result) else
                                             f'{result!r:.200}'))
            output, new = result[0], nest.flatten(result[1])
            if len(new) != len(states):
                raise ValueError(f'{expected}{len(new)}')
            return core.tensor(output), [core.tensor(s) for s in new], list(losses)
        return x, called

    def _tried(self, step, rows, states):
        """(an output of one step, which of the new states it is or None), found by a trace that is thrown away."""
        row = nest.map_structure(lambda t: Tensor('input', (), {}, t.shape[1:], t.dtype), rows)
        with core.inner_trace():
            output, new, _ = step(row, [Tensor('input', (), {}, s.shape, s.dtype) for s in states])
        return output, _same(output, new)


def _same(output, states):
    return next((k for k, s in enumerate(states) if s is output), None)


def _zeros(like):
    if None in like.shape:
        return Tensor('input', (), {}, like.shape, like.dtype)
    return core.constant(0, dtype=like.dtype, shape=like.shape)


def _chosen(mask, new, old):
    """New values in the rows where mask (batch, 1) is true, old ones in the others."""
    for _ in range(len(new.shape) - 2):
        mask = ops.expand_dims(mask, -1)
    if len(new.shape) == 1:
        mask = ops.squeeze(mask, 1)
    return ops.where(mask, new, old)
