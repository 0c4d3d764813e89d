"""`keras.backend.tensorflow_backend`: the backend by the name it had, and the session that it had from TensorFlow."""

from .arithmetic import *  # noqa: F403
from .filters import *  # noqa: F403
from .graph_functions import *  # noqa: F403
from .lazy_draws import *  # noqa: F403
from .leaves import *  # noqa: F403
from .names_and_settings import *  # noqa: F403
from .probabilities import *  # noqa: F403
from .rounds import *  # noqa: F403
from .sessions import ConfigProto as ConfigProto
from .sessions import GPUOptions as GPUOptions
from .sessions import Session as Session
from .sessions import get_session as get_session
from .sessions import set_session as set_session
from .sparse_tensors import *  # noqa: F403
