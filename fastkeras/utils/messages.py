"""Where the messages of a run go: to standard output, or to Python's log."""

import logging
import sys

from fastkeras import config

_log = logging.getLogger('fastkeras')


def print_msg(message, line_break=True):
    """Write a message to standard output, with a line end unless line_break is False; or, after
    `config.disable_interactive_logging()`, to the logger 'fastkeras' as INFO.
    """
    if config.is_interactive_logging_enabled():
        sys.stdout.write(f'{message}\n' if line_break else str(message))
        sys.stdout.flush()
    else:
        _log.info(str(message).strip('\b\r\n '))
