"""What `ImageDataGenerator.fit` learns from images: mean and deviation per channel, and the matrix of ZCA whitening."""

import numpy as np


class Moments:
    """Sums over images of one shape, in float64, of which the statistics are made; one pass over the data.

    axis: of the channels, in a batch. covariance: whether that of all pairs of pixels is wanted.
    """

    def __init__(self, axis, covariance=False):
        self.axis = axis
        self.count = 0
        self._origin = None     # near the mean, so that the sums of squares lose nothing
        self._covariance = covariance

    def add(self, images):
        """Take in a batch of images."""
        axes = tuple(a for a in range(4) if a != self.axis)
        x = images.astype(np.float64)
        if self._origin is None:
            self._origin = x.mean(axes, keepdims=True)
            self._sum = self._squares = 0.
            if self._covariance:
                size = x[0].size
                self._by_pixel, self._products = np.zeros(size), np.zeros((size, size))
        x -= self._origin
        self.count += len(x)
        self._sum += x.sum(axes, keepdims=True)[0]
        if self._covariance:
            flat = x.reshape(len(x), -1)
            self._by_pixel += flat.sum(0)
            self._products += flat.T @ flat
        self._squares += np.square(x, out=x).sum(axes, keepdims=True)[0]
        self._shape = x.shape[1:]

    def _divided(self, sums):
        return sums * sums.size / (self.count * np.prod(self._shape))

    @property
    def mean(self):
        """Of each channel; of rank 3, to be broadcast to an image."""
        return self._divided(self._sum) + self._origin[0]

    @property
    def std(self):
        """Of each channel, around its mean."""
        return np.sqrt(np.maximum(self._divided(self._squares) - np.square(self._divided(self._sum)), 0))

    def whitening(self, epsilon, centered, std=None):
        """The matrix by which a flat image is multiplied so that its pixels are no longer correlated.

        centered: whether the mean is subtracted from images before. std: by what they are divided, or None. epsilon:
        added to the variances.
        """
        shift = self._divided(self._sum) if centered else -self._origin[0]
        shift = np.broadcast_to(shift, self._shape).reshape(-1)
        cross = np.outer(self._by_pixel / self.count, shift)
        sigma = self._products / self.count - cross - cross.T + np.outer(shift, shift)
        if std is not None:
            factor = 1 / np.broadcast_to(std, self._shape).reshape(-1)
            sigma *= np.outer(factor, factor)
        variances, vectors = np.linalg.eigh(sigma)
        return (vectors / np.sqrt(np.maximum(variances, 0) + epsilon)) @ vectors.T
