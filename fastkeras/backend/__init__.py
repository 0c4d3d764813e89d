"""The backend of Keras 2, `K`: what layers, losses and metrics of one's own are written in, and functions of symbols.

    from fastkeras import backend as K
    activations = K.function([model.input, K.learning_phase()], [model.layers[3].output])

In a layer, loss or metric these are ops. Outside, of Keras tensors, placeholders and Variables, they give symbols, which
`function`, `eval` and `gradients` make numbers of; of arrays alone they compute at once.
"""

from . import layer_updates as layer_updates
from .arithmetic import *  # noqa: F403
from .filters import *  # noqa: F403
from .graph_functions import *  # noqa: F403
from .lazy_draws import *  # noqa: F403
from .leaves import *  # noqa: F403
from .names_and_settings import *  # noqa: F403
from .probabilities import *  # noqa: F403
from .rounds import *  # noqa: F403
from .sparse_tensors import *  # noqa: F403
from .tensorflow_backend import get_session as get_session
from .tensorflow_backend import set_session as set_session
