"""Which files of a folder are images, and of which classes: read once, in an order that every machine shares."""

import os

from fastkeras.utils.errors import warn

EXTENSIONS = ('png', 'jpg', 'jpeg', 'bmp', 'ppm', 'tif', 'tiff')
# folders that archivers and file systems put beside one's own, lower case
_OF_SYSTEMS = ('__macosx', '@eadir', '$recycle.bin', 'system volume information', 'lost+found', '__pycache__')


def walk(folder, follow_links=False, hidden=True):
    """(folder, names of its regular files), sorted by folder and name, for `folder` and all folders below it.

    Links to files are followed; links to folders with follow_links, and each folder is visited once, so that a loop of
    links ends. hidden=False: leave out folders whose name begins with a dot or that a system made (__MACOSX), and the
    files ._name in which macOS keeps what other file systems do not hold. What is no regular file (a pipe, a socket, a
    device, a dangling link) is left out, and so is, with a warning, a folder that may not be read.
    """
    found, seen, stack = [], set(), [os.fspath(folder)]
    while stack:
        root = stack.pop()
        if follow_links:
            status = os.stat(root)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
        names, below = [], []
        try:
            entries = list(os.scandir(root))
        except PermissionError as error:
            warn(f'a folder is left out: {error}')
            continue
        for entry in entries:
            if _is(entry.is_dir):
                if (follow_links or not entry.is_symlink()) and (hidden or not _is_hidden(entry.name)):
                    below.append(entry.path)
            elif _is(entry.is_file) and (hidden or not entry.name.startswith('._')):
                names.append(entry.name)
        found.append((root, sorted(names)))
        stack += sorted(below, reverse=True)
    return sorted(found)


def _is_hidden(folder):
    return folder.startswith('.') or folder.lower() in _OF_SYSTEMS


def _is(test):
    """What a test of a directory entry says; False for a link that leads to itself."""
    try:
        return test()
    except OSError:
        return False


def endings(extensions):
    """Lower-case endings, with their dots, for `str.endswith`. extensions: 'png', 'jpg|png', or several of them."""
    texts = extensions.split('|') if isinstance(extensions, str) else extensions
    return tuple('.' + text.lower().lstrip('.') for text in texts)


def validate_filename(filename, white_list_formats):
    """Whether a name ends as one of the formats says, such as ('png', 'jpg') in any case, and a file is there."""
    return os.fspath(filename).lower().endswith(endings(white_list_formats)) and os.path.isfile(filename)


def list_pictures(directory, ext=EXTENSIONS):
    """Paths of all pictures in `directory` and below it, sorted by folder and name.

    ext: one extension, several, or several in one text with bars, as in Keras 2.2.4: 'jpg|png'. Letter case does not
    matter. Source: keras-preprocessing, which gives them in the order of the file system.
    """
    last = endings(ext)
    return [os.path.join(root, name) for root, names in walk(directory) for name in names
            if name.lower().endswith(last)]


def class_folders(directory):
    """Sorted names of the folders in `directory` that are classes: neither hidden, nor made by a system (__MACOSX), nor a link
    to the directory itself or to one that holds it."""
    outer = os.path.realpath(directory)
    names = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if _is(entry.is_dir) and not _is_hidden(entry.name):
                inner = os.path.realpath(entry.path) if entry.is_symlink() else None
                if inner is None or os.path.commonpath([inner, outer]) != inner:
                    names.append(entry.name)
    return sorted(names)


def files_of_class(directory, name, extensions=EXTENSIONS, follow_links=False):
    """Sorted names, relative to `directory`, of the files of one class: those in the folder `name` and in all folders
    below it but hidden ones. Warns of a class without any."""
    folder = os.path.join(directory, name)
    if not os.path.isdir(folder):
        warn(f'the class {name!r} has no folder in {os.fspath(directory)!r}, so no images')
        return []
    last, found = endings(extensions), []
    for root, files in walk(folder, follow_links, hidden=False):
        below = os.path.join(name, os.path.relpath(root, folder)) if root != folder else name
        found += [os.path.join(below, file) for file in files if file.lower().endswith(last)]
    if not found:
        warn(f'the class {name!r} is empty: in {folder!r} no file name ends with {", ".join(last)}; labels count it all the '
             'same, so remove the folder if it is no class')
    return found
