"""What is said of a file that nothing can be made of, whatever went wrong inside."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from fastkeras.utils.errors import ModelFileError


@contextlib.contextmanager
def of_file(name: Any, member: str | None = None) -> Any:
    """Errors inside the block begin with the name of the file (member: and of the part of it that is read).

    OSErrors of the system and MemoryErrors stay what they are, an ImportError of a package that is missing and warnings that
    were made errors too; all else becomes a ModelFileError: of whatever kind the error was that a wrong value led to, the file
    is to blame.
    """
    where = f'{name}, {member}' if member else f'{name}'
    try:
        yield
    except ModelFileError as error:
        if _said(error, name, member):
            raise
        raise ModelFileError(f'{where}: {error}') from error
    except MemoryError as error:
        raise error if _said(error, name, member) else MemoryError(f'{where}: {error}') from error
    except OSError as error:
        if error.errno is None:         # of HDF5, about what is in the file
            raise ModelFileError(f'{where}: it cannot be read: {error}') from error
        if _said(error, name, member):
            raise
        raise type(error)(error.errno, f'{where}: {error.strerror}') from error
    except (ImportError, Warning):
        raise
    except ValueError as error:
        raise ModelFileError(f'{error}' if _said(error, name, member) else f'{where}: {error}') from error
    except Exception as error:
        raise ModelFileError(f'{where}: it says what no model can be made of: {type(error).__name__}: {error}') from error


@contextlib.contextmanager
def of_configuration() -> Any:
    """Errors of what a configuration says are ValueErrors, and leave NumPy's random state as it was before the block."""
    before = np.random.get_state()
    try:
        yield
    except Exception as error:
        np.random.set_state(before)
        if isinstance(error, (ValueError, MemoryError, OSError, ImportError, Warning)):
            raise
        raise ModelFileError(f'the configuration says what no model can be made of: {type(error).__name__}: {error}') from error


def _said(error, name, member):
    return str(name) in str(error) and (not member or member in str(error))
