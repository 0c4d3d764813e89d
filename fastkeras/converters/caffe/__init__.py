"""Caffe's models as models of Keras.

A prototxt says the layers; a caffemodel, in the binary form of any generation or in HDF5, has the weights. The protobuf library
reads both (`pip install 'fastkeras[caffe]'`).
"""

from __future__ import annotations

import contextlib
from typing import Any

from fastkeras import config as settings
from fastkeras.saving import stored
from fastkeras.utils.errors import warn

from . import caffe_layers
from .blobs import open_weights
from .building import build
from .caffe_layers import *  # noqa: F403
from .known import layer_type
from .net import Net
from .opened import plain_path

__all__ = ['layer_type', 'load_caffe', *(name for name in vars(caffe_layers) if name.startswith('Caffe'))]


def load_caffe(prototxt: Any, caffemodel: Any = None, data_format: str | None = None, *, input_shapes: Any = None,
               phase: str = 'TEST', level: int | None = None, stages: Any = None) -> Any:
    """A Model of the network that a prototxt describes, with the weights of a caffemodel.

    prototxt: path of the description, of any generation of the format. caffemodel: path of the weights, binary or HDF5; None:
    new weights, as the Keras layers begin with them. data_format: 'channels_first', Caffe's own, or 'channels_last', for which
    weights are put in order; None: `image_data_format()`. input_shapes: the shape of a sample of each input, without the
    samples and in the
    data_format: {name: shape}, or a shape where there is one input; needed where the description does not say it. phase
    ('TEST' or 'TRAIN'), level, stages: the state by which layers are included and excluded; level and stages: those of the
    file unless given.

    Layers have Caffe's names, letters that Keras does not take made '_'. Losses become what they are of predictions
    (SoftmaxWithLoss a softmax); the outputs are what no layer reads, in the order of the file. Images may have any size where
    no layer needs one. Values are not scaled and no mean is subtracted: Caffe's networks want images as they were trained,
    most with channels in the order BGR and a mean subtracted (docs/caffe.md).

    Raises ModelFileError (a ValueError), which names the file and the layer, for what is damaged or not there; OSError for a
    file that cannot be opened; ImportError without the protobuf library.
    """
    with drafted(prototxt, caffemodel, data_format, input_shapes, phase, level, stages) as draft:
        return build(draft)


@contextlib.contextmanager
def drafted(prototxt, caffemodel, data_format, input_shapes, phase, level, stages):
    """The draft of a network, while its weights are open."""
    data_format = settings.standardize_data_format(data_format)
    stages = None if stages is None else tuple([stages] if isinstance(stages, str) else stages)
    net = Net(plain_path(prototxt), (phase, level, stages), {} if input_shapes is None else input_shapes)
    with stored.counted(), contextlib.nullcontext() if caffemodel is None else open_weights(caffemodel) as source:
        draft = net.draft(source, data_format)
        for text in draft.warnings:
            warn(text)
        yield draft
