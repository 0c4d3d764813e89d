"""A look at all images of a folder before a training begins."""

import os
import warnings
from typing import NamedTuple

from PIL import Image

from fastkeras.preprocessing.image.files import ImageFileError, checked_color_mode, decode, name_of, open_image, open_regular
from fastkeras.preprocessing.image.listing import EXTENSIONS, class_folders, endings, walk
from fastkeras.preprocessing.image.reading import each

_SAME = {'MPO': 'JPEG'}         # several JPEGs in a file, as some cameras write: the first one is read


class ImageProblem(NamedTuple):
    """What is wrong with a file or a folder. is_error: whether a DirectoryIterator with on_error='raise' would raise an
    error for it; otherwise it leaves the file out, or reads it all the same."""

    path: str
    cause: str
    is_error: bool

    def __str__(self):
        return f'{self.path}: {self.cause}'


def validate_directory(directory, classes=None, follow_links=False, color_mode='rgb'):
    """All that is wrong with the images of a folder that has one folder for each class: a list of ImageProblem (path,
    cause, is_error), empty where there is nothing. Every image is read as a whole, several at once; no warning is given
    and nothing is changed.

    Errors are files that cannot be read: broken, truncated, empty, no images, of more than
    PIL.Image.MAX_IMAGE_PIXELS pixels, or that may not be opened. Besides, without is_error: images in another common format
    than their name says (they are read); files that are left out, for they have no known ending or lie in no class's folder
    (but for hidden ones); classes without images.

    directory, classes, follow_links, color_mode: as for `ImageDataGenerator.flow_from_directory`. Raises
    FileNotFoundError, NotADirectoryError.

        for problem in validate_directory('data/train'):
            print_msg(problem)
            if problem.is_error:
                os.remove(problem.path)
    """
    checked_color_mode('validate_directory', color_mode)
    directory = os.fspath(directory)
    last, paths, problems = endings(EXTENSIONS), [], []
    for path in (os.path.join(directory, name) for name in os.listdir(directory) if not name.startswith('.')):
        if not os.path.isdir(path):
            problems.append(ImageProblem(path, 'left out: it is in the folder of no class', False))
    for name in class_folders(directory) if classes is None else list(classes):
        folder, count = os.path.join(directory, name), 0
        for root, files in walk(folder, follow_links, hidden=False) if os.path.isdir(folder) else ():
            for file in files:
                path = os.path.join(root, file)
                if file.lower().endswith(last):
                    paths.append(path)
                    count += 1
                elif not file.startswith('.'):
                    problems.append(ImageProblem(path, f'left out: its name ends with none of {", ".join(last)}', False))
        if not count:
            problems.append(ImageProblem(folder, 'there are no images of this class', False))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        problems += filter(None, each(lambda path: _problem(path, color_mode), paths))
    return sorted(problems)


def _problem(path, color_mode):
    """The ImageProblem of one file, or None."""
    try:
        with open_regular(path) as file:
            known = _known_format(file, path)
            decode(file, name_of(path), color_mode)
    except ImageFileError as error:
        return ImageProblem(path, error.cause, True)
    except OSError as error:
        return ImageProblem(path, f'cannot be opened: {error.strerror or error}', True)
    expected = Image.registered_extensions().get(os.path.splitext(path)[1].lower())
    if expected != known:
        return ImageProblem(path, f'its content is {known}, but its name says {expected}', False)
    return None


def _known_format(file, path):
    """Pillow's name of the format of a file, None where it knows none."""
    try:
        found = open_image(file, name_of(path)).format
    except Exception:       # `decode` says what is wrong
        found = None
    file.seek(0)
    return _SAME.get(found, found)
