"""audio_dataset_from_directory. The order of files and labels is that of images and texts, which test_datasets compares with
Keras."""

import wave

import numpy as np
import pytest

from fastkeras import layers
from fastkeras.models import Sequential
from fastkeras.preprocessing.audio_dataset import read_wav, resampled
from fastkeras.utils import audio_dataset_from_directory


def write(path, samples, width=2, rate=8000):
    """samples: whole numbers (n, channels)."""
    path.parent.mkdir(exist_ok=True)
    data = (samples + 128).astype(np.uint8) if width == 1 else samples.astype('<i4')
    data = data if width in (1, 4) else data.view(np.uint8).reshape(*samples.shape, 4)[..., :width]
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(data).tobytes())


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('sounds')
    rng = np.random.default_rng(4)
    for label, count in (('no', 5), ('yes', 4)):
        for k in range(count):
            write(root / label / f'{k}.wav', rng.integers(-2 ** 15, 2 ** 15, (6 + 2 * k, 2)))
    return root


def read(root, label, k):
    with wave.open(str(root / label / f'{k}.wav')) as file:
        return np.frombuffer(file.readframes(1000), '<i2').reshape(-1, 2) / 2 ** 15


def test_batches_are_filled_up(folder, capsys):
    data = audio_dataset_from_directory(folder, batch_size=4, shuffle=False)
    assert 'Found 9 files belonging to 2 classes.' in capsys.readouterr().out
    assert data.class_names == ['no', 'yes'] and len(data) == 3
    batches = list(data)
    assert [x.shape for x, _ in batches] == [(4, 12, 2), (4, 14, 2), (1, 12, 2)]
    assert [y.tolist() for _, y in batches] == [[0, 0, 0, 0], [0, 1, 1, 1], [1]]
    x = batches[0][0]
    assert x.dtype == np.float32
    for k in range(4):
        np.testing.assert_array_equal(x[k, :6 + 2 * k], read(folder, 'no', k).astype(np.float32))
        assert not x[k, 6 + 2 * k:].any()


def test_lengths_labels_and_parts(folder):
    data = audio_dataset_from_directory(folder, label_mode='categorical', batch_size=9, output_sequence_length=8, seed=3)
    (x, y), = data
    assert x.shape == (9, 8, 2) and y.sum(0).tolist() == [5, 4]
    x, = audio_dataset_from_directory(folder, labels=None, batch_size=9, shuffle=False, ragged=True)
    assert [len(s) for s in x] == [6, 8, 10, 12, 14, 6, 8, 10, 12]
    train, test = audio_dataset_from_directory(folder, label_mode='binary', validation_split=0.3, subset='both', seed=1)
    assert len(train.file_paths) == 7 and len(test.file_paths) == 2 and next(iter(test))[1].shape == (2, 1)
    single = audio_dataset_from_directory(folder, batch_size=None, shuffle=False)[0]
    assert single[0].shape == (6, 2) and single[1] == 0
    half = audio_dataset_from_directory(folder, batch_size=3, shuffle=False, sampling_rate=4000)
    assert half[0][0].shape == (3, 5, 2)


def test_training_on_sounds(folder):
    data = audio_dataset_from_directory(folder, batch_size=4, output_sequence_length=16, seed=1)
    model = Sequential([layers.Input((16, 2)), layers.STFTSpectrogram(frame_length=8), layers.Flatten(), layers.Dense(1)])
    model.compile('adam', 'mse')
    assert model.fit(data, epochs=2, verbose=0).history['loss'][1] > 0


@pytest.mark.parametrize('width', [1, 2, 3, 4])
def test_widths_of_samples(tmp_path, width):
    largest = 2 ** (8 * width - 1)
    samples = np.array([[-largest], [0], [largest // 2], [largest - 1]], np.int64)
    write(tmp_path / 'x.wav', samples, width, 11025)
    x, rate = read_wav(tmp_path / 'x.wav')
    assert rate == 11025 and x.dtype == np.float32
    np.testing.assert_allclose(x, samples / largest, rtol=1e-6)


@pytest.mark.parametrize('rate, new', [(8000, 16000), (16000, 8000), (44100, 16000), (8000, 11025)])
def test_a_tone_at_another_rate(rate, new):
    seconds = np.arange(rate // 4) / rate
    tone = np.stack([np.sin(2 * np.pi * 440 * seconds), np.cos(2 * np.pi * 1000 * seconds)], 1).astype(np.float32)
    y = resampled(tone, rate, new)
    assert len(y) == -(-len(tone) * new // rate) and y.dtype == np.float32
    t = np.arange(len(y)) / new
    want = np.stack([np.sin(2 * np.pi * 440 * t), np.cos(2 * np.pi * 1000 * t)], 1)
    inside = slice(len(y) // 4, -len(y) // 4)
    np.testing.assert_allclose(y[inside], want[inside], atol=2e-3)
    assert resampled(tone, rate, rate) is tone


def test_what_a_lower_rate_cannot_hold_is_left_out():
    tone = np.sin(2 * np.pi * 6000 * np.arange(4000) / 16000).astype(np.float32)[:, None]
    assert np.abs(resampled(tone, 16000, 8000)[500:-500]).max() < 2e-3


def test_mistakes(folder, tmp_path):
    for kwargs, message in (({'sampling_rate': 0}, 'sampling_rate must be None or a whole number of at least 1, got 0'),
                            ({'output_sequence_length': 'x'}, "output_sequence_length must be None or .*, got 'x'"),
                            ({'ragged': True, 'output_sequence_length': 3}, 'exclude each other'),
                            ({'label_mode': 'x'}, "label_mode must be 'int'")):
        with pytest.raises(ValueError, match=message):
            audio_dataset_from_directory(folder, **kwargs)
    with pytest.raises(FileNotFoundError):
        audio_dataset_from_directory(tmp_path / 'none')
    write(tmp_path / 'a' / '1.wav', np.zeros((4, 1)))
    write(tmp_path / 'a' / '2.wav', np.zeros((4, 2)))
    with pytest.raises(ValueError, match='expected sounds with one number of channels, got 1 in .*1.wav'):
        audio_dataset_from_directory(tmp_path, shuffle=False)[0]
    (tmp_path / 'a' / '1.wav').write_bytes(b'RIFF....')
    with pytest.raises(ValueError, match='cannot read .*1.wav.*expected a WAV file'):
        audio_dataset_from_directory(tmp_path, shuffle=False)[0]
