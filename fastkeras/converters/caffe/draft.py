"""A network on its way from Caffe's layers to Keras's: blobs, and the layers that make them.

Shapes are Caffe's here, (batch, channels, rows, columns), the batch None. How a blob's tensor lies is its layout: 'caffe', as
Caffe has it; 'last', an image with channels last; or (c, h, w), a row per sample in which an image with channels last has been
flattened, so that what Caffe has as element (c, h, w) is at (h, w, c); these two occur under data_format 'channels_last' alone.
Sequences, (steps, samples, …) in Caffe, have the layout 'time': shape and tensor have the samples first.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from fastkeras import layers
from fastkeras.utils.errors import ModelFileError

from . import fillers
from .bounds import ELEMENTS, NEW_WEIGHTS, RANK


@dataclass(frozen=True)
class Blob:
    """A tensor: its number, Caffe's shape of it, and how it lies."""

    number: int
    shape: tuple
    layout: Any = 'caffe'


@dataclass
class Weight:
    """A weight that is still in the file: blob `k` of a layer, brought into Keras's form by `change`. No file: sizes alone."""

    source: Any
    layer: str
    k: int
    shape: tuple
    change: Any = None

    def load(self):
        array = self.source.read(self.layer, self.k).reshape(self.shape)
        return array if self.change is None else self.change(array)


@dataclass
class Combined:
    """A weight that is made of several: `function(*arrays)`."""

    parts: tuple
    function: Any

    def load(self):
        return self.function(*(part.load() for part in self.parts))


@dataclass
class Step:
    """A Keras layer called on blobs. weights: what gives its arrays by `load()`, in Keras's order; None for one, or none at
    all, where it begins with its own."""

    cls: Any
    config: dict
    inputs: list
    output: int
    name: str
    weights: list | None = None
    shared: str | None = None       # the name of the layer that is called again


