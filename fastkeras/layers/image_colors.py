"""Layers that change the colours of images: brightness, contrast, hue, saturation and the like, at random and in training alone
but for AutoContrast. Labels, boxes and masks stay as they are.

value_range, in all of them: the least and the largest value of a pixel, (0, 255) unless given. seed: int, or None for a fresh
one. data_format: of the images. A factor of two numbers is drawn between them for each image. Source: Keras 3.15; where its
documentation and its code differ on which numbers a single factor stands for, the documentation holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastkeras import config as settings
from fastkeras import ops

from .checks import number, numbers
from .image_layer import _ImageLayer
from .input_spec import title

__all__ = ['AutoContrast', 'RandomBrightness', 'RandomColorDegeneration', 'RandomColorJitter', 'RandomContrast',
           'RandomGaussianBlur', 'RandomGrayscale', 'RandomHue', 'RandomInvert', 'RandomPosterization', 'RandomSaturation',
           'RandomSharpness', 'Solarization']


class _Colored(_ImageLayer):
    """bounds, least: of the factor, see `_factor`. `_changed(images, transformation)` is the change of floats."""

    bounds = (0, 1)
    least = None

    def __init__(self, factor, value_range, seed, **kwargs):
        super().__init__(**kwargs)
        if factor is not None:
            self.factor = self._factor('factor', factor, self.bounds, self.least)
        if value_range is not None:
            self.value_range = self._range(value_range)
        self._seeded(seed)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {'factor': self._draw((self._size(data)[0], 1, 1, 1), *self.factor, seed=seed)}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        return images if transformation is None else self._changed(images, transformation)

    def _channels(self, x):
        """The three channels, each with its axis."""
        axis = 1 if self.data_format == 'channels_first' else 3
        return ops.split(x, 3, axis=axis), axis

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'value_range', 'seed', 'data_format')


class RandomBrightness(_Colored):
    """In training, a random number added to all pixels of an image, which are cut to the value_range.

    factor: two numbers from -1 to 1, in units of the range, or one, for (-it, it).
    """

    bounds = (-1, 1)

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, **kwargs)

    def _changed(self, images, transformation):
        return self._clipped(images + transformation['factor'] * (self.value_range[1] - self.value_range[0]))


class RandomContrast(_Colored):
    """In training, the differences from the mean of each channel times a random number, and the result cut to the value_range.

    factor: (lower, upper), each from 0 to 1: the number is drawn from 1 - lower to 1 + upper; one number stands for both.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(None, value_range, seed, **kwargs)
        self.factor = tuple(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
        self._factor('factor', self.factor, self.bounds)
        self.factor = tuple(number(self, 'factor', f, 0) for f in self.factor)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        lower, upper = self.factor
        return {'contrast_factor': self._draw((self._size(data)[0], 1, 1, 1), 1 - lower, 1 + upper, seed)}

    def _changed(self, images, transformation):
        mean = ops.mean(images, axis=(2, 3) if self.data_format == 'channels_first' else (1, 2), keepdims=True)
        return self._clipped((images - mean) * transformation['contrast_factor'] + mean)


class RandomColorDegeneration(_Colored):
    """In training, images of red, green and blue mixed with their grey ones.

    factor: the share of grey: two numbers from 0 to 1, or one, for (0, it).
    """

    least = 0.0

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: Any = None, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def _changed(self, images, transformation):
        grey = ops.image.rgb_to_grayscale(images, self.data_format)
        return self._clipped(images + transformation['factor'] * (grey - images))


class RandomHue(_Colored):
    """In training, the hue of images of red, green and blue turned to a random side.

    factor: how far, in half turns: two numbers from 0 to 1, or one, for (0, it).
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: Any = None, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = (self._size(data)[0], 1, 1, 1)
        sign = ops.where(self._draw(shape, seed=seed) > 0.5, -0.5, 0.5)
        return {'factor': self._draw(shape, *self.factor, seed=seed) * sign}

    def _changed(self, images, transformation):
        x = ops.image.rgb_to_hsv(self._ranged(images, self.value_range, (0, 1)), self.data_format)
        (hue, saturation, value), axis = self._channels(x)
        x = ops.concatenate([hue + transformation['factor'], saturation, value], axis=axis)    # only the fraction counts
        return self._ranged(ops.clip(ops.image.hsv_to_rgb(x, self.data_format), 0, 1), (0, 1), self.value_range)


class RandomSaturation(_Colored):
    """In training, the saturation of images of red, green and blue changed.

    factor: two numbers from 0 (grey) over 0.5 (as they are) to 1 (as colourful as can be), or one, for (0, it): the
    saturation is multiplied by f / (1 - f) and cut to the value_range, as in Keras 3.15: of images beyond (0, 1) it may
    leave 1 behind.
    """

    least = 0.0

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: Any = None, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def _changed(self, images, transformation):
        f = transformation['factor']
        (hue, saturation, value), axis = self._channels(ops.image.rgb_to_hsv(images, self.data_format))
        saturation = self._clipped(saturation * (f / (1 - f + settings.epsilon())))
        return ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], axis=axis), self.data_format)


class RandomGrayscale(_Colored):
    """In training, images of red, green and blue made grey with probability `factor`, from 0 to 1; they keep three channels and
    their type."""

    _keeps_type = True

    def __init__(self, factor: Any = 0.5, data_format: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(None, None, seed, data_format=data_format, **kwargs)
        self.factor = number(self, 'factor', factor, 0, 1)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {'should_apply': self._draw((self._size(data)[0], 1, 1, 1), seed=seed) < self.factor}

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        if transformation is None:
            return images
        return ops.where(transformation['should_apply'], ops.image.rgb_to_grayscale(images, self.data_format), images)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'seed', 'data_format')


class RandomInvert(_Colored):
    """In training, images turned into their negatives: the end of the value_range less the pixel.

    factor: the probability: two numbers from 0 to 1 that it is drawn between, or one, for (0, it).
    """

    def __init__(self, factor: Any = 1.0, value_range: Any = (0, 255), seed: Any = None, data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        return {'apply_inversion': self._happens(self._size(data)[0], self.factor, seed)} if training else None

    def _changed(self, images, transformation):
        return ops.where(transformation['apply_inversion'], self.value_range[1] - images, images)


class RandomPosterization(_Colored):
    """In training, all but the highest bits of the pixels set to 0, of bytes that the value_range is brought to.

    factor: how many bits stay, from 1 to 8: one number for all images where both are equal, else drawn from the lower
    one up to, not including, the higher one; a single number stands for (1, it).
    """

    bounds = (1, 8)
    least = 1

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: Any = None, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)
        self.factor = tuple(int(f) for f in self.factor)

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        bits = ops.floor(self._draw((self._size(data)[0],), low, high, seed))
        bits = ops.cast(ops.clip(bits, low, max(high - 1, low)), 'int32')
        return {'step': ops.reshape(ops.gather(np.float32(2) ** (8 - np.arange(9, dtype='float32')), bits), (-1, 1, 1, 1))}

    def _changed(self, images, transformation):
        step = transformation['step']
        x = ops.trunc(self._ranged(images, self.value_range, (0, 255)))
        return self._ranged(ops.floor(x / step) * step, (0, 255), self.value_range)


class RandomSharpness(_Colored):
    """In training, images mixed with their blurred ones, or pushed away from them, and cut to the value_range.

    factor: two numbers from 0 (blurred) over 0.5 (as they are) to 1 (sharper), or one, for (0, it).
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: Any = None, seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)

    def _changed(self, images, transformation):
        first = self.data_format == 'channels_first'
        x = ops.transpose(images, (0, 2, 3, 1)) if first else images
        window = np.full((3, 3, 1, 1), 1 / 13, 'float32')
        window[1, 1] = 5 / 13
        kernel = ops.cast(np.tile(window, (1, 1, x.shape[3], 1)), self.compute_dtype)
        smooth = ops.depthwise_conv(x, kernel, padding='same', data_format='channels_last')
        y = self._clipped(x + (1 - 2 * transformation['factor']) * (smooth - x))
        return ops.transpose(y, (0, 3, 1, 2)) if first else y


