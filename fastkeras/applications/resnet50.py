"""ResNet50 under its own name; the network is in `resnet`."""

from fastkeras.applications.resnet import ResNet50 as ResNet50
from fastkeras.applications.resnet import decode_predictions as decode_predictions
from fastkeras.applications.resnet import preprocess_input as preprocess_input

__all__ = ['ResNet50', 'decode_predictions', 'preprocess_input']
