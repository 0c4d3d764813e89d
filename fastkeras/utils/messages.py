"""Where the messages of a run go: to standard output, or to Python's log."""

import logging
import sys

from fastkeras import config

_log = logging.getLogger('fastkeras')


def print_msg(message, line_break=True):
    """Write a message to standard output, with a line end unless line_break is False; or, after
    `config.disable_interactive_logging()`, to the logger 'fastkeras' as INFO. It goes there as well where standard output
    cannot take it (None, closed, a pipe that nobody reads): a run does not end for want of somebody to talk to.
    """
    if config.is_interactive_logging_enabled() and _written(f'{message}\n' if line_break else str(message)):
        return
    _log.info(str(message).strip('\b\r\n '))


def _written(text):
    """Whether standard output took the text."""
    out = sys.stdout
    if out is None:
        return False
    try:
        try:
            out.write(text)
        except UnicodeEncodeError:      # a name that the encoding of the terminal does not have
            out.write(text.encode('ascii', 'backslashreplace').decode())
        out.flush()
    except (OSError, ValueError):       # ValueError: it is closed
        return False
    return True


def on_terminal():
    """Whether standard output is a terminal, where text can be written over."""
    try:
        return bool(sys.stdout.isatty())
    except (AttributeError, OSError, ValueError):
        return False
