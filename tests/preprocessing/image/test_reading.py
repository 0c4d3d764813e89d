"""Work on several files at once."""

import os
import threading
import time

import numpy as np
import pytest

from fastkeras import config
from fastkeras.preprocessing.image import reading
from fastkeras.preprocessing.image.files import ImageFileError
from tests.preprocessing.image.pictures import save


@pytest.fixture(params=[1, 3])
def threads(request):
    before = config.get_num_threads()
    config.set_num_threads(request.param)
    yield request.param
    config.set_num_threads(before)


def helpers():
    return [t for t in threading.enumerate() if t.name == 'fastkeras-images']


def test_results_are_in_the_order_of_the_items(threads):
    def slow(k):
        time.sleep(.01 * (5 - k % 5))
        return k * k, threading.get_ident()

    made = reading.each(slow, list(range(10)))
    assert [k for k, _ in made] == [k * k for k in range(10)]
    assert len({who for _, who in made}) <= threads and helpers() == []
    assert reading.each(slow, []) == []


def test_the_error_of_the_first_item_that_has_any_is_raised_and_ends_the_work(threads):
    seen = []

    def fails(k):
        seen.append(k)
        time.sleep(.002)
        if k in (4, 5):
            raise KeyError(k)
        return k

    with pytest.raises(KeyError, match='4'):
        reading.each(fails, list(range(1000)))
    assert len(seen) < 20 and helpers() == []


def test_no_more_threads_than_the_engine_may_use_in_all():
    before = config.get_num_threads()
    config.set_num_threads(3)
    most = []

    def count(k):
        most.append(len(helpers()))
        time.sleep(.005)

    try:
        callers = [threading.Thread(target=reading.each, args=(count, list(range(8)))) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    finally:
        config.set_num_threads(before)
    assert max(most) <= 2 and helpers() == []


def test_interrupts_leave_no_thread(threads):
    def work(k):
        time.sleep(.005)
        if k > 2 and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return k

    with pytest.raises(KeyboardInterrupt):
        reading.each(work, list(range(50)))
    assert helpers() == []


def test_read_all_leaves_out_what_cannot_be_read(tmp_path):
    paths = [str(save(tmp_path / f'{k}.png')) for k in range(4)]
    (tmp_path / '2.png').write_bytes(b'')
    os.remove(paths[1])

    def read(path):
        return reading.read_image(path, 'rgb', (6, 5), 0)

    with pytest.raises((ImageFileError, FileNotFoundError)):
        reading.read_all(read, paths, 'raise', {})
    errors = {}
    images, places = reading.read_all(read, paths, 'skip', errors)
    assert places == [0, 3] and [x.shape for x in images] == [(5, 6, 3)] * 2
    assert set(errors) == {paths[1], paths[2]} and 'empty' in errors[paths[2]]
    with pytest.warns(UserWarning, match='an image is left out') as warned:
        reading.read_all(read, paths, 'report', {})
    assert len(warned) == 2
    reading.read_all(read, paths, 'report', errors)       # known already: no warning


def test_too_many_open_files_say_nothing_about_an_image():
    def read(path):
        raise OSError(24, 'Too many open files')

    with pytest.raises(OSError, match='Too many open files'):
        reading.read_all(read, ['a.png'], 'skip', {})


def test_arguments():
    assert reading.checked_on_error('f', 'skip') == 'skip'
    with pytest.raises(ValueError, match="f: on_error must be 'raise', 'skip' or 'report', got 'pass'"):
        reading.checked_on_error('f', 'pass')
    drafts = [(None, 'nearest'), (None, 'bilinear'), (True, 'nearest'), (False, 'box')]
    assert [reading.draft_factor('f', *d) for d in drafts] == [0, 2, 1, 0]
    with pytest.raises(ValueError, match='f: draft must be None, True or False, got 2'):
        reading.draft_factor('f', 2, 'nearest')


def test_read_image_has_the_channels_where_it_is_told(tmp_path):
    path = save(tmp_path / 'a.png')
    last, first = (reading.read_image(path, 'rgb', first=f) for f in (False, True))
    np.testing.assert_array_equal(first, last.transpose(2, 0, 1))
    assert first.flags.c_contiguous and reading.read_image(path, 'grayscale').shape[2] == 1
    assert reading.read_image(path, 'grayscale', first=True).shape[0] == 1
