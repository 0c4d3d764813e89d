"""Gradients of what a user writes in ops: as functions of functions, and by a tape."""

from ..compiler import autodiff
from ..ops import core
from ..ops.bodies import leaves, over
from ..ops.tensor import Tensor
from .nested import Nested, as_fed
from .recording import Recording
from .trace import active_trace
from .variable import Variable


def value_and_grad(fn, variables=None, has_aux=False):
    """A function of the arguments of `fn` that gives (value, gradients).

    fn: written in ops and layers; returns a scalar tensor, with has_aux a pair (scalar, anything else of tensors), and the
    value is then that pair. variables: Variables, nested in lists, tuples or dicts; the gradients come in the same nesting,
    None for a variable on which the value does not depend. Without variables the gradients are those of the first argument of
    fn, which may be nested too. Arguments: arrays and tensors, nested; other values are part of what is compiled.

    It is traced and compiled once for each shapes and types, and runs as one plan; what fn assigns to Variables (batch
    statistics, metrics) is assigned at each run. Inside the step of a model it becomes part of that. ValueError where the
    value is no scalar.

        step = fastkeras.value_and_grad(lambda x, y: loss(y, model(x, training=True)), model.trainable_variables)
        value, gradients = step(x, y)
        optimizer.apply(gradients, model.trainable_variables)
    """
    if not callable(fn):
        raise TypeError(f'value_and_grad: expected a function, got {fn!r}')
    wanted = None if variables is None else leaves(variables)
    for v in wanted or ():
        if not isinstance(v, (Variable, Tensor)):
            raise TypeError(f'value_and_grad: expected Variables to differentiate with respect to, got {v!r:.80}')

    def differentiated(*args, **kwargs):
        nesting = variables
        if variables is None:
            if not args:
                raise TypeError('value_and_grad: without variables, the gradients are those of the first argument, and none '
                                'is given by position')
            nesting = over(_differentiable, args[0])
            args = nesting, *args[1:]
        before = [core.tensor(v) for v in leaves(nesting)]
        result = fn(*args, **kwargs)
        if has_aux and not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise ValueError(f'value_and_grad: with has_aux, expected the function to return (value, rest), got {result!r:.80}')
        value = core.tensor(result[0] if has_aux else result)
        gradients = _packed(nesting, _gradients([value], before))
        return ((value, result[1]) if has_aux else value), gradients

    name = f'gradient_of_{getattr(fn, "__name__", "function")}'
    nested = Nested(differentiated, name, any(v.dtype == 'float64' for v in wanted or ()))

    def value_and_gradients(*args, **kwargs):
        return nested(*args, **kwargs)

    value_and_gradients.__name__ = name
    return value_and_gradients


def grad(fn, variables=None, has_aux=False):
    """A function that gives the gradients alone, with has_aux (gradients, rest): see `value_and_grad`."""
    both = value_and_grad(fn, variables, has_aux)

    def gradients(*args, **kwargs):
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradients


def _differentiable(x):
    tensor = core.tensor(x)
    if tensor.dtype not in core.FLOATS:
        raise ValueError(f'value_and_grad: expected floats in the first argument, got {tensor.dtype}; give `variables`, or '
                         'other arguments behind the first')
    return tensor


def _packed(structure, values):
    """Values in a nesting; None may be among them."""
    rest = iter(values)
    return over(lambda _: next(rest), structure)


def _gradients(targets, sources, cotangents=None):
    """Gradients of the sum of targets (times cotangents) with respect to tensors; ValueError for a target that is no scalar,
    where there are no cotangents."""
    if cotangents is None:
        for t in targets:
            if any(d != 1 for d in t.shape):
                raise ValueError(f'expected a scalar to differentiate, got a tensor of shape {t.shape}; reduce it, as by '
                                 'ops.mean')
        cotangents = [core.constant(1.0, dtype=t.dtype, shape=t.shape) for t in targets]
    return autodiff.pullback(targets, cotangents, sources)


