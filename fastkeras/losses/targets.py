"""What can be said about targets before training starts: shapes that cannot fit, labels out of range."""

import numpy as np

from fastkeras.losses import classes, functions

_ONE_HOT = (functions.categorical_crossentropy, functions.categorical_focal_crossentropy)
_SAME_SHAPE = (functions.mean_squared_error, functions.binary_crossentropy, functions.categorical_crossentropy)


def loss_function(loss):
    """The function behind a loss: of an object of ours its function, else the loss itself."""
    return loss.fn if isinstance(loss, classes.LossFunctionWrapper) else loss


def is_sparse(loss):
    """Whether the loss takes class indices."""
    return loss_function(loss) is functions.sparse_categorical_crossentropy


def check_target(y_shape, output_shape, loss, output_name=None):
    """Raise ValueError where targets of y_shape cannot serve `loss`, a function or object, on such an output.

    Shapes are tuples with the batch first; an unknown length is None. output_name: the output's, for the message.
    """
    y_shape, output_shape = tuple(y_shape), tuple(output_shape)
    loss, where = loss_function(loss), f'output {output_name!r}: ' if output_name else ''
    name = getattr(loss, '__name__', str(loss))
    if loss in _ONE_HOT and y_shape and y_shape[-1] == 1:
        raise ValueError(
            f'You are passing a target array of shape {y_shape} while using as loss `{name}`. '
            f'`{name}` expects targets to be binary matrices (1s and 0s) of shape (samples, classes). '
            'If your targets are integer classes, you can convert them to the expected format via:\n'
            'from keras.utils.np_utils import to_categorical\n'
            'y_binary = to_categorical(y_int)\n'
            f'({where}`keras` may be `fastkeras` here.) The loss `sparse_categorical_crossentropy` takes integer '
            'classes as they are.')
    if loss in _SAME_SHAPE:
        longer, shorter = sorted((y_shape, output_shape), key=len, reverse=True)
        same_rank = longer if len(longer) == len(shorter) else longer[:-1] if longer[-1] == 1 else ()
        fits = len(same_rank) == len(shorter) and all(
            a is None or b is None or a == b for a, b in zip(same_rank[1:], shorter[1:]))
        if not fits:
            of = f' of output {output_name!r}' if output_name else ''
            raise ValueError(f'Error when checking target{of}: expected to have shape {output_shape} but got array with shape '
                             f'{y_shape}; the loss `{name}` expects targets to have the same shape as the output')
    if is_sparse(loss):
        lead = output_shape[:-1]
        if len(y_shape) not in (len(lead), len(lead) + 1) or (len(y_shape) == len(lead) + 1 and y_shape[-1] != 1):
            raise ValueError(f'{where}expected class indices of shape {lead} or {(*lead, 1)} for the loss `{name}`, '
                             f'got targets of shape {y_shape}; for one-hot targets use `categorical_crossentropy`')


def check_labels(y, classes, loss, output_name=None):
    """Raise ValueError where class indices y (an array) are not whole numbers from 0 to classes - 1.

    Does nothing for a loss that takes no class indices. A loss's ignore_class is let through.
    """
    if not is_sparse(loss):
        return
    y = np.asarray(y)
    ignored = getattr(loss, '_fn_kwargs', {}).get('ignore_class')
    if ignored is not None:
        y = y[y != ignored]
    if not y.size:
        return
    where = f'output {output_name!r}: ' if output_name else ''
    low, high = y.min(), y.max()
    if not (low >= 0 and high < classes):       # true for NaN as well
        raise ValueError(f'{where}expected class indices from 0 to {classes - 1} (the output has {classes} classes), '
                         f'got labels from {low} to {high}')
    if y.dtype.kind == 'f' and not np.array_equal(y, np.floor(y)):
        raise ValueError(f'{where}expected whole numbers as class indices, got for example {y[y != np.floor(y)][0]}')
