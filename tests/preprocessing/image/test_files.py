"""Images between files, Pillow and arrays."""

import io
import os
import pickle
import warnings

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from fastkeras import config
from fastkeras.preprocessing import image
from fastkeras.preprocessing.image import ImageFileError, array_to_img, img_to_array, load_img, save_img

RNG = np.random.RandomState(3)
PIXELS = RNG.randint(0, 256, (23, 31, 3), 'uint8')


def files(folder):
    """One file of each kind that Pillow has a mode for."""
    rgb = Image.fromarray(PIXELS)
    deep = Image.fromarray(RNG.randint(0, 60000, (23, 31)).astype('uint16'))
    made = {'rgb.png': rgb, 'rgb.jpg': rgb, 'rgb.bmp': rgb, 'rgb.ppm': rgb, 'rgb.tif': rgb, 'gray.png': rgb.convert('L'),
            'gray.jpg': rgb.convert('L'), 'rgba.png': rgb.convert('RGBA'), 'palette.png': rgb.convert('P'),
            'palette.gif': rgb.convert('P'), 'bits.png': rgb.convert('1'), 'la.png': rgb.convert('LA'),
            'cmyk.jpg': rgb.convert('CMYK'), 'deep.png': deep, 'deep.tif': deep,
            'int.tif': Image.fromarray(RNG.randint(0, 99999, (23, 31)).astype('int32')),
            'float.tif': Image.fromarray(RNG.rand(23, 31).astype('float32') * 300)}
    for name, picture in made.items():
        picture.save(folder / name)
    return sorted(made)


@pytest.mark.parametrize('color_mode', ['rgb', 'rgba', 'grayscale'])
def test_every_kind_of_file_as_keras_preprocessing(tmp_path, color_mode):
    theirs = pytest.importorskip('keras_preprocessing.image')
    for name in files(tmp_path):
        for size, interpolation in ((None, 'nearest'), ((10, 14), 'nearest'), ((40, 20), 'bilinear'), ((9, 9), 'bicubic'),
                                    ((9, 50), 'hamming'), ((12, 12), 'box'), ((30, 8), 'lanczos')):
            wanted = theirs.load_img(tmp_path / name, color_mode=color_mode, target_size=size, interpolation=interpolation)
            got = load_img(tmp_path / name, color_mode=color_mode, target_size=size, interpolation=interpolation)
            assert got.mode == wanted.mode and got.size == wanted.size
            for layout in ('channels_last', 'channels_first'):
                a = img_to_array(got, layout)
                assert a.dtype == np.float32 and a.flags.writeable
                np.testing.assert_array_equal(a, theirs.img_to_array(wanted, layout), err_msg=name)


def test_load_img_takes_the_arguments_of_both_generations(tmp_path):
    path = tmp_path / 'a.png'
    save_img(path, PIXELS, scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(str(path))), PIXELS)
    np.testing.assert_array_equal(img_to_array(load_img(os.fsencode(path))), PIXELS)
    np.testing.assert_array_equal(img_to_array(load_img(io.BytesIO(path.read_bytes()))), PIXELS)
    wanted = np.asarray(Image.open(path).convert('L').resize((7, 5), Image.Resampling.BILINEAR))
    with pytest.warns(UserWarning, match='grayscale'):
        calls = [load_img(path, True, 'rgb', (5, 7), 'bilinear')]
    calls += [load_img(path, 'grayscale', (5, 7), 'bilinear'), load_img(path, 'grayscale', (5, 7), 'bilinear', False),
              load_img(path, 'grayscale', (5, 7), interpolation='bilinear'),
              load_img(path, 'grayscale', target_size=[5, 7], interpolation='bilinear'),
              load_img(path, False, 'grayscale', (5, 7), 'bilinear')]
    for call in calls:
        np.testing.assert_array_equal(np.asarray(call), wanted)
    assert load_img(path, 'rgb', None, 'bilinear', True).size == (31, 23)
    with pytest.raises(TypeError, match='target_size is given twice'):
        load_img(path, 'rgb', (5, 7), (5, 7))
    with pytest.raises(TypeError, match='color_mode is given twice'):
        load_img(path, 'rgb', color_mode='rgba')
    with pytest.raises(TypeError, match='expected path'):
        load_img(3)


def test_keep_aspect_ratio_cuts_about_the_centre(tmp_path):
    path = tmp_path / 'a.png'
    save_img(path, PIXELS, scale=False)
    # 31 × 23 to the proportions of 10 × 20 (width × height): 11 × 23, from column 10 on
    wanted = Image.fromarray(PIXELS).resize((10, 20), Image.Resampling.BILINEAR, box=(10, 0, 21, 23))
    got = load_img(path, target_size=(20, 10), interpolation='bilinear', keep_aspect_ratio=True)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))
    assert got == load_img(path, 'rgb', (20, 10), 'bilinear', True)


