"""Problems that `validate_directory` finds, and what it does not take for any."""

import os
import warnings
import zipfile

import pytest
from PIL import Image

from fastkeras.preprocessing.image import DirectoryIterator, ImageFileError, validate_directory
from tests.artifacts import artifact
from tests.preprocessing.image.pictures import folder, save


def found(directory, **how):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        problems = validate_directory(directory, **how)
    assert problems == sorted(problems)
    return {os.path.relpath(p.path, directory): (p.cause, p.is_error) for p in problems}


def test_nothing_is_wrong(tmp_path):
    assert validate_directory(folder(tmp_path)) == []


def test_files_that_cannot_be_read(tmp_path):
    folder(tmp_path)
    whole = save(tmp_path / 'cat/cut.jpg', height=99, width=99).read_bytes()
    (tmp_path / 'cat/cut.jpg').write_bytes(whole[:len(whole) // 2])
    (tmp_path / 'cat/empty.png').write_bytes(b'')
    (tmp_path / 'dog/page.jpg').write_text('<html></html>')
    (tmp_path / 'dog/noise.png').write_bytes(save(tmp_path / 'dog/x.png').read_bytes()[:40] + b'x' * 50)
    problems = found(tmp_path)
    causes = {'cat/cut.jpg': 'truncated', 'cat/empty.png': 'empty', 'dog/page.jpg': 'not an image', 'dog/noise.png': ''}
    assert set(problems) == set(causes)
    for name, cause in causes.items():
        assert cause in problems[name][0] and problems[name][1]
    assert {k for k, v in found(tmp_path, classes=['dog']).items()} == {'dog/page.jpg', 'dog/noise.png'}
    # all of them, and only they, are errors to the iterator
    own = DirectoryIterator(tmp_path, None, target_size=(8, 8), on_error='skip', batch_size=50)
    next(own)
    assert {os.path.relpath(p, tmp_path) for p in own.errors} == set(causes)


def test_large_images(tmp_path, monkeypatch):
    save(tmp_path / 'a/1.png', height=30, width=30)
    save(tmp_path / 'a/2.png', height=20, width=20)
    save(tmp_path / 'a/3.png', height=10, width=10)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 300)
    problems = found(tmp_path)
    assert problems['a/1.png'][1] and 'MAX_IMAGE_PIXELS' in problems['a/1.png'][0]
    assert problems['a/2.png'][1] and '20 × 20 pixels, more than 300; if the file is trusted' in problems['a/2.png'][0]
    assert len(problems) == 2
    with pytest.raises(ImageFileError, match='[12].png.*MAX_IMAGE_PIXELS'):
        next(DirectoryIterator(tmp_path, None, target_size=(8, 8)))


def test_what_is_read_or_left_out_all_the_same(tmp_path):
    save(tmp_path / 'a/1.png')
    save(tmp_path / 'x.png').rename(tmp_path / 'a/2.jpg')
    save(tmp_path / 'beside.png')
    save(tmp_path / '.hidden/1.png')
    (tmp_path / 'a/notes.txt').write_text('x')
    (tmp_path / 'a/.DS_Store').write_text('x')
    (tmp_path / 'none').mkdir()
    problems = found(tmp_path)
    assert {k: v[0].split(':')[0] for k, v in problems.items()} == {
        'a/2.jpg': 'its content is PNG, but its name says JPEG', 'beside.png': 'left out', 'a/notes.txt': 'left out',
        'none': 'there are no images of this class'}
    assert not any(is_error for _, is_error in problems.values())
    assert str(validate_directory(tmp_path)[0]).startswith(str(tmp_path / 'a/2.jpg') + ': ')
    assert DirectoryIterator(tmp_path, None).filenames == ['a/1.png', 'a/2.jpg']


def test_wrong_arguments(tmp_path):
    with pytest.raises(FileNotFoundError):
        validate_directory(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='color_mode'):
        validate_directory(tmp_path, color_mode='cmyk')


def test_the_cats_and_dogs(tmp_path):
    with zipfile.ZipFile(artifact('data/cats_dogs_200_80.zip')) as archive:
        archive.extractall(tmp_path)
    assert found(tmp_path / 'data/train') == {}
