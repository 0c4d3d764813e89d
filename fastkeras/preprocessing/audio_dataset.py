"""Sounds of a folder in batches, as Keras 3 has them: `audio_dataset_from_directory`."""

import math
import wave

import numpy as np

from fastkeras.preprocessing.indexed_batches import Batches
from fastkeras.preprocessing.labelled_folders import Arguments, encoded
from fastkeras.utils.quantities import as_whole

_FUNCTION = 'audio_dataset_from_directory'


def read_wav(path):
    """(samples of a WAV file of whole numbers, float32 (samples, channels) from -1 up to, not including, 1; samples per
    second). ValueError for a file that is none, or has samples of floats."""
    try:
        with wave.open(str(path), 'rb') as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f'{_FUNCTION}: cannot read {str(path)!r}: {error or "it ends early"}; expected a WAV file of whole '
                         f'numbers (PCM)') from None
    data = np.frombuffer(data[:len(data) // (width * channels) * width * channels], np.uint8)
    if width == 1:
        samples = (data.astype(np.float32) - 128) / 128
    elif width == 3:
        words = np.zeros((len(data) // 3, 4), np.uint8)
        words[:, 1:] = data.reshape(-1, 3)
        samples = (words.view('<i4')[:, 0] / 2.0 ** 31).astype(np.float32)
    else:
        samples = (data.view(f'<i{width}') / 2.0 ** (8 * width - 1)).astype(np.float32)
    return samples.reshape(-1, channels), rate


def resampled(x, rate, new_rate):
    """A sound (samples, channels) at another number of samples per second: ceil(samples · new_rate / rate) of them.

    Each is a sum of those around it, weighted by a sinc in a Kaiser window (beta 8.6, 16 zeros on each side), which
    lets through what is below half of the lower rate; before and after the sound is silence. Source: J. O. Smith,
    Digital Audio Resampling.
    """
    if rate == new_rate or not len(x):
        return x
    common = math.gcd(rate, new_rate)
    up, down = new_rate // common, rate // common
    cut = min(1.0, up / down)       # of the old rate's band
    reach = math.ceil(16 / cut)
    n = -(-len(x) * up // down)
    padded = np.pad(x.astype(np.float64), ((reach, reach + 1), (0, 0)))
    out = np.empty((n, x.shape[1]))
    offsets = np.arange(-reach, reach + 1)
    for phase in range(min(up, n)):      # all samples at one distance from the old ones have the same weights
        places = np.arange(phase, n, up) * down
        whole, share = places // up, (phase * down % up) / up
        t = offsets - share
        inside = np.clip(1 - (t / (reach + 1)) ** 2, 0, None)
        weights = cut * np.sinc(cut * t) * np.i0(8.6 * np.sqrt(inside)) / np.i0(8.6)
        weights /= weights.sum()
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
        out[phase::up] = windows[whole] @ weights
    return out.astype(np.float32)


class AudioDataset(Batches):
    """What `audio_dataset_from_directory` returns: batches of float32 sounds, or pairs (sounds, labels).

    Attributes: `class_names`, `file_paths` (in the order before the shuffle of each epoch), `labels` (class numbers, or
    None).
    """

    def __init__(self, file_paths, labels, class_names, label_mode, batch_size, shuffle, seed, sampling_rate, length, ragged):
        super().__init__(_FUNCTION, len(file_paths), batch_size, shuffle, seed)
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self._label_mode, self._rate, self._length, self._ragged = label_mode, sampling_rate, length, ragged

    def _batch(self, indices):
        sounds = [self._read(self.file_paths[i]) for i in indices]
        if self._ragged:
            x = np.empty(len(sounds), object)
            x[:] = sounds
        else:
            x = self._stacked(sounds, [self.file_paths[i] for i in indices])
        if self._label_mode is None:
            return x
        return x, encoded(self.labels[indices], self._label_mode, len(self.class_names))

    def _read(self, path):
        x, rate = read_wav(path)
        # as Keras: the length counts the samples of the file
        if self._length is not None:
            x = np.pad(x[:self._length], ((0, max(0, self._length - len(x))), (0, 0)))
        return x if self._rate is None else resampled(x, rate, self._rate)

    def _stacked(self, sounds, paths):
        """The sounds in one array, shorter ones with silence behind."""
        channels = {x.shape[1] for x in sounds}
        if len(channels) > 1:
            other = next(p for p, x in zip(paths, sounds) if x.shape[1] != sounds[0].shape[1])
            raise ValueError(f'{_FUNCTION}: expected sounds with one number of channels, got {sounds[0].shape[1]} in '
                             f'{str(paths[0])!r} and another in {str(other)!r}')
        out = np.zeros((len(sounds), max(map(len, sounds)), *channels), np.float32)
        for row, x in zip(out, sounds):
            row[:len(x)] = x
        return out


def audio_dataset_from_directory(directory, labels='inferred', label_mode='int', class_names=None, batch_size=32,
                                 sampling_rate=None, output_sequence_length=None, ragged=False, shuffle=True, seed=None,
                                 validation_split=None, subset=None, follow_links=False, verbose=True):
    """Batches of the sounds in a folder: a Sequence of x, or of (x, y), to be given to `fit`.

    directory: path. Files whose names end with .wav are read, of whole numbers (PCM) of 8 to 32 bits, sorted by folder
    and name. x is float32 (samples, length, channels) from -1 to 1. output_sequence_length: length to which the sounds
    of the files are cut, or filled up with silence; without it, a batch is as long as its longest. sampling_rate:
    samples per second that sounds are brought to; None for those of the files. ragged: x is an array of objects, sounds
    of (length, channels) each, as long as they are. The rest: see `image_dataset_from_directory`.

    The result has `class_names` and `file_paths`. Raises FileNotFoundError, ValueError for files that are no WAV files,
    for other numbers of channels in a batch, and for other arguments. Source: Keras 3.15, whose order these are; there,
    sampling_rate needs another library, and files have 16 bits.
    """
    for name, value in (('sampling_rate', sampling_rate), ('output_sequence_length', output_sequence_length)):
        if value is not None and (as_whole(value) or 0) < 1:
            raise ValueError(f'{_FUNCTION}: {name} must be None or a whole number of at least 1, got {value!r}')
    if ragged and output_sequence_length is not None:
        raise ValueError(f'{_FUNCTION}: ragged and output_sequence_length exclude each other, got both')
    arguments = Arguments(_FUNCTION, 'audio', ('.wav',), directory, labels, label_mode, class_names, batch_size, shuffle, seed,
                          validation_split, subset, follow_links, 'tf', verbose)
    return arguments.read(lambda paths, numbers, names, again: AudioDataset(
        paths, numbers, names, arguments.label_mode, batch_size, again, arguments.seed, as_whole(sampling_rate),
        as_whole(output_sequence_length), ragged))