def test_wrong_arguments(tmp_path):
    path = tmp_path / 'a.png'
    save_img(path, PIXELS)
    for kwargs, message in (({'color_mode': 'bgr'}, "color_mode 'grayscale', 'rgb' or 'rgba', got 'bgr'"),
                            ({'target_size': 3}, 'two positive whole numbers'),
                            ({'target_size': (3, 0)}, 'two positive whole numbers'),
                            ({'target_size': (3, 2.5)}, 'two positive whole numbers'),
                            ({'target_size': (3, 3), 'interpolation': 'cubic'}, "'bicubic'.*, got 'cubic'")):
        with pytest.raises(ValueError, match='load_img: expected .*' + message):
            load_img(path, **kwargs)
    with pytest.raises(ValueError, match='img_to_array.*data_format'):
        img_to_array(load_img(path), data_format='last')
    for bad in (np.zeros((3, 3)), np.zeros((0, 3, 3)), np.zeros((1, 3, 3, 3)), np.zeros((3, 3, 2))):
        with pytest.raises(ValueError, match='array_to_img: expected .*, got'):
            array_to_img(bad)


def test_files_that_are_no_images(tmp_path, monkeypatch):
    def check(path, cause, kind=ImageFileError):
        with pytest.raises(kind, match=cause) as caught:
            load_img(path)
        assert os.fspath(path) in str(caught.value)
        return caught.value

    photo = io.BytesIO()
    Image.fromarray(RNG.randint(0, 256, (200, 200, 3), 'uint8')).save(photo, 'JPEG')
    (tmp_path / 'empty.png').write_bytes(b'')
    error = check(tmp_path / 'empty.png', 'the file is empty')
    assert isinstance(error, OSError) and isinstance(error, UnidentifiedImageError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.path, again.cause, str(again)) == (error.path, error.cause, str(error))
    (tmp_path / 'text.jpg').write_text('no image')
    check(tmp_path / 'text.jpg', 'not an image of a known format')
    (tmp_path / 'cut.jpg').write_bytes(photo.getvalue()[:5000])
    check(tmp_path / 'cut.jpg', 'broken or truncated')
    Image.fromarray(RNG.randint(0, 256, (200, 200, 3), 'uint8')).save(tmp_path / 'whole.png')
    (tmp_path / 'cut.png').write_bytes((tmp_path / 'whole.png').read_bytes()[:5000])
    check(tmp_path / 'cut.png', 'broken or truncated')
    check(tmp_path, 'a folder')
    check(tmp_path / 'none.png', 'No such file', FileNotFoundError)
    os.mkfifo(tmp_path / 'pipe.png')
    check(tmp_path / 'pipe.png', 'not a regular file')
    (tmp_path / 'png.jpg').write_bytes((tmp_path / 'whole.png').read_bytes())
    assert load_img(tmp_path / 'png.jpg').size == (200, 200)
    with open(tmp_path / 'large.jpg', 'wb') as file:       # mostly a hole
        file.truncate(1 << 40)
    check(tmp_path / 'large.jpg', 'not an image of a known format')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10000)
    check(tmp_path / 'whole.png', 'raise PIL.Image.MAX_IMAGE_PIXELS')


