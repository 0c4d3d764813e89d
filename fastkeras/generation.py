"""What depends on the Keras generation in force (`config.generation()`, 2 unless set).

Two ways to read it. A default of a signature that differs is a `Default`: a number equal to the Keras 2 value, which
`chosen` turns into the value of the generation in force, when the caller left it as it was. A formula or a name that
differs is a switch of the table in `differences`, read by `of`. `python -m fastkeras.generation` prints the table.
"""

import inspect
from contextlib import contextmanager

from fastkeras import config
from fastkeras.differences import DIFFERENCES

# switch → generation → value
TABLE = {switch: row.values(switch) for row in DIFFERENCES for switch in row.switches}


def of(what, generation=None):
    """The value of a switch of TABLE for `generation`, by default the one in force."""
    return TABLE[what][generation or config.generation()]


@contextmanager
def scope(generation):
    """Take `generation` (2, 3 or '2.2.4') inside a `with` block of this thread: a file is read by the rules of its writer."""
    token = config._scoped_generation.set(config._checked_generation(generation))
    try:
        yield
    finally:
        config._scoped_generation.reset(token)


class Default(float):
    """A default number that the generations disagree on: equal to the Keras 2 value, and it remembers the other."""

    __slots__ = ('three',)

    def __new__(cls, two, three):
        self = super().__new__(cls, two)
        self.three = three
        return self


class DefaultWord(str):
    """The same for a word."""

    __slots__ = ('three',)

    def __new__(cls, two, three):
        self = super().__new__(cls, two)
        self.three = three
        return self


class DefaultWhole(int):
    """The same for a whole number, or a truth value."""

    def __new__(cls, two, three):
        self = super().__new__(cls, two)
        self.two, self.three = two, three
        return self

    def __repr__(self):
        return repr(self.two)


def chosen(value, generation=None):
    """`value`, or, when it is a Default that the caller did not replace, the generation's own value."""
    if isinstance(value, (Default, DefaultWord, DefaultWhole)):
        if (generation or config.generation()) == 3:
            return value.three
        return value.two if isinstance(value, DefaultWhole) else float(value) if isinstance(value, Default) else str(value)
    return value


def shown(function):
    """Decorator: the signature shows the Keras 2 values of such defaults, for readers and for tools."""
    signature = inspect.signature(function)
    two = [p.replace(default=chosen(p.default, 2)) for p in signature.parameters.values()]
    function.__signature__ = signature.replace(parameters=two)
    return function


# defaults of signatures
ADAGRAD_RATE = Default(0.01, 0.001)
ADADELTA_RATE = Default(1.0, 0.001)
ADAMAX_RATE = Default(0.002, 0.001)
NADAM_RATE = Default(0.002, 0.001)
NADAM_SCHEDULE_DECAY = Default(0.004, 1.0)
ADAGRAD_FIRST_ACCUMULATOR = Default(0.0, 0.1)
L1_L2_FACTOR = Default(0.01, 0.0)
RECURRENT_ACTIVATION = DefaultWord('hard_sigmoid', 'sigmoid')
RESET_AFTER = DefaultWhole(False, True)
SHOW_LAYER_NAMES = DefaultWhole(True, False)    # in pictures of models
IMPLEMENTATION = DefaultWhole(1, 2)         # Keras 3 takes the argument, though its signature does not say so
ONE_AXIS_FORMAT = DefaultWord('channels_last', None)    # None: the setting


# ---- the table as a page
_PAGE = """# Generations

Keras 2.2.4 and Keras 3 differ in what this table says. `config.set_generation(…)`, or the environment variable
FASTKERAS_GENERATION, chooses whose side is taken:

- `2`, the default: Keras 2.2.4's, but in the rows of which it says Keras 3 below.
- `'2.2.4'`: Keras 2.2.4's in every row that changes a number or the meaning of a call, so that the numbers of an old program
  come back. `tests/parity/test_strict.py` compares 20 steps of training with losses that Keras 2.2.4 gave.
- `3`: Keras 3's.

It counts for what is made, compiled or traced from then on: set it at the start of a program. Files are read by the rules of
their writer. "both": the words of both are understood, in every generation, where they can be told apart. Keras 2.2.4 runs the
code of Lambda layers that stands in a file; nothing does here unless `safe_mode=False` is said, for a file is data, and
whoever wrote it must not run code in the program that reads it.
"""


def page():
    """The text of docs/generations.md."""
    lines, area = [_PAGE], None
    for row in DIFFERENCES:
        if row.area != area:
            area = row.area
            lines += [f'## {area.capitalize()}', '| | Keras 2.2.4 | Keras 3 | 2 | 3 | \'2.2.4\' |', '|---|---|---|---|---|---|']
        elif lines[-1] == '':
            lines.pop()
        lines += [f'| {row.item} | {row.keras2} | {row.keras3} | {row.side(2)} | {row.side(3)} | {row.side("2.2.4")} |', '']
    return '\n'.join(lines)


if __name__ == '__main__':
    print(page(), end='')