class NeedsSize(Exception):
    """A layer needs a size that the input does not say."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


class Draft:
    """Collects steps. source: of the weights, or None; path: of the description, for messages."""

    def __init__(self, path, source, data_format):
        self.path, self.source, self.data_format = path, source, data_format
        self.steps, self.inputs = [], []
        self.blobs = {}             # name → Blob, as it stands after the layers so far
        self.any_size = False       # whether sizes of images that are said are left open
        self.batch = None           # how many samples the description speaks of
        self.layer = None           # which is being converted
        self.used = set()           # layers whose weights were asked for
        self.warnings = []
        self._count = 0
        self._names = {}            # in small letters, since not every file system keeps capitals apart
        self._new_weights = 0
        self._shared, self._wanted = {}, 0
        self.scales = {}            # index of a BatchNorm → the Scale behind it that becomes one layer with it
        self.absorbed = set()       # indices of those Scales
        self.index = None           # of the layer at hand

    # ---- what is said of a mistake
    def error(self, text):
        """The ModelFileError that names the file and the layer at hand."""
        return ModelFileError(f'{self.path}: {self.where()}{text}')

    def where(self):
        return f'layer {self.layer.name!r:.200} ({self.layer.type:.100}): ' if self.layer is not None else ''

    def warn(self, text):
        """A warning that names the file and the layer at hand."""
        self.warnings.append(f'{self.path}: {self.where()}{text}')

    def known(self, *sizes):
        """NeedsSize unless all are numbers."""
        if None in sizes:
            raise NeedsSize(f'{self.where()}needs an input of known size')

    # ---- blobs
    def add_input(self, name, shape, timed=False):
        """A Blob that the model takes. shape: with the samples first; timed: a sequence."""
        self.check(shape)
        if timed:
            self._count += 1
            self.inputs.append((self.free_name(name), Blob(self._count, shape, 'time')))
            return self.inputs[-1][1]
        image = self.data_format == 'channels_last' and len(shape) == 4
        self._count += 1
        blob = Blob(self._count, shape, 'last' if image else 'caffe')
        self.inputs.append((self.free_name(name), blob))
        return blob

    def check(self, shape):
        if len(shape) > RANK or any(d is not None and d < 1 for d in shape):
            raise self.error(f'a blob of shape {shown(shape)}: expected sizes of 1 or more')
        if math.prod(d or 1 for d in shape[1:]) > ELEMENTS:
            raise self.error(f'a blob of shape {shown(shape)} has more than {ELEMENTS} elements')
        if shape[:1] != (None,):
            raise self.error(f'a blob of shape {shown(shape)}: the first axis, of the samples, must stay as it is')

    def add(self, cls, config, inputs, shape, layout=None, suffix='', weights=None):
        """The Blob that a layer makes of blobs. layout: that of the first unless given. weights: list of Weights."""
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        shape = tuple(shape)
        self.check(shape)
        self._count += 1
        made = Blob(self._count, shape, inputs[0].layout if layout is None else layout)
        key = None if weights is None else self._key_of_sharing(cls, config, suffix)
        if key in self._shared:
            name = shared = self._shared[key]
        else:
            name, shared = self.free_name(self.layer.name + suffix), None
            if key is not None:
                self._shared[key] = name
        self.steps.append(Step(cls, config, [b.number for b in inputs], made.number, name, weights, shared))
        return made

    def again(self, made, x, shape):
        """The Blob that the layer that made another makes of x."""
        first = next(s for s in self.steps if s.output == made.number)
        self.check(shape)
        self._count += 1
        blob = Blob(self._count, tuple(shape), made.layout)
        self.steps.append(Step(first.cls, first.config, [x.number], blob.number, first.name, None, first.shared or first.name))
        return blob

    def _key_of_sharing(self, cls, config, suffix):
        """What two layers have in common that share all their weights: the names of these, and all else."""
        names = [tuple(p.name for p in layer.param) for layer in (self.layer, self.scales.get(self.index)) if layer is not None]
        if not all(len(n) >= self._wanted and all(n) for n in names[:1]) or not all(n and all(n) for n in names):
            return None
        return cls, repr(sorted(config.items())), suffix, repr(names)

    def free_name(self, name):
        """A name that Keras of all generations takes, and that no other layer has."""
        name = re.sub(r'[^A-Za-z0-9_.-]', '_', name) or 'layer'
        name = (name if name[0].isalnum() else f'l{name}')[:200]
        made, k = name, self._names.get(name.lower(), 1)
        while made.lower() in self._names:
            k += 1
            made = f'{name}_{k}'
        self._names[name.lower()] = k       # where to look on when the name comes again
        self._names.setdefault(made.lower(), 1)
        return made

    # ---- layouts
    def axis(self, blob, axis):
        """Where an axis of Caffe's shape is in the tensor."""
        if blob.layout == 'last':
            return (0, 3, 1, 2)[axis]
        if blob.layout == 'time' and axis < 2:
            raise self._of_sequences()
        return axis

    def _of_sequences(self):
        return self.error('expected a layer that treats steps and samples of a sequence each on its own; to do more with these '
                          'axes is not there')

    def behind(self, blob, axis):
        """The blob in Caffe's order from an axis on."""
        return blob if blob.layout == 'time' and axis >= 2 else self.as_caffe(blob)

    def as_caffe(self, blob):
        """The blob in Caffe's order."""
        if blob.layout == 'caffe':
            return blob
        if blob.layout == 'time':
            raise self._of_sequences()
        if blob.layout == 'last':
            return self.add(layers.Permute, {'dims': (3, 1, 2)}, blob, blob.shape, 'caffe', '_first')
        c, h, w = blob.layout
        split = self.add(layers.Reshape, {'target_shape': (h, w, c)}, blob, (None, c, h, w), 'last', '_split')
        split = self.as_caffe(split)
        return self.add(layers.Reshape, {'target_shape': (c * h * w,)}, split, blob.shape, 'caffe', '_joined')

    def as_image(self, blob):
        """The blob, of four axes, as convolutions and poolings of the data_format take it."""
        if len(blob.shape) != 4:
            raise self.error(f'expected a blob of four axes (samples, channels, rows, columns), got {shown(blob.shape)}')
        if self.data_format == 'channels_first' or blob.layout in ('last', 'time'):
            return blob if blob.layout == 'last' else self.as_caffe(blob)
        return self.add(layers.Permute, {'dims': (2, 3, 1)}, blob, blob.shape, 'last', '_last')

    def alike(self, blobs):
        """Blobs in one layout."""
        if all(b.layout == blobs[0].layout for b in blobs):
            return list(blobs)
        if self.data_format == 'channels_last' and all(len(b.shape) == 4 for b in blobs):
            return [self.as_image(b) for b in blobs]
        return [self.as_caffe(b) for b in blobs]

    # ---- weights
    def weights(self, *wanted, layer=None):
        """Weights of the layer at hand, or another; each is wanted as (Caffe's shape, what brings it into Keras's form). Their
        shapes are compared with those in the file."""
        if layer is None:
            self._wanted = len(wanted)
        layer = layer or self.layer
        name = layer.name
        for shape, *_ in wanted:
            self.known(*shape)
            if any(d < 1 for d in shape) or math.prod(shape) > ELEMENTS:
                raise self.error(f'weights of shape {tuple(shape)} cannot be')
        if self.source is None:
            self._new_weights += sum(math.prod(shape) for shape, *_ in wanted)
            if self._new_weights > NEW_WEIGHTS:
                raise self.error(f'the network has more than {NEW_WEIGHTS} weights, and no caffemodel that holds them')
            return fillers.weights(self, layer, wanted) if layer is self.layer else []
        self.used.add(name)
        shapes = self.source.shapes(name)
        if shapes is None:
            raise self.source.damaged(name, f'the file has no weights for it ({layer.type}); those that it has are for '
                                            f'{", ".join(sorted(self.source.names)[:20]) or "none"}')
        if len(shapes) != len(wanted):
            raise self.source.damaged(name, f'expected {len(wanted)} blobs of weights for a layer of type {layer.type}, '
                                            f'got {len(shapes)}')
        made = []
        for k, ((shape, *change), held) in enumerate(zip(wanted, shapes)):
            if _essential(shape) != _essential(held):
                raise self.source.damaged(name, f'expected blob {k} of shape {tuple(shape)}, as {self.path} asks, got '
                                                f'{tuple(held)}')
            made.append(Weight(self.source, name, k, tuple(shape), change[0] if change else None))
        return made

    def held_shapes(self):
        """The shapes of the weights in the file of the layer at hand; None where there is no file or none of its."""
        return None if self.source is None else self.source.shapes(self.layer.name)


def _essential(shape):
    """A shape without ones in front: the first two generations wrote four sizes always."""
    shape = list(shape)
    while shape and shape[0] == 1:
        del shape[0]
    return shape


def shown(shape):
    return '(' + ', '.join('samples' if k == 0 and d is None else '?' if d is None else str(d)
                           for k, d in enumerate(shape)) + ')'


