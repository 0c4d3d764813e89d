"""What the environment asks of the engine."""

import os

from .errors import warn


def asked_blocks(ranges):
    """What FASTKERAS_BLOCKS asks for, as 'kc=256,mc=72': [(number of the block size, its value)]. ranges: {name: (lowest,
    highest, multiple, meaning)} of those there are, in their order.

    Raises ValueError for what cannot be taken."""
    text, found = os.environ.get('FASTKERAS_BLOCKS', ''), {}
    for part in filter(None, (word.strip() for word in text.split(','))):
        name, _, number = (word.strip() for word in part.partition('='))
        if name not in ranges:
            raise ValueError(f"FASTKERAS_BLOCKS: expected NAME=NUMBER,… with names of {', '.join(ranges)}; got {part!r}")
        lowest, highest, multiple, meaning = ranges[name]
        if not (number.isdecimal() and lowest <= int(number) <= highest and int(number) % multiple == 0):
            kind = f'a multiple of {multiple}' if multiple > 1 else 'a whole number'
            raise ValueError(f'FASTKERAS_BLOCKS: {name} ({meaning}): expected {kind} from {lowest} to {highest}, got {part!r}')
        if name in found:
            raise ValueError(f'FASTKERAS_BLOCKS: expected {name} once, got {text!r}')
        found[name] = int(number)
    return [(i, found[name]) for i, name in enumerate(ranges) if name in found]


def check_engine(available, isa, threads):
    """Warn of a FASTKERAS_ISA and a FASTKERAS_NUM_THREADS that are passed over. available: the instruction sets that there
    are; isa, threads: what is in force."""
    name, number = os.environ.get('FASTKERAS_ISA'), os.environ.get('FASTKERAS_NUM_THREADS')
    if name and name != isa:
        warn(f'FASTKERAS_ISA: expected one of {available}, got {name!r}; {isa!r} is used', RuntimeWarning)
    if number and not (number.isdecimal() and int(number)):
        warn(f'FASTKERAS_NUM_THREADS: expected a whole number of at least 1, got {number!r}; {threads} is used',
             RuntimeWarning)