class RandomGaussianBlur(_Colored):
    """In training, images blurred by a Gaussian window and cut to the value_range.

    factor: the probability, as in `RandomInvert`. kernel_size: (width, height) of the window, odd, or one number for both.
    sigma: two numbers from 0 to 1 that the deviation in pixels is drawn between for each batch, or one, for (0, it).
    """

    def __init__(self, factor: Any = 1.0, kernel_size: Any = 3, sigma: Any = 1.0, value_range: Any = (0, 255),
                 data_format: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed, data_format=data_format, **kwargs)
        self.kernel_size = numbers(self, 'kernel_size', kernel_size, 2)
        if not all(n % 2 for n in self.kernel_size):
            raise ValueError(f'{title(self)}: expected kernel_size to be odd, got {kernel_size!r}')
        self.sigma = self._factor('sigma', sigma, (0, 1))

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {'should_apply_blur': self._happens(self._size(data)[0], self.factor, seed),
                'blur_factor': self._draw((2,), *self.sigma, seed=seed) + 1e-6}

    def _changed(self, images, transformation):
        sigma = transformation['blur_factor']
        y = ops.image.gaussian_blur(images, self.kernel_size, (sigma[0], sigma[1]), self.data_format)
        return self._clipped(ops.where(transformation['should_apply_blur'], y, images))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('factor', 'kernel_size', 'sigma', 'value_range', 'seed', 'data_format')


