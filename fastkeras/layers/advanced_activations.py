"""Keras 2's path of the activations that are layers."""

from .activation import *  # noqa: F403