class GradientTape:
    """Records what is computed inside its block, to differentiate it.

        with fastkeras.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    Inside a traced step (`train_step`, the function of `value_and_grad`) the tape marks a place and costs nothing. In a loop of
    one's own, on arrays, what layers and Variables give inside the block are symbolic tensors: they are computed, by one
    compiled plan, when `gradient` asks for it, or when one is made a number or an array (float(loss), np.asarray(y)); plans
    are kept for steps of the same form, but each step is traced anew, so `value_and_grad` is the faster way. Updates of state
    (batch statistics, random seeds, metrics) are done once, at that time. A tensor of the block keeps the values that Variables
    had in it. An array is followed from `watch` on: `x = tape.watch(x)`.

    persistent: `gradient` may be called more than once. watch_accessed_variables: False to follow only what is watched.
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self._recording = None      # outside of a trace
        self._began_with = None     # inside one: what variables held
        self._watched = {}          # id of an array or Variable → (it, the tensor that follows it)
        self._asked = False

    def __enter__(self):
        trace = active_trace()
        if trace is None:
            self._recording = Recording()
            self._recording.__enter__()
        else:
            self._began_with, self._leaf = dict(trace.current), trace.leaf
        return self

    def __exit__(self, kind, *rest):
        if self._recording is not None:
            self._recording.__exit__(kind, *rest)
            if kind is None and self._asked:
                self._recording.commit()

    def watch(self, tensor):
        """Follow a tensor, a Variable or an array, or a nesting of them. Returns the tensor(s) to compute with in its place."""
        return over(self._watch, tensor)

    def _watch(self, x):
        if isinstance(x, Tensor):
            return x
        if id(x) not in self._watched:
            if isinstance(x, Variable):
                tensor = core.tensor(x)
            elif self._recording is not None:
                tensor = self._recording.input(as_fed(x))
            else:
                tensor = core.constant(as_fed(x))
            self._watched[id(x)] = x, tensor
        return self._watched[id(x)][1]

    def watched_variables(self):
        """The Variables that were read in a block outside of a trace, or watched."""
        read = [leaf.attrs['variable'] for leaf in self._recording.leaves.values()] if self._recording is not None else []
        read = read if self.watch_accessed_variables else []
        watched = [x for x, _ in self._watched.values() if isinstance(x, Variable)]
        return list({id(v): v for v in (*read, *watched)}.values())

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients='none'):
        """Gradients of a target (its sum, or that of a nesting of targets) with respect to `sources`: Variables, tensors and
        watched arrays, nested; in the same nesting.

        output_gradients: factors of the elements of the targets, in the nesting of `target`. A source on which the target does
        not depend has the gradient None, or zeros with unconnected_gradients='zero'. RuntimeError for a second call, unless
        the tape is persistent; ValueError for a target that was not recorded.
        """
        if unconnected_gradients not in ('none', 'zero'):
            raise ValueError(f"gradient: unconnected_gradients: expected 'none' or 'zero', got {unconnected_gradients!r}")
        if self._recording is None and self._began_with is None:
            raise RuntimeError('gradient: nothing is recorded; compute the target in the block: with GradientTape() as tape: …')
        if self._asked and not self.persistent:
            raise RuntimeError('gradient: it was asked for once; make the tape with persistent=True to ask again')
        self._asked = True
        targets = [self._target(t) for t in leaves(target)]
        places = leaves(sources)
        if self._recording is None:
            found = self._of(targets, places, output_gradients, unconnected_gradients)
        else:
            with self._recording:
                found = self._of(targets, places, output_gradients, unconnected_gradients)
            found = self._recording.computed(found, targets)
        return _packed(sources, found)

    def _of(self, targets, places, output_gradients, unconnected):
        wanted = [self._source(s) for s in places]
        if output_gradients is None:
            cotangents = [core.constant(1.0, dtype=t.dtype, shape=t.shape) for t in targets]
        else:
            cotangents = [core.tensor(g, t.dtype) for g, t in zip(leaves(output_gradients), targets)]
        found = iter(_gradients(targets, [w for w in wanted if w is not None], cotangents))
        found = [None if w is None else next(found) for w in wanted]
        if unconnected == 'zero':
            found = [core.constant(0.0, dtype=s.dtype, shape=tuple(s.shape)) if g is None else g
                     for g, s in zip(found, places)]
        return found

    @staticmethod
    def _target(target):
        target = core.symbolic(target) if not isinstance(target, Variable) else core.tensor(target)
        if target is None:
            raise ValueError('gradient: the target is an array, so it was not recorded: compute it in the block, from layers, '
                             'Variables or what `watch` gives: x = tape.watch(x)')
        return target

    def _source(self, source):
        """The tensor that stands for a source in what was recorded; None where it was not read, or not watched."""
        if id(source) in self._watched:
            return self._watched[id(source)][1]
        if isinstance(source, Tensor):
            return source
        if not isinstance(source, Variable):
            raise ValueError(f'gradient: expected Variables, tensors or watched arrays as sources, got {source!r:.80}; follow '
                             'an array with x = tape.watch(x)')
        if not self.watch_accessed_variables:
            return None
        if self._recording is not None:
            return self._recording.leaves.get(id(source))
        held = self._began_with.get(id(source))
        return self._leaf(source) if held is None else held
