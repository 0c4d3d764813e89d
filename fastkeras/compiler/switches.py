"""What the environment says of compiling: passes that are switched off, and what is to be printed or checked."""

import os


def disabled():
    """Names of passes that FASTKERAS_DISABLE switches off (comma separated)."""
    return {n for n in os.environ.get('FASTKERAS_DISABLE', '').split(',') if n}


def debug():
    """What FASTKERAS_DEBUG names (comma separated)."""
    return os.environ.get('FASTKERAS_DEBUG', '').split(',')
