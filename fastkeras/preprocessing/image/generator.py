"""`ImageDataGenerator`: images transformed at random and standardized, batch by batch."""


import numpy as np

from fastkeras import config
from fastkeras.legacy.keras1 import accepts
from fastkeras.preprocessing.image import draws, settings, states, warp
from fastkeras.preprocessing.image.augment import cast, is_ours, ours
from fastkeras.preprocessing.image.statistics import Moments
from fastkeras.preprocessing.image.warp import Pipeline
from fastkeras.utils.errors import warn

_FIT_BYTES = 1 << 24    # of images that `fit` works on at a time


class ImageDataGenerator:
    """Batches of images, transformed at random and standardized, from arrays, folders or data frames.

    featurewise_center, featurewise_std_normalization: subtract the mean of the data, per channel; divide by its
        deviation, plus 1e-6. Both are learned by `fit`, or set as `mean` and `std`.
    samplewise_center, samplewise_std_normalization: the same with each image's own mean and deviation over all of it.
    zca_whitening, zca_epsilon: multiply by the matrix that takes away the correlations of pixels, learned by `fit`; what
        is added to the variances before they are divided by.
    rotation_range: degrees; angles are drawn from -rotation_range to rotation_range.
    width_shift_range, height_shift_range: a number below 1, a fraction of the size; a float from 1 on, pixels; a whole
        number n, whole numbers of pixels from -n + 1 to n - 1; a list, the values of which one is drawn with either sign.
    brightness_range: (least, most) of the factor of brightness. The image is spread over 0 … 255 for it.
    shear_range: degrees. zoom_range: z, for factors from 1 - z to 1 + z, or (least, most), one factor for each axis.
    channel_shift_range: largest number that is added, in units of the image as it came; values stay within its range.
    fill_mode: what lies outside of an image that is moved: 'nearest', 'constant' (`cval`), 'reflect', 'wrap', 'mirror'.
    cval: a value of the image after rescale.
    horizontal_flip, vertical_flip: flip at random the columns, the rows.
    rescale: a factor, None or 0 for none.
    preprocessing_function: called with each image, an array of rank 3; returns one of the same shape.
    data_format: 'channels_last', 'channels_first', or None for the process's; `dim_ordering` in Keras 1.
    validation_split: the fraction of the samples that subset='validation' stands for, the first ones.
    dtype: of batches; None for `config.floatx()`. interpolation_order: of the spline, 0 to 5.

    An image goes through preprocessing_function, rescale, the affine transform (one interpolation for all of it), channel
    shift, flips, brightness, samplewise and featurewise standardization, and ZCA whitening, in this order: the
    documentation of Keras says that the first two come before any other transformation. (The code of Keras has them after
    brightness. Pixels are the same, but where fill_mode is 'constant', and where preprocessing_function does not commute
    with the transforms.)

    A seed gives the transforms that it gives with keras-preprocessing, and leaves NumPy's global state alone.

    A subclass may replace `get_random_transform`, `apply_transform` or `standardize`; then batches are made by them, image
    by image, as Keras does.

    Attributes: the arguments, by name; `mean` and `std`, arrays that broadcast to an image, and `principal_components`
    (also called `zca_whitening_matrix`), a matrix for flat images; None until `fit`. `channel_axis`, `row_axis`,
    `col_axis`: of a batch. All may be set.

    Raises ValueError for arguments of the wrong kind. Source: the documentation of Keras 2.2.4; keras-preprocessing 1.1.2.
    """

    @accepts('ImageDataGenerator')
    def __init__(self, featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
                 samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-6, rotation_range=0,
                 width_shift_range=0., height_shift_range=0., brightness_range=None, shear_range=0., zoom_range=0.,
                 channel_shift_range=0., fill_mode='nearest', cval=0., horizontal_flip=False, vertical_flip=False,
                 rescale=None, preprocessing_function=None, data_format=None, validation_split=0., dtype=None,
                 interpolation_order=1):
        self.data_format = config.standardize_data_format(data_format)
        self.channel_axis, self.row_axis, self.col_axis = (
            (3, 1, 2) if self.data_format == 'channels_last' else (1, 2, 3))
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = settings.number('zca_epsilon', zca_epsilon)
        self.rotation_range = settings.number('rotation_range', rotation_range)
        self.width_shift_range = settings.shift('width_shift_range', width_shift_range)
        self.height_shift_range = settings.shift('height_shift_range', height_shift_range)
        self.brightness_range = None if brightness_range is None else settings.pair('brightness_range', brightness_range)
        self.shear_range = settings.number('shear_range', shear_range)
        self.zoom_range = settings.zoom(zoom_range)
        self.channel_shift_range = settings.number('channel_shift_range', channel_shift_range)
        warp.check('ImageDataGenerator', fill_mode, interpolation_order)
        self.fill_mode = fill_mode
        self.interpolation_order = interpolation_order
        self.cval = settings.number('cval', cval)
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = None if rescale is None else settings.number('rescale', rescale)
        self.preprocessing_function = settings.function(preprocessing_function)
        self._validation_split = settings.split(validation_split)
        self.mean = self.std = self.principal_components = None
        self._draws_nothing = None      # the preprocessing function that was seen to draw no random numbers
        self._complete()
        self.dtype = settings.number_type(config.floatx() if dtype is None else dtype,
                                          bool(self.rescale or self.samplewise_center or self.featurewise_center))

    def _complete(self):
        """Switch on, with a warning, what others need."""
        if self.zca_whitening:
            self._override('zca_whitening', 'featurewise_center', True)
            self._override('zca_whitening', 'featurewise_std_normalization', False)
        for kind in ('featurewise', 'samplewise'):
            if getattr(self, f'{kind}_std_normalization'):
                self._override(f'{kind}_std_normalization', f'{kind}_center', True)

    def _override(self, cause, name, value):
        if bool(getattr(self, name)) != value:
            setattr(self, name, value)
            warn(f'ImageDataGenerator: {cause}=True sets {name}={value}')

    @property
    def zca_whitening_matrix(self):
        """Another name of `principal_components`, as in later versions of Keras."""
        return self.principal_components

    @zca_whitening_matrix.setter
    def zca_whitening_matrix(self, value):
        self.principal_components = value

    # ---- batches
    def flow(self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None,
             save_prefix='', save_format='png', subset=None):
        """Batches of images that are in memory, without end: a NumpyArrayIterator.

        x: array of rank 4, or a pair (images, others) with an array or a list of arrays that come along unchanged. y,
        sample_weight: arrays of as many samples, or None. shuffle: a new random order each epoch. seed: a whole number
        for an order and transforms that can be repeated. save_to_dir, save_prefix, save_format: where to write the images
        of each batch as files, for a look at them. subset: 'training' or 'validation', by validation_split.

        Gives x, (x, y) or (x, y, sample_weight) per batch.
        """
        from fastkeras.preprocessing.image.array_iterator import NumpyArrayIterator
        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed,
            data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            subset=subset, dtype=self.dtype)

    def flow_from_directory(self, directory, target_size=(256, 256), color_mode='rgb', classes=None,
                            class_mode='categorical', batch_size=32, shuffle=True, seed=None, save_to_dir=None,
                            save_prefix='', save_format='png', follow_links=False, subset=None, interpolation='nearest',
                            on_error='raise', draft=None):
        """Batches of the images of a folder that has one folder for each class, without end: a DirectoryIterator, which
        see for the arguments.

        Not in Keras: on_error, 'raise', 'skip' or 'report' for files that cannot be read; draft, whether JPEGs much larger
        than target_size are decoded smaller.
        """
        from fastkeras.preprocessing.image.directory_iterator import DirectoryIterator
        return DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes, class_mode=class_mode,
            batch_size=batch_size, shuffle=shuffle, seed=seed, data_format=self.data_format, save_to_dir=save_to_dir,
            save_prefix=save_prefix, save_format=save_format, follow_links=follow_links, subset=subset,
            interpolation=interpolation, dtype=self.dtype, on_error=on_error, draft=draft)

    def flow_from_dataframe(self, dataframe, directory=None, x_col='filename', y_col='class', weight_col=None,
                            target_size=(256, 256), color_mode='rgb', classes=None, class_mode='categorical',
                            batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix='', save_format='png',
                            subset=None, interpolation='nearest', validate_filenames=True, on_error='raise', draft=None,
                            has_ext=True, drop_duplicates=False, sort=False):
        """Batches of the images that a column of a pandas data frame names, without end: a DataFrameIterator, which see
        for the arguments.

        Not in Keras: on_error and draft, as for `flow_from_directory`. has_ext, drop_duplicates and sort are old words;
        has_ext may stand in the place of weight_col, as in Keras 2.2.4.
        """
        from fastkeras.preprocessing.image.dataframe_iterator import DataFrameIterator
        if isinstance(weight_col, bool):
            weight_col, has_ext = None, weight_col
        return DataFrameIterator(
            dataframe, directory, self, x_col=x_col, y_col=y_col, weight_col=weight_col, target_size=target_size,
            color_mode=color_mode, classes=classes, class_mode=class_mode, batch_size=batch_size, shuffle=shuffle,
            seed=seed, data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix,
            save_format=save_format, subset=subset, interpolation=interpolation, dtype=self.dtype,
            validate_filenames=validate_filenames, on_error=on_error, draft=draft, has_ext=has_ext,
            drop_duplicates=drop_duplicates, sort=sort)

    # ---- one image, or an array of them
    @ours
    def standardize(self, x):
        """What is done to values: preprocessing_function, rescale, samplewise and featurewise standardization, ZCA
        whitening, in this order.

        x: an image or a batch. Means and deviations "of the sample" are of all of x, and preprocessing_function gets all
        of it. An array of floats is changed in place, as Keras does, and returned; but what preprocessing_function or
        whitening made is a new array. Whole numbers become `dtype`. Warns of statistics that are missing for want of
        `fit`.
        """
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        x = np.asarray(x)
        if x.dtype.kind != 'f':
            x = x.astype(self.dtype if np.dtype(self.dtype).kind == 'f' else np.float32)
        mean, std, matrix = self._learned()
        given = x.dtype
        if matrix is not None:      # which magnifies errors
            x = x.astype(np.float64)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True, dtype=np.float64)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True, dtype=np.float64) + 1e-6
        if mean is not None:
            x -= mean
        if std is not None:
            x /= std + 1e-6
        return x if matrix is None else self._whitened(x, matrix).astype(given, copy=False)

    @ours
    def get_random_transform(self, img_shape, seed=None):
        """The parameters of a random transform, a dict for `apply_transform`.

        img_shape: of the image, for shifts that are fractions of it. seed: a whole number; None draws from NumPy's global
        state.
        """
        return self._transform(img_shape, states.random_source('get_random_transform', seed))

    @ours
    def apply_transform(self, x, transform_parameters):
        """The image x, of rank 3, transformed; a new array.

        transform_parameters: a dict that may have 'theta', 'shear' (degrees), 'tx', 'ty' (pixels along the rows and the
        columns), 'zx', 'zy' (factors along them), 'flip_horizontal', 'flip_vertical', 'channel_shift_intensity' and
        'brightness'. The result has the type of x; after channel shift or brightness, whole numbers become float32.
        """
        x = np.asarray(x)
        if x.ndim != 3:
            raise ValueError(f'apply_transform: x must be one image, an array of rank 3, got shape {x.shape}')
        work = warp.working_type(x.dtype)
        made = self._geometry(work).run([x], [transform_parameters], np.empty((1, *x.shape), work))[0]
        values = any(transform_parameters.get(name) is not None for name in ('channel_shift_intensity', 'brightness'))
        return cast(made, np.dtype(np.float32) if values and x.dtype.kind != 'f' else x.dtype)

    @ours
    def random_transform(self, x, seed=None):
        """The image x, of rank 3, after a random transform; see `get_random_transform` and `apply_transform`."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    # ---- statistics
    def fit(self, x, augment=False, rounds=1, seed=None):
        """Learn `mean`, `std` and `principal_components` from images x, as far as they are wanted.

        x: array of rank 4. They are rescaled first; preprocessing_function and samplewise standardization are left out,
        as in Keras. augment: learn from `rounds` random transforms of each image, drawn with `seed`, in place of the
        images. All is computed in float64, over a part of the images at a time, and kept in it whatever `dtype` is: what
        of an image is near its mean is nothing but rounding errors otherwise.

        Raises ValueError for an empty array and other ranks, MemoryError where the images are too large for whitening.
        """
        x = np.asarray(x)
        if x.ndim != 4 or x.size == 0:
            raise ValueError(f'fit: x must be an array of images, of rank 4 and with at least one pixel, got shape {x.shape}')
        if augment and rounds < 1:
            raise ValueError(f'fit: rounds must be at least 1, got {rounds!r}')
        settings.warn_of_channels('fit', x.shape, self.data_format)
        random = states.random_source('fit', seed)
        moments = Moments(self.channel_axis, self.zca_whitening)
        try:
            for images in self._augmented(x, rounds, random) if augment else self._rescaled(x):
                moments.add(images)
        except MemoryError as error:
            size = x[0].size
            raise MemoryError(f'fit: not enough memory; the matrix of ZCA whitening has {size} × {size} numbers for images '
                              f'of shape {x.shape[1:]}') from error
        if self.featurewise_center:
            self.mean = moments.mean
        if self.featurewise_std_normalization:
            self.std = moments.std
        if self.zca_whitening:
            std = moments.std + 1e-6 if self.featurewise_std_normalization else None
            self.principal_components = moments.whitening(self.zca_epsilon, self.featurewise_center, std)

    def _parts(self, x):
        size = max(1, _FIT_BYTES // (8 * x[0].size))
        return (x[i:i + size] for i in range(0, len(x), size))

    def _rescaled(self, x):
        for part in self._parts(x):
            images = part.astype(np.float64)
            if self.rescale:
                images *= self.rescale
            yield images

    def _augmented(self, x, rounds, random):
        """Parts of `rounds` times x, transformed and rescaled."""
        by_image = not all(is_ours(self, name) for name in ('random_transform', 'get_random_transform', 'apply_transform'))
        run = Pipeline(self.data_format, self.fill_mode, self.cval, self.interpolation_order, self.rescale,
                       dtype='float64').run
        for _ in range(rounds):
            if by_image:
                for images in self._rescaled(x):
                    with states.as_global(random):
                        yield np.stack([self.random_transform(image) for image in images])
                continue
            for part in self._parts(x):
                params = [self._transform(part.shape[1:], random) for _ in part]
                yield run(part, params, np.empty(part.shape))

    def _learned(self):
        """(mean, std, matrix) as far as they are to be applied; warns of those that are missing."""
        found = []
        for setting, name in (('featurewise_center', 'mean'), ('featurewise_std_normalization', 'std'),
                              ('zca_whitening', 'principal_components')):
            value = getattr(self, name) if getattr(self, setting) else None
            if value is None and getattr(self, setting):
                warn(f'ImageDataGenerator: {setting} is wanted, but {name} is not known: call fit(x) before; it '
                     'is left out')
            found.append(value)
        return found

    @staticmethod
    def _whitened(x, matrix):
        """x, of float64, whitened."""
        flat = x.reshape(-1, len(matrix))
        return (flat @ np.asarray(matrix, np.float64)).reshape(x.shape)

    # ---- for augment.py
    def _transform(self, shape, random):
        """Random parameters, drawn from `random`."""
        return draws.transform(self, shape, random)

    def _geometry(self, dtype, cval=None):
        """The transforms alone."""
        return Pipeline(self.data_format, self.fill_mode, self.cval if cval is None else cval, self.interpolation_order,
                        dtype=np.dtype(dtype).name)

    def _run(self, images, params, out):
        """Everything but preprocessing_function, for n images; into `out`, of float32 or float64, in whose type it is
        computed. Whitening magnifies the errors of what it is done to, so there all is in float64."""
        mean, std, matrix = self._learned()
        made = out if matrix is None else np.empty(out.shape)
        run = Pipeline(self.data_format, self.fill_mode, self.cval, self.interpolation_order, self.rescale,
                       self.samplewise_center, self.samplewise_std_normalization, mean, std, made.dtype.name).run
        run(images, params, made)
        if matrix is not None:
            out[...] = self._whitened(made, matrix)
        return out
