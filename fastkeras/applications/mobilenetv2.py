"""The path at which Keras 2 has MobileNetV2 too."""

from fastkeras.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
from fastkeras.applications.mobilenet_v2 import decode_predictions as decode_predictions
from fastkeras.applications.mobilenet_v2 import preprocess_input as preprocess_input

__all__ = ['MobileNetV2', 'decode_predictions', 'preprocess_input']
