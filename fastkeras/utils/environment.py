"""What the environment asks of the engine."""

import os

from .errors import warn


def check_engine(available, isa, threads):
    """Warn of a FASTKERAS_ISA and a FASTKERAS_NUM_THREADS that are passed over. available: the instruction sets that there
    are; isa, threads: what is in force."""
    name, number = os.environ.get('FASTKERAS_ISA'), os.environ.get('FASTKERAS_NUM_THREADS')
    if name and name != isa:
        warn(f'FASTKERAS_ISA: expected one of {available}, got {name!r}; {isa!r} is used', RuntimeWarning)
    if number and not (number.isdecimal() and int(number)):
        warn(f'FASTKERAS_NUM_THREADS: expected a whole number of at least 1, got {number!r}; {threads} is used',
             RuntimeWarning)
