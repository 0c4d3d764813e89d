"""VGG19: 16 convolutions and 3 products. Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556"""

from __future__ import annotations

from typing import Any

from fastkeras.applications.application import Application, documented, file_of
from fastkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from fastkeras.applications.vgg16 import preprocess_input as preprocess_input
from fastkeras.applications.vgg16 import vgg

__all__ = ['VGG19', 'decode_predictions', 'preprocess_input']


@documented
def VGG19(include_top: bool = True, weights: Any = 'imagenet', input_tensor: Any = None, input_shape: Any = None,
          pooling: Any = None, classes: int = 1000, classifier_activation: Any = 'softmax', name: Any = 'vgg19') -> Any:
    """VGG19, for images of 224 × 224, at least 32 × 32: 143,667,240 weights, 20,024,384 without the top. Images go through
    `vgg19.preprocess_input` first."""
    app = Application('VGG19', 224, include_top=include_top, weights=weights, input_tensor=input_tensor,
                      input_shape=input_shape, pooling=pooling, classes=classes, classifier_activation=classifier_activation)
    return vgg(app, (2, 2, 4, 4, 4), name, file_of('vgg19', 'vgg19', (
        'cbe5617147190e668d6c5d5026f83318', '253f8cb515780f3b799900260a226db6'), include_top))