def test_more_pixels_than_the_limit_are_an_error_not_a_warning(tmp_path, monkeypatch):
    """But a photograph of which a small draft is decoded may be larger."""
    from fastkeras.preprocessing.image.reading import read_image
    Image.new('RGB', (400, 400)).save(tmp_path / 'a.png')
    Image.new('RGB', (400, 400)).save(tmp_path / 'a.jpg')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 400 * 400 - 1)
    for name in ('a.png', 'a.jpg'):
        with pytest.warns(Image.DecompressionBombWarning), \
                pytest.raises(ImageFileError, match=f'{name}.*400 × 400 pixels, more than 159999; .*MAX_IMAGE_PIXELS'):
            load_img(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with pytest.raises(ImageFileError, match='raise PIL.Image.MAX_IMAGE_PIXELS'):
            load_img(tmp_path / 'a.png')
    with pytest.warns(Image.DecompressionBombWarning):
        assert read_image(tmp_path / 'a.jpg', 'rgb', (50, 50), 2, draft=2).shape == (50, 50, 3)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', None)
    assert load_img(tmp_path / 'a.png').size == (400, 400)


def test_decoders_are_chosen_by_the_ending(tmp_path):
    """The common ones read any file, others only those that are called so."""
    picture = Image.fromarray(PIXELS)
    made = {}
    for kind in ('PNG', 'JPEG', 'BMP', 'PPM', 'GIF', 'TIFF', 'WEBP', 'PCX', 'SGI', 'EPS', 'TGA', 'MPO'):
        buffer = io.BytesIO()
        picture.save(buffer, kind, **({'save_all': True, 'append_images': [picture]} if kind == 'MPO' else {}))
        made[kind] = buffer.getvalue()
    common = {'PNG', 'JPEG', 'BMP', 'PPM', 'GIF'}
    more = {'.png': set(), '.txt': set(), '.jpg': {'MPO'}, '.tif': {'TIFF'}, '.TIFF': {'TIFF'}, '.webp': {'WEBP'},
            '.tga': {'TGA'}, '.eps': set(), '.pcx': set(), '': {'TIFF', 'WEBP', 'MPO'}}
    for ending, allowed in more.items():
        for kind, data in made.items():
            path = tmp_path / f'picture{ending}'
            path.write_bytes(data)
            if kind in common | allowed:
                assert load_img(path).size == picture.size
            else:
                with pytest.raises(ImageFileError, match='not an image of a known format'):
                    load_img(path)
    for kind in ('PNG', 'TIFF', 'WEBP'):
        assert load_img(io.BytesIO(made[kind])).size == picture.size
    with pytest.raises(ImageFileError, match='not an image of a known format'):
        load_img(io.BytesIO(made['EPS']))


def test_random_damage_ends_in_an_image_or_the_error(tmp_path):
    rng = np.random.RandomState(0)
    for name in files(tmp_path):
        data = np.frombuffer((tmp_path / name).read_bytes(), 'uint8')
        for _ in range(12):
            broken = data.copy()
            broken[rng.randint(0, len(data), 8)] = rng.randint(0, 256, 8)
            (tmp_path / 'broken').write_bytes(broken[:rng.randint(1, len(data) + 1)].tobytes())
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                try:
                    assert load_img(tmp_path / 'broken', target_size=(8, 8)).size == (8, 8)
                except ImageFileError as error:
                    assert error.cause


def test_array_to_img_as_keras_preprocessing():
    theirs = pytest.importorskip('keras_preprocessing.image')
    rng = np.random.RandomState(1)
    for channels in (1, 3, 4):
        for scale in (True, False):
            for x in (rng.rand(5, 6, channels) * 255, rng.randint(0, 256, (5, 6, channels)), rng.rand(5, 6, channels),
                      np.full((5, 6, channels), 7.0)):
                got, wanted = array_to_img(x, scale=scale), theirs.array_to_img(x, scale=scale)
                assert got.mode == wanted.mode
                np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))
                np.testing.assert_array_equal(np.asarray(array_to_img(x.transpose(2, 0, 1), 'channels_first', scale)),
                                              np.asarray(wanted))
    deep = rng.randint(0, 60000, (5, 6, 1))
    assert array_to_img(deep, scale=False).mode == 'I'
    np.testing.assert_array_equal(np.asarray(array_to_img(deep, scale=False)), deep[:, :, 0])


def test_array_to_img_cuts_what_no_pixel_can_be():
    x = np.array([-3.0, 0.9, 255.9, 300.0])[:, None, None] * np.ones((1, 1, 3))
    np.testing.assert_array_equal(np.asarray(array_to_img(x, scale=False))[:, 0, 0], [0, 0, 255, 255])
    np.testing.assert_array_equal(np.asarray(array_to_img(np.array([[[0], [2]]]), dtype='uint8')), [[0, 255]])


def test_layouts_follow_the_setting_and_keras_1(tmp_path):
    config.set_image_data_format('channels_first')
    try:
        first = img_to_array(Image.fromarray(PIXELS))
        assert first.shape == (3, 23, 31) and array_to_img(first).size == (31, 23)
        save_img(tmp_path / 'a.png', first, scale=False)
    finally:
        config.set_image_data_format('channels_last')
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / 'a.png')), PIXELS)
    with pytest.warns(UserWarning, match='img_to_array'):
        np.testing.assert_array_equal(img_to_array(load_img(tmp_path / 'a.png'), dim_ordering='th'), first)
    with pytest.warns(UserWarning, match='array_to_img'):
        assert array_to_img(x=first, dim_ordering='th').size == (31, 23)
    assert img_to_array(load_img(tmp_path / 'a.png'), 'th').shape == (3, 23, 31)
    assert img_to_array(load_img(tmp_path / 'a.png'), dtype='uint8').dtype == np.uint8


def test_save_img_formats(tmp_path):
    rgba = np.concatenate([PIXELS, PIXELS[:, :, :1]], 2)
    for name in ('a.jpg', 'a.JPEG'):
        with pytest.warns(UserWarning, match='no transparency'):
            save_img(tmp_path / name, rgba, quality=95)
        assert Image.open(tmp_path / name).format == 'JPEG' and Image.open(tmp_path / name).mode == 'RGB'
    save_img(str(tmp_path / 'b.x'), rgba, file_format='png', scale=False)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / 'b.x')), rgba)
    buffer = io.BytesIO()
    save_img(buffer, PIXELS, file_format='jpg')
    assert Image.open(io.BytesIO(buffer.getvalue())).format == 'JPEG'
    with pytest.raises(ValueError, match='unknown file extension'):
        save_img(tmp_path / 'c', PIXELS)


def test_names():
    assert {'load_img', 'save_img', 'img_to_array', 'array_to_img', 'list_pictures'} <= set(dir(image))
    for name in image.__all__:
        assert getattr(image, name) is not None
    with pytest.raises(AttributeError, match='lod_img'):
        _ = image.lod_img
    from fastkeras import utils
    assert utils.load_img is load_img and utils.array_to_img is array_to_img
