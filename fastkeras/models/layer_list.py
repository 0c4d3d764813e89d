"""The list of the layers of a model, which is to be read only."""

_LIST_OF_ONES_OWN = 'for a list of your own take list(model.layers)'


class LayerList(list):
    """The layers of a model. TypeError for what would change the list: the model would not change with it."""

    __slots__ = ('owner', 'is_stack')

    def __init__(self, layers, owner, is_stack):
        """owner: the model's title, for messages. is_stack: whether the model has add() and pop()."""
        super().__init__(layers)
        self.owner = owner
        self.is_stack = is_stack

    def __reduce__(self):
        return list, (list(self),)

    def _refuse(self, did):
        instead = ('model.pop() takes the last layer off and model.add(layer) puts one on' if self.is_stack else
                   'for a model without its last layer: Model(model.inputs, model.layers[-2].output)')
        return TypeError(f'{self.owner}: layers.{did} would change this list only, not the model; {instead}, '
                         f'{_LIST_OF_ONES_OWN}')


def _refusing(name, did):
    def method(self, *args, **kwargs):
        raise self._refuse(did)
    method.__name__ = method.__qualname__ = name
    method.__doc__ = 'TypeError.'
    return method


for _name in ('append', 'extend', 'insert', 'pop', 'remove', 'clear', 'reverse', 'sort'):
    setattr(LayerList, _name, _refusing(_name, f'{_name}()'))
for _name in ('__setitem__', '__delitem__', '__iadd__', '__imul__'):
    setattr(LayerList, _name, _refusing(_name, _name))