class RandomColorJitter(_Colored):
    """In training, RandomBrightness, RandomContrast, RandomSaturation and RandomHue one after the other.

    brightness_factor, contrast_factor, saturation_factor, hue_factor: their factors; None leaves one out.
    """

    def __init__(self, value_range: Any = (0, 255), brightness_factor: Any = None, contrast_factor: Any = None,
                 saturation_factor: Any = None, hue_factor: Any = None, seed: Any = None, data_format: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(None, value_range, seed, data_format=data_format, **kwargs)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        self._steps = [
            cls(factor, self.value_range, seed=self.generator.seed + k, data_format=self.data_format, dtype=self.compute_dtype)
            for k, (cls, factor) in enumerate(((RandomBrightness, brightness_factor), (RandomContrast, contrast_factor),
                                               (RandomSaturation, saturation_factor), (RandomHue, hue_factor)))
            if factor is not None]

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        return [step.get_random_transformation(data, seed=seed) for step in self._steps] if training else None

    def _changed(self, images, transformation):
        for step, drawn in zip(self._steps, transformation):
            images = step.transform_images(images, drawn)
        return images

    def get_config(self) -> dict[str, Any]:
        return self._config_with('value_range', 'brightness_factor', 'contrast_factor', 'saturation_factor',
        'hue_factor', 'seed', 'data_format')


class Solarization(_Colored):
    """In training, pixels not below a threshold turned into their negatives.

    addition_factor: what is added to all before, threshold_factor: the threshold, both in units of the value_range: two numbers
    from 0 to 1, or one, for (0, it).
    """

    def __init__(self, addition_factor: Any = 0.0, threshold_factor: Any = 0.0, value_range: Any = (0, 255), seed: Any = None,
                 **kwargs: Any) -> None:
        super().__init__(None, value_range, seed, **kwargs)
        self.addition_factor = self._factor('addition_factor', addition_factor, (0, 1))
        self.threshold_factor = self._factor('threshold_factor', threshold_factor, (0, 1))

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = (self._size(data)[0], 1, 1, 1)
        return {name: self._draw(shape, *(255 * f for f in factor), seed=seed)
                for name, factor in (('additions', self.addition_factor), ('thresholds', self.threshold_factor))}

    def _changed(self, images, transformation):
        x = ops.clip(self._ranged(images, self.value_range, (0, 255)) + transformation['additions'], 0, 255)
        return self._ranged(ops.where(x < transformation['thresholds'], x, 255 - x), (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        return self._config_with('addition_factor', 'threshold_factor', 'value_range', 'seed', 'data_format')


class AutoContrast(_ImageLayer):
    """Each channel of each image stretched over the whole value_range; one that is the same everywhere stays. In training and
    inference alike."""

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = self._range(value_range)

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any:
        images = self._as_float(images)
        axes = (2, 3) if self.data_format == 'channels_first' else (1, 2)
        x = self._ranged(images, self.value_range, (0, 255))
        low, high = ops.min(x, axis=axes, keepdims=True), ops.max(x, axis=axes, keepdims=True)
        flat = high <= low
        y = ops.clip((x - low) * (255 / ops.where(flat, 1, high - low)), 0, 255)
        return ops.where(flat, images, self._ranged(y, (0, 255), self.value_range))

    def get_config(self) -> dict[str, Any]:
        return self._config_with('value_range', 'data_format')
