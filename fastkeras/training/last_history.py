"""`model.history`: the History of the last fit."""

import weakref

from fastkeras.callbacks import History


class LastHistory:
    """The attribute; None before a fit. A History knows its model; were the model to hold it, the two would live until
    Python's collector comes by. So the model holds what the History says, and makes it anew when nobody else has kept it."""

    def __get__(self, model, owner=None):
        if model is None:
            return self
        kept = model.__dict__.get('_history')
        return kept.of(model) if isinstance(kept, _Kept) else kept

    def __set__(self, model, history):
        model.__dict__['_history'] = _Kept(history) if type(history) is History else history


class _Kept:
    def __init__(self, history):
        self.known = weakref.ref(history)
        self.says = {name: value for name, value in vars(history).items() if name != 'model'}

    def of(self, model):
        history = self.known()
        if history is None:
            history = History()
            vars(history).update(self.says, model=model)
            self.known = weakref.ref(history)
        return history

    def __reduce__(self):       # weak references are not copied
        return _restored, (self.says,)


def _restored(says):
    history = History()
    vars(history).update(says)
    return _Kept(history)
