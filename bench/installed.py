"""Which fastkeras is run from a checkout: the one built in it, or else an installed one, which the folder `fastkeras/` of the
sources, without a compiled module, would hide."""
import sys
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def built(folder):
    """Whether a folder of the package has the compiled module."""
    return any((Path(folder) / f'_core{suffix}').exists() for suffix in EXTENSION_SUFFIXES)


def prefer_installed():
    """Put the checkout behind all other places where modules are looked for, if it is not built and an installed one is.
    Returns whether it was so."""
    others = [place for place in sys.path if Path(place or '.').resolve() != ROOT]
    found = None if built(ROOT / 'fastkeras') else PathFinder.find_spec('fastkeras', others)
    if found is None or not found.origin or not built(Path(found.origin).parent):
        return False
    sys.path[:] = [*others, str(ROOT)]
    return True


# where `python -c` finds the same one: its first place is the folder that it is started in
START = Path(__file__).parent if prefer_installed() else ROOT
