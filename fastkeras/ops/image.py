"""Operations on images, as `keras.ops.image` names them: single ones (rank 3) and batches of them (rank 4), in either data
format. Where Keras's backends differ, they do what Keras does on TensorFlow.
"""

from .resize import resize

__all__ = ['resize']
