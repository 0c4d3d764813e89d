"""Data made ready for models: images, sequences, text. Modules and names are loaded when they are first used."""

from fastkeras.lazy import front as _front

_MODULES = ('image', 'sequence', 'text')
# name → module of this package
_NAMES = {'audio_dataset_from_directory': 'audio_dataset', 'image_dataset_from_directory': 'image.dataset',
          'text_dataset_from_directory': 'text_dataset', 'timeseries_dataset_from_array': 'timeseries'}

TYPE_CHECKING = False      # True to those who check types
if TYPE_CHECKING:
    from fastkeras.preprocessing.audio_dataset import audio_dataset_from_directory as audio_dataset_from_directory
    from fastkeras.preprocessing.image.dataset import image_dataset_from_directory as image_dataset_from_directory
    from fastkeras.preprocessing.text_dataset import text_dataset_from_directory as text_dataset_from_directory
    from fastkeras.preprocessing.timeseries import timeseries_dataset_from_array as timeseries_dataset_from_array

    from . import image as image
    from . import sequence as sequence
    from . import text as text
else:
    __getattr__, __dir__, __all__ = _front(__name__, _MODULES, _NAMES, __name__)
