"""How a layer is called: to describe a model, inside a trace, or on arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastkeras import generation, work
from fastkeras.ops import core
from fastkeras.ops.tensor import Tensor
from fastkeras.runtime import active_trace
from fastkeras.runtime.trace import Trace
from fastkeras.utils import nest
from fastkeras.utils.errors import noted

from . import construction, context
from .array_calls import ArrayCalls
from .array_masks import masked
from .history import Node, keras_tensor
from .input_spec import title
from .text_front import refuse_texts

TYPE_CHECKING = False
_MANY = (list, tuple, dict)


class Calls(ArrayCalls):
    """Mixin of Layer: `__call__` and what it is made of."""

    _takes_text = False         # whether its inputs may be texts
    _input_dtype = None         # of the input that it makes when it begins a stack that is built by data, if not the usual one
    _acts_in_training = True    # in another way than in inference, where its call takes `training`
    _mask_by_argument_alone = False     # whether `mask` is not to be given what masks the inputs have

    if TYPE_CHECKING:
        call: Callable[..., Any]    # every layer has arguments of its own
    else:
        def call(self, inputs, **kwargs):
            """The computation. Every layer defines its own; this one gives the inputs back."""
            return inputs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """__call__(self, inputs, **kwargs)

        The layer applied to `inputs`: Keras tensors, tensors of a trace, or arrays (then an ndarray comes back).
        kwargs: the other arguments of `call`, among them `training` and `mask`. Raises ValueError, naming the layer,
        for inputs that do not fit it.
        """
        trace = active_trace()
        if trace is None and len(args) == 1 and not kwargs:
            found = self._found_again(args[0])
            if found is not None:
                return found
        inputs, kwargs = self._arguments(args, kwargs)
        inputs = nest.map_structure(_of_graph, inputs)
        if trace is not None:
            outputs = self._run(inputs, kwargs)
            if trace.results is not None and not context.inside():
                trace.results += [y for y in nest.flatten(outputs) if y is not None]
            return outputs
        if any(isinstance(x, Tensor) for x in nest.flatten([inputs, kwargs])):
            return self._describe(inputs, kwargs)
        if not generation.of('calls.take_arrays'):
            self._refuse_arrays(inputs)
        return self._compute(inputs, kwargs)

    def _refuse_arrays(self, inputs):
        """ValueError, as Keras 2.2.4 has it, for a call on anything but tensors and variables."""
        for x in nest.flatten(inputs):
            if not hasattr(x, '__fastkeras_tensor__'):
                raise ValueError(f"{title(self)} was called with an input that isn't a symbolic tensor, a {type(x).__name__}, "
                                 f"which the generation '2.2.4' does not take; use predict of a model, or another generation")

    def _arguments(self, args, kwargs):
        """(first argument of `call`, the others by name)."""
        if '_functions' not in self.__dict__:
            raise ValueError(f'{type(self).__name__}: its __init__ must call super().__init__() before the layer is '
                             f'used')
        names, _ = construction.parameters_of(type(self).call)
        names = names[1:]
        kwargs = {k: v for k, v in kwargs.items() if not (k in ('training', 'mask') and v is None)}
        if len(args) > max(1, len(names)):
            names = construction.names_handed_on(type(self))[1:]
        if len(args) > max(1, len(names)):
            raise TypeError(f'{title(self)}: its call takes {names}, got {len(args)} positional arguments')
        for name, value in zip(names[1:], args[1:]):
            if name in kwargs:
                raise TypeError(f'{title(self)}: the argument {name!r} is given twice')
            if not (name in ('training', 'mask') and value is None):
                kwargs[name] = value
        if args:
            return args[0], kwargs
        for name in (names[:1] or ()) + ('inputs',):
            if name in kwargs:
                return kwargs.pop(name), kwargs
        if not names:
            return [], kwargs
        raise TypeError(f'{title(self)}: called without its first argument, {names[0]!r}')

    @property
    def uses_learning_phase(self) -> bool:
        """Whether the layer, or one inside it, acts in training in another way than in inference."""
        inside = self._sublayers()
        if inside:
            return any(layer.uses_learning_phase for layer in inside)
        rates = [getattr(self, name) for name in ('rate', 'stddev', 'dropout', 'recurrent_dropout') if hasattr(self, name)]
        return 'training' in construction.parameters_of(type(self).call)[0] and (
            any(rates) if rates else self._acts_in_training)

    # ---- inside a trace
    def _run(self, inputs, kwargs):
        """Build if need be, run `call`, and see to masks, penalties and what the surroundings say of training."""
        work.done(work.CALL)
        inputs = nest.map_structure(self._tensor, inputs)
        kwargs = dict(kwargs)
        training = kwargs.pop('training', None)
        if isinstance(training, Tensor):
            raise ValueError(f'{title(self)}: expected training to be True or False, got the symbolic tensor '
                             f'{training!r}')
        with context.entered(self, None if training is None else bool(training)) as training, core.named(self.name):
            self._prepare(inputs, kwargs)
            names, _ = construction.parameters_of(type(self).call)
            if 'training' in names:
                kwargs['training'] = training
            for name in names:
                if name.endswith('_mask') and kwargs.get(name) is None:     # of an argument of its own
                    given = inputs if name == f'{names[1]}_mask' else kwargs.get(name.removesuffix('_mask'))
                    if isinstance(given, Tensor) and given._keras_mask is not None:
                        kwargs[name] = given._keras_mask
            mask = kwargs.get('mask')
            if mask is None:
                mask = self._masks_of(inputs)
                if 'mask' in names and _any(mask) and not self._mask_by_argument_alone:
                    kwargs['mask'] = mask
            elif 'mask' not in names:
                del kwargs['mask']
            try:
                outputs = self._called(inputs, kwargs)
                if outputs is None:
                    raise ValueError('[call] expected a result, got None; its function may lack a return')
                outputs = nest.map_structure(_output, outputs)
                if isinstance(outputs, list) and len(outputs) == 1 and generation.of('calls.one_output_is_no_list'):
                    outputs = outputs[0]
            except Exception as error:
                if type(error) is ValueError and str(error).startswith('[') and f'layer {self.name!r}' not in str(error):
                    raise ValueError(f'{title(self)}: {error}') from None
                noted(error, f'in the call of {title(self)}')
                raise
            outputs = self._with_masks(inputs, outputs, mask)
            self._penalize_activity(outputs)
        return outputs

    def _called(self, inputs, kwargs):
        """What `call` gives. ValueError where it makes layers with weights that it does not keep: each trace would
        begin with new ones."""
        self._asked_in_call.clear()
        with context.calling() as made:
            scope = self._remat
            outputs = (scope.called(self, self.call, inputs, kwargs) if scope is not None and scope.holds(self) else
                       self.call(inputs, **kwargs))
        if made:
            kept = set() if self._was_called else {id(layer) for layer in self._flatten_layers()}
            for layer in made:
                if id(layer) not in kept and layer.weights:
                    raise ValueError(f'{title(self)}: its call makes the layer {layer.name!r} ({type(layer).__name__}) '
                                     f'anew each time it is traced, with new weights that are never trained; weights '
                                     f'and layers must be made in __init__ or build')
        self._was_called = True
        return outputs

    def _prepare(self, inputs, kwargs):
        if inputs is None or any(x is not None and not hasattr(x, 'shape') for x in nest.flatten(inputs)):
            raise ValueError(f'{title(self)}: expected tensors or arrays, got {inputs!r}')
        self.assert_input_compatibility(inputs)
        if not self.built:
            self._build_for(inputs, kwargs)
            self.assert_input_compatibility(inputs)

    def _build_for(self, inputs, kwargs):
        shapes = nest.map_structure(lambda x: None if x is None else tuple(x.shape), inputs)
        names, _ = construction.parameters_of(type(self).build)
        by_name = {}
        if len(names) > 2:
            first = construction.parameters_of(type(self).call)[0][1:2]
            known = {**dict.fromkeys(first, inputs), **kwargs}
            for name in names[1:]:
                value = known.get(name.removesuffix('_shape'))
                if value is not None:
                    by_name[name] = nest.map_structure(lambda x: tuple(x.shape), value)
        try:
            complete = len(by_name) > 1 and all(n in by_name for n in construction.required_of(type(self).build)[1:])
            self.build(**by_name) if complete else self.build(shapes)
        except Exception as error:
            noted(error, f'in the build of {title(self)}')
            raise
        if not self.built:      # a build replaced on the instance is not wrapped
            self._after_build(shapes)

    def _masks_of(self, inputs):
        return nest.map_structure(lambda x: getattr(x, '_keras_mask', None), inputs)

    def _with_masks(self, inputs, outputs, mask):
        """The outputs, with the masks that compute_mask gives them."""
        new = self.compute_mask(inputs, mask)
        leaves = nest.flatten(outputs)
        masks = nest.flatten(new) if isinstance(new, _MANY) else [new] * len(leaves)
        masks = [self._checked_mask(m) for m in masks]
        if len(masks) != len(leaves):
            masks = [None] * len(leaves)
        return nest.pack(outputs, [masked(y, m) for y, m in zip(leaves, masks)])

    def _checked_mask(self, mask):
        if mask is None or isinstance(mask, Tensor):
            return mask
        if not hasattr(mask, 'shape'):
            raise ValueError(f'{title(self)}: expected compute_mask to return a tensor, None, or a list of them for '
                             f'several outputs, got {mask!r:.80}')
        return core.tensor(mask)

    # ---- describing a model
    def _describe(self, inputs, kwargs):
        """Record the call as a node; the result stands for what `call` will give."""
        outputs = self._stand_ins(inputs, kwargs)
        Node(self, inputs, kwargs, outputs)
        return outputs

    def _stand_ins(self, inputs, kwargs):
        """Keras tensors for what `call` will give, of no node yet. The trace serves shapes alone."""
        refuse_texts(self, nest.flatten(inputs))
        try:
            outputs = self._shapes_of(inputs, kwargs)
        except (TypeError, ValueError):
            # weights cannot be made for guessed sizes
            outputs = self._probed(inputs, kwargs) if self.built else None
            if outputs is None:
                raise
        shapes = self._declared_shapes(inputs, outputs)
        leaves = []
        for y, shape in zip(nest.flatten(outputs), shapes):
            if y is None:
                leaves.append(None)
                continue
            leaf = keras_tensor(shape, y.dtype, self.name)
            if y._keras_mask is not None:
                m = y._keras_mask
                leaf._keras_mask = keras_tensor(m.shape, m.dtype, mask_of=leaf)
            leaves.append(leaf)
        return nest.pack(outputs, leaves)

    def _shapes_of(self, inputs, kwargs):
        with Trace(), context.no_collection():
            return self._run(inputs, kwargs)

    def _probed(self, inputs, kwargs):
        """What `call` gives, for one that cannot be traced while sizes are open: it is traced with two choices of
        them, and sizes that differ are open. None when that fails too, or no size was open. ValueError where the shapes
        of weights depend on the choice."""
        open_sizes = [t for t in nest.flatten([inputs, kwargs]) if isinstance(t, Tensor) and None in t.shape]
        if not open_sizes:
            return None
        found, trials = [], []
        for size in (2, 3):
            def filled(x, size=size):
                if not isinstance(x, Tensor):
                    return x
                y = Tensor('input', (), {}, [size if d is None else d for d in x.shape], x.dtype)
                y._keras_mask = filled(x._keras_mask) if x._keras_mask is not None else None
                return y
            trials.append(context.Trial())
            try:
                with trials[-1]:
                    found.append(self._shapes_of(*nest.map_structure(filled, [inputs, kwargs])))
            except (TypeError, ValueError):
                trials[-1].undo()
                return None
            if size == 2 or trials[0].shapes != trials[1].shapes:
                trials[-1].undo()
        if trials[0].shapes != trials[1].shapes:
            raise ValueError(f'{title(self)}: a weight inside it needs a size that is not known; give the model an '
                             f'input of known sizes')
        first, second = (nest.flatten(outputs) for outputs in found)
        return nest.pack(found[0], [_common(a, b) for a, b in zip(first, second)])

    def _declared_shapes(self, inputs, outputs):
        """The shapes of the results, where sizes that the trace left open are filled in from compute_output_shape."""
        leaves = nest.flatten(outputs)
        shapes = [None if y is None else tuple(y.shape) for y in leaves]
        if type(self).compute_output_shape is Calls.compute_output_shape or all(
                s is None or None not in s[1:] for s in shapes):
            return shapes
        given = nest.map_structure(lambda x: tuple(x.shape), inputs)
        declared = self.compute_output_shape(given)
        declared = [declared] if nest.is_shape(declared) else nest.flatten_shapes(declared)
        if len(declared) != len(shapes):
            return shapes
        return [s if s is None or d is None or len(d) != len(s) else tuple(b if a is None else a for a, b in zip(s, d))
                for s, d in zip(shapes, declared)]

    def compute_output_shape(self, input_shape):
        """The shape(s) of the result for the shape(s) of the input; by tracing `call`, in a layer that says no more."""
        return self._inferred_shape(input_shape)

    def _inferred_shape(self, input_shape):
        """The shape(s) of the result by tracing `call`, without recording anything."""
        integers = getattr(self, '_given_dtype', None) in core.INTS
        dtype = self._given_dtype if integers else self.compute_dtype
        inputs = nest.map_shapes(lambda s: Tensor('input', (), {}, s, dtype), input_shape)
        with Trace(), context.no_collection():
            outputs = self._run(inputs, {})
        return nest.map_structure(lambda y: None if y is None else tuple(y.shape), outputs)


def _of_graph(x):
    """A Variable of the backend as the symbol that it is; anything else as it is."""
    return x.__fastkeras_tensor__() if getattr(x, 'of_graph', False) else x


def _common(a, b):
    """A tensor whose sizes are those that two tensors agree on."""
    if a is None:
        return None
    y = Tensor('input', (), {}, [m if m == n else None for m, n in zip(a.shape, b.shape)], a.dtype)
    if a._keras_mask is not None:
        y._keras_mask = _common(a._keras_mask, b._keras_mask)
    return y


def _output(y):
    try:
        return None if y is None else core.tensor(y)
    except ValueError as error:
        raise ValueError(f'[call] its result is no tensor: {error}') from None


def _any(mask):
    return any(m is not None for m in nest.flatten(mask))


def takes(function, name):
    """Whether a function names this parameter."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
