"""What HDF5 files hold, read with caution, for they may come from anywhere.

Nothing but the given file is opened: links to other files, and arrays that are kept in or put together from others, are
refused before they are followed. No array is read before its shape and type are known to be wanted.
"""

import json

import numpy as np

# deflate, shuffle, fletcher32, szip, nbit, scaleoffset, and lzf of h5py: any other would make HDF5 look for a plugin
_FILTERS = {1, 2, 3, 4, 5, 6, 32000}


def names(group):
    """The names in a group. (`in` would follow a link to see whether it leads anywhere.)"""
    return set(group)


def group_at(parent, name):
    """The group `name` of a group. ValueError where there is none."""
    found = _member(parent, name)
    if not hasattr(found, 'keys'):
        raise _damaged(parent, f'{name!r} is no group')
    return found


def array_at(parent, name):
    """The dataset `name` of a group, of which nothing is read yet. ValueError where there is none, and for one of other things
    than numbers."""
    found = _member(parent, name)
    if not hasattr(found, 'dtype') or not hasattr(found, 'shape'):
        raise _damaged(parent, f'{name!r} is no array')
    if found.dtype.kind not in 'fiub' or found.dtype.subdtype is not None or found.shape is None:
        raise _damaged(parent, f'{name!r} is an array of {found.dtype}, not of numbers')
    settings = found.id.get_create_plist()
    if settings.get_external_count() or found.is_virtual:
        raise _damaged(parent, f'the numbers of {name!r} are in another file, which is not opened')
    filters = {settings.get_filter(k)[0] for k in range(settings.get_nfilters())}
    if filters - _FILTERS:
        raise _damaged(parent, f'{name!r} is packed by the filters {sorted(filters - _FILTERS)}, which are not known')
    return found


def _member(parent, name):
    """What a path of hard links leads to."""
    found = parent
    for part in name.split('/'):
        if part in ('', '.'):
            continue
        try:
            link = found.get(part, getlink=True) if hasattr(found, 'keys') else None
        except KeyError:
            link = None
        if link is None:
            raise _damaged(parent, f'it lacks {name!r}')
        if type(link).__name__ != 'HardLink':
            raise _damaged(parent, f'{name!r} is a link to elsewhere, which is not followed')
        try:
            found = found[part]
        except (KeyError, OSError, RuntimeError) as error:
            raise _damaged(parent, f'{name!r} cannot be opened: {error}') from error
    return found


def _damaged(parent, text):
    return ValueError(f'the file is damaged, in the group {parent.name!r}: {text}')


# ---- attributes
def read_names(group, attribute):
    """The list of names that an attribute holds, or several numbered ones (legacy_h5.write_names); [] when there is none."""
    if attribute in group.attrs:
        return _names(group, attribute)
    found, part = [], 0
    while f'{attribute}{part}' in group.attrs:
        found += _names(group, f'{attribute}{part}')
        part += 1
    return found


def _names(group, attribute):
    value = np.asarray(_value(group, attribute))
    if value.ndim != 1 or value.size and value.dtype.kind not in 'SUO':
        raise _damaged(group, f'its {attribute!r} are no list of names')
    return [_text(group, attribute, v) for v in value.tolist()]


def text_of(group, attribute, default=None):
    """A text attribute, or the default."""
    return _text(group, attribute, _value(group, attribute)) if attribute in group.attrs else default


def _value(group, attribute):
    try:
        return group.attrs[attribute]
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise _damaged(group, f'its attribute {attribute!r} cannot be read: {error}') from error


def _text(group, attribute, value):
    """Also where it was stored as bytes. (h5py puts surrogates where a text is not in UTF-8.)"""
    try:
        value = value.decode('utf8') if isinstance(value, bytes) else value
        if isinstance(value, str):
            value.encode('utf8')
    except UnicodeError as error:
        raise _damaged(group, f'its attribute {attribute!r} is no text: {error}') from error
    if not isinstance(value, str):
        raise _damaged(group, f'its attribute {attribute!r} is no text but {type(value).__name__}')
    return value


def configuration(group, attribute):
    """The dictionary that a text attribute holds as JSON, None where there is no such attribute."""
    text = text_of(group, attribute)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(group, f'its attribute {attribute!r} is no JSON: {error}') from error
    if not isinstance(found, dict):
        raise _damaged(group, f'its attribute {attribute!r} is no dictionary but {type(found).__name__}')
    return found
