"""Files, sequences and what reads them ahead, under the module name of Keras 2."""

from fastkeras.utils.cached_files import get_file
from fastkeras.utils.enqueuer import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from fastkeras.utils.hashing import validate_file
from fastkeras.utils.sequence import Sequence

__all__ = ['GeneratorEnqueuer', 'OrderedEnqueuer', 'Sequence', 'SequenceEnqueuer', 'get_file', 'validate_file']
