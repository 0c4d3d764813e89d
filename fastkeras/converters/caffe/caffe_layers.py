"""The layers that Caffe has and Keras has not. A model that was converted may hold them, and files of it name them."""

from .caffe_detection import *  # noqa: F403
from .caffe_elementwise import *  # noqa: F403
from .caffe_places import *  # noqa: F403
from .caffe_recurrent import *  # noqa: F403
from .caffe_weighted import *  # noqa: F403
from .caffe_windows import *  # noqa: F403
