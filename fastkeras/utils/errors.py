"""What is said to a user who erred: warnings that point to the line that he wrote, and the names he may have meant.

It imports nothing of the package, so that every part may use it.
"""

import difflib
import sys
import warnings

# what stands between our frames without having called us: generators that are closed, decorators, imports
_BETWEEN = ('contextlib', 'functools', 'importlib', 'threading', 'concurrent')


def warn(message, category=UserWarning):
    """Give a warning that points to the innermost line outside of the package, however deep inside it is given."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    names = frame.f_globals
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, names.get('__name__', '<string>'),
                           names.setdefault('__warningregistry__', {}))


def _is_ours(frame):
    package = frame.f_globals.get('__name__', '').split('.')[0]
    return package == 'fastkeras' or package in _BETWEEN or frame.f_code.co_filename.startswith('<frozen importlib')


def nearest(name, names, n=3):
    """Text that offers the known names closest to a wrong one, or lists them when they are few."""
    names = sorted({str(k) for k in names})
    close = difflib.get_close_matches(str(name), names, n=n, cutoff=0.6)
    if not close:                           # perhaps of the other spelling: maxPooling, max_pooling
        plain = {k.lower().replace('_', ''): k for k in names}
        wanted = str(name).lower().replace('_', '')
        close = [plain[k] for k in difflib.get_close_matches(wanted, plain, n=n, cutoff=0.6)]
    if close:
        return 'did you mean ' + ' or '.join(map(repr, close)) + '?'
    return 'known are ' + ', '.join(names[:30]) + (', ….' if len(names) > 30 else '.')
