"""Models: stacks and graphs of layers, and classes of one's own."""

from fastkeras.layers import Input, InputLayer
from fastkeras.layers.described import get_source_inputs
from fastkeras.saving.editor import KerasFileEditor as KerasFileEditor
from fastkeras.saving.json import model_from_config, model_from_json
from fastkeras.saving.saver import load_model, save_model
from fastkeras.saving.yaml_text import model_from_yaml

from .clone import clone_model
from .model import Model
from .sequential import Sequential

__all__ = ['Input', 'InputLayer', 'Model', 'Sequential', 'clone_model', 'get_source_inputs', 'load_model',
           'model_from_config', 'model_from_json', 'model_from_yaml', 'save_model']
