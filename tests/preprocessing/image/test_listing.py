"""Which files of a folder are images, and of which classes."""

import os
import warnings

import pytest
from PIL import Image

import fastkeras
from fastkeras.preprocessing.image import list_pictures
from fastkeras.preprocessing.image.listing import EXTENSIONS, class_folders, files_of_class, walk


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')


def test_list_pictures(tmp_path):
    touch(tmp_path, 'b.PNG', 'a.jpg', 'c.txt', 'd/e.jpeg', 'd/f.tiff', 'g.jpgx', 'xjpg')
    names = [os.path.relpath(p, tmp_path) for p in list_pictures(tmp_path)]
    assert names == ['a.jpg', 'b.PNG', 'd/e.jpeg', 'd/f.tiff']
    assert [os.path.basename(p) for p in list_pictures(str(tmp_path), 'jpg|png')] == ['a.jpg', 'b.PNG']
    assert [os.path.basename(p) for p in list_pictures(tmp_path, ('.jpeg', 'txt'))] == ['c.txt', 'e.jpeg']
    theirs = pytest.importorskip('keras_preprocessing.image')
    touch(tmp_path, 'h.bmp')
    assert sorted(list_pictures(str(tmp_path))) == sorted(theirs.list_pictures(str(tmp_path)))


def test_classes_are_visible_folders_in_code_point_order(tmp_path):
    for name in ('b', 'B', 'a10', 'a9', 'é', 'z z', '.git', '.ipynb_checkpoints'):
        (tmp_path / name).mkdir()
    touch(tmp_path, 'file.png')
    (tmp_path / 'linked').symlink_to(tmp_path / 'b')
    (tmp_path / 'loop').symlink_to(tmp_path)
    (tmp_path / 'outer').symlink_to(tmp_path.parent)
    (tmp_path / 'self').symlink_to(tmp_path / 'self')
    assert class_folders(tmp_path) == ['B', 'a10', 'a9', 'b', 'linked', 'z z', 'é']
    with pytest.raises(FileNotFoundError, match='nowhere'):
        class_folders(tmp_path / 'nowhere')


def test_files_of_a_class_in_the_order_of_keras_preprocessing(tmp_path):
    theirs = pytest.importorskip('keras_preprocessing.image.utils')
    touch(tmp_path, *('c/' + n for n in ('2.png', '10.png', 'Z.JPG', 'a/1.png', 'a-b/1.png', 'a/b/0.bmp', 'a.png/x.tif',
                                         'é.png', 'skip.txt', 'a b.ppm')))
    names = files_of_class(tmp_path, 'c')
    assert names == theirs._list_valid_filenames_in_directory(
        str(tmp_path / 'c'), EXTENSIONS, None, {'c': 0}, False)[1]
    assert names[0] == 'c/10.png' and len(names) == 9


def test_only_regular_files_outside_hidden_folders(tmp_path):
    touch(tmp_path, 'c/1.png', 'c/.ipynb_checkpoints/1.png', 'c/sub/2.png')
    os.mkfifo(tmp_path / 'c/pipe.png')
    (tmp_path / 'c/gone.png').symlink_to(tmp_path / 'none')
    (tmp_path / 'c/linked.png').symlink_to(tmp_path / 'c/1.png')
    (tmp_path / 'c/circle.png').symlink_to(tmp_path / 'c/circle.png')
    assert files_of_class(tmp_path, 'c') == ['c/1.png', 'c/linked.png', 'c/sub/2.png']
    with pytest.warns(UserWarning, match="'d' has no folder"):
        assert files_of_class(tmp_path, 'd') == []
    assert files_of_class(tmp_path, 'c/sub') == ['c/sub/2.png']


def test_links_to_folders_are_followed_once_when_asked(tmp_path):
    touch(tmp_path, 'c/1.png', 'c/deep/2.png', 'other/3.png')
    (tmp_path / 'c/deep/up').symlink_to(tmp_path / 'c')
    (tmp_path / 'c/more').symlink_to(tmp_path / 'other')
    (tmp_path / 'other/back').symlink_to(tmp_path / 'c')
    assert files_of_class(tmp_path, 'c') == ['c/1.png', 'c/deep/2.png']
    assert files_of_class(tmp_path, 'c', follow_links=True) == ['c/1.png', 'c/deep/2.png', 'c/more/3.png']


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read any folder')
def test_folders_that_may_not_be_read_are_left_out(tmp_path):
    touch(tmp_path, 'c/1.png', 'c/closed/2.png')
    (tmp_path / 'c/closed').chmod(0)
    try:
        with pytest.warns(UserWarning, match='left out.*closed'):
            assert files_of_class(tmp_path, 'c') == ['c/1.png']
    finally:
        (tmp_path / 'c/closed').chmod(0o700)


def test_walk_visits_everything_else(tmp_path):
    Image.new('L', (2, 2)).save(tmp_path / 'a.png')
    touch(tmp_path, '.h/x.txt')
    assert walk(tmp_path) == [(str(tmp_path), ['a.png']), (str(tmp_path / '.h'), ['x.txt'])]


def test_folders_of_archivers_are_no_classes(tmp_path):
    for name in ('cats', '__MACOSX', '.cache', '@eaDir', 'cats/__MACOSX'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'a.png').write_bytes(b'')
    (tmp_path / 'cats' / '._a.png').write_bytes(b'')
    assert class_folders(tmp_path) == ['cats']
    assert files_of_class(tmp_path, 'cats') == [os.path.join('cats', 'a.png')]


@pytest.mark.parametrize('reader', [
    lambda f: fastkeras.preprocessing.image.ImageDataGenerator().flow_from_directory(f),
    lambda f: fastkeras.utils.image_dataset_from_directory(f), lambda f: fastkeras.utils.text_dataset_from_directory(f)])
def test_an_empty_class_is_warned_of(reader, tmp_path):
    for name in ('cats', 'dogs', 'mice'):
        (tmp_path / name).mkdir()
        if name != 'dogs':
            Image.new('RGB', (4, 4)).save(tmp_path / name / 'a.png')
            (tmp_path / name / 'a.txt').write_text('a')
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        reader(tmp_path)
    assert ["the class 'dogs' is empty" in str(w.message) for w in seen] == [True] and seen[0].filename == __file__
