"""Models: layers that can be trained, saved and shown."""

from __future__ import annotations

import sys
from typing import Any

from fastkeras import generation
from fastkeras.layers import context, naming, registry, session, tracking
from fastkeras.layers.base import Layer
from fastkeras.layers.described import LayerGraph
from fastkeras.layers.input import Input, is_fed
from fastkeras.layers.input_spec import title
from fastkeras.layers.lambda_ import Lambda
from fastkeras.layers.present import in_trace
from fastkeras.ops import Tensor
from fastkeras.runtime import active_trace
from fastkeras.runtime.trace import Trace
from fastkeras.saving import json, objects, saver, yaml_text
from fastkeras.saving.report import LoadReport
from fastkeras.training import data
from fastkeras.training.trainer import Trainer
from fastkeras.utils import nest, summary
from fastkeras.utils.texts import STRING, is_text

from . import functional
from .layer_list import LayerList

__all__ = ['Model']


class Model(Trainer, Layer):
    """A model, from `inputs` to `outputs`: Keras tensors, or lists or dicts of them. Or a class of one's own: layers
    are set as attributes in __init__, and `call(inputs, training=None)` connects them.

    name: by default model_1, model_2, …. Raises ValueError where the graph between inputs and outputs is broken, or two
    layers have one name.
    """

    supports_masking = True
    _names_its_weights = False
    _not_of_call = frozenset(('history', 'loss', 'metrics_names', 'optimizer', 'stop_training'))
    _graph = None
    _is_stack = False
    # data the model was first called on, for one whose class has its own `call`
    _example = None

    def __init__(self, *args: Any, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True,
                 **kwargs: Any) -> None:
        """Model(inputs, outputs, name=None)"""
        given = list(args)
        inputs = given.pop(0) if given and inputs is None else inputs
        outputs = given.pop(0) if given and outputs is None else outputs
        name = given.pop(0) if given and name is None else name
        if given:
            raise TypeError(f'{type(self).__name__}: expected inputs, outputs and name, got {len(args)} positional '
                            f'arguments')
        if (inputs is None) != (outputs is None):
            raise ValueError(f'{type(self).__name__}: expected both inputs and outputs, got only '
                             f'{"outputs" if inputs is None else "inputs"}')
        if name is None:
            own = type(self).__name__
            name = naming.auto_name(generation.of('names.model') if own == 'Model' else naming.to_snake_case(own))
        Layer.__init__(self, name=name, trainable=trainable, **kwargs)
        if inputs is not None:
            self._set_graph(inputs, outputs)

    def __del__(self):
        session.let_go(self)

    def _set_graph(self, inputs, outputs):
        self._connect(LayerGraph(inputs, outputs, self.name), self._inbound_nodes)
        self._forget_traces()
        self.built = True

    def _connect(self, graph, nodes):
        """Take a graph; the first of the model's own `_inbound_nodes` stands for it."""
        if nodes and nodes[0].outbound_layer is self:
            nodes.pop(0)
        nodes.insert(0, functional.OwnNode(self, graph))
        self._graph = graph

    def _forget_traces(self):
        """What was traced of another structure no longer counts."""
        self._forget_functions()
        self._forget_steps()

    # ---- what is in it
    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of the data; those of a nested model are its own. A list to be read only: TypeError
        for changes, which the model would not follow."""
        graph = self._graph
        return LayerList(super()._sublayers() if graph is None else graph.layers, title(self), False)

    @property
    def _stored_layers(self):
        return self.layers      # in the order of files of weights

    def _sublayers(self):
        inside = list(self._graph.layers) if self._graph is not None else []
        known = {id(layer) for layer in inside}
        return inside + [layer for layer in super()._sublayers() if id(layer) not in known]

    def _weights_as_listed(self):
        # layer by layer also where `weights` is not
        own = tracking.variables(self)
        return tracking.unique([*own, *(v for layer in self._sublayers() for v in layer.weights)])

    def get_layer(self, name: str | None = None, index: Any = None) -> Layer:
        """The layer of a name or, where `index` is given, of a place among `layers`. ValueError when there is none."""
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f'{title(self)}: Was asked to retrieve layer at index {index}, but the model only '
                                 f'has {len(layers)} layers')
            return layers[index]
        if name is None:
            raise ValueError(f'{title(self)}: get_layer needs a name or an index')
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f'{title(self)}: No such layer: {name!r}; it has {", ".join(layer.name for layer in layers)}')

    def _up_to(self, layer):
        """The model that ends with the output of a layer."""
        return Model(nest.unpack(self.inputs), layer.output)

    @property
    def inputs(self) -> Any:
        """The Keras tensors of the inputs, a list; None before a model with its own `call` has seen data."""
        if self._graph is not None:
            return list(self._graph.begins)
        return nest.flatten(self._example[0]) if self._example is not None else None

    @property
    def outputs(self) -> Any:
        """The Keras tensors of the outputs, a list, as `inputs`."""
        if self._graph is not None:
            return list(self._graph.output_tensors)
        return nest.flatten(self._example[1]) if self._example is not None else None

    @property
    def input_names(self) -> Any:
        """Names of the inputs: of their InputLayers, or the keys of a dict."""
        if self._graph is not None:
            return list(self._graph.inputs) if isinstance(self._graph.inputs, dict) else self._graph.input_names
        if self._example is None:
            return None
        given = self._example[0]
        return list(given) if isinstance(given, dict) else [f'input_{k + 1}' for k in range(len(nest.flatten(given)))]

    @property
    def output_names(self) -> Any:
        """Names of the outputs: of the layers that give them, or the keys of a dict."""
        if self._graph is None:
            if self._example is None:
                return None
            given = self._example[1]
            return list(given) if isinstance(given, dict) else [f'output_{k + 1}'
                                                                for k in range(len(nest.flatten(given)))]
        if isinstance(self._graph.outputs, dict):
            return list(self._graph.outputs)
        names, taken = [], {}
        for t in self._graph.output_tensors:
            name = t._keras_history.layer.name
            taken[name] = taken.get(name, 0) + 1
            names.append(name if taken[name] == 1 else f'{name}_{taken[name] - 1}')
        return names

    def _front(self):
        """What makes numbers of the texts that the model takes (layers.text_front); None for a model of numbers."""
        return self._graph.front if self._graph is not None else None

    def _fed_tensors(self):
        """The Keras tensors of what a plan is fed: the inputs, or what the front makes of them."""
        front = self._front()
        if front is not None:
            return front.tensors
        return self.inputs if self._graph is None else [t for t in self.inputs if is_fed(t)]

    def _pack_inputs(self, leaves):
        """Tensors in the order of `_fed_tensors` as the argument that the model is called with."""
        if self._front() is not None:
            return list(leaves)
        if len(leaves) < len(self.inputs):      # some are made of Variables
            given = iter(leaves)
            leaves = [next(given) if is_fed(t) else in_trace(t, missing=self._not_fed) for t in self.inputs]
        return nest.pack(self._graph.inputs if self._graph is not None else self._example[0], leaves)

    def _not_fed(self, tensor):
        return ValueError(f'{title(self)}: one of its inputs was made of the placeholder {tensor!r}, which K.function alone '
                          f'can feed')

    def _nesting(self):
        return self._graph.outputs if self._graph is not None else self._example[1]

    def _outputs_by_name(self):
        """Whether the outputs, or some of them, stand in a dict."""
        return nest.has_dict(self._nesting())

    def _pack_outputs(self, leaves):
        """Values in the order of `outputs` in the nesting that a call of the model gives."""
        return nest.pack(self._nesting(), leaves)

    @property
    def _shapes_are_fixed(self):
        """Whether data must have the shapes of `inputs`; a `call` of one's own may take others than it was built with.
        """
        return self._graph is not None

    @property
    def stateful(self) -> Any:
        """Whether a layer keeps state from batch to batch."""
        return any(getattr(layer, 'stateful', False) for layer in self.layers)

    def _calls_of_it(self):
        return super()._calls_of_it() if self._graph is None else self._graph.nodes

    @property
    def state_updates(self) -> list[Any]:
        """Those of `updates` that stateful layers make, in whatever phase."""
        return self._updates(self._calls_of_it(), lambda layer: layer.stateful)

    def reset_states(self) -> Any:
        """Forget what stateful layers keep from batch to batch."""
        for layer in self.layers:
            if getattr(layer, 'stateful', False) and hasattr(layer, 'reset_states'):
                layer.reset_states()

    @property
    def input(self) -> Any:
        """The Keras tensor(s) where the model begins."""
        return nest.unpack(self.inputs) if self.inputs else super().input

    @property
    def output(self) -> Any:
        """The Keras tensor(s) where the model ends."""
        return nest.unpack(self.outputs) if self.outputs else super().output

    input_shape = property(lambda self: self._shapes(self.inputs, 'input'), doc='Shape(s) of the inputs.')
    output_shape = property(lambda self: self._shapes(self.outputs, 'output'), doc='Shape(s) of the outputs.')

    def _shapes(self, tensors, what):
        if tensors is None:
            raise AttributeError(f'{title(self)} has no {what} shape yet: it was not called or built')
        return nest.unpack([t.shape for t in tensors])

    # ---- computing
    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs for tensors: the layers called again, in order."""
        if self._graph is None:
            raise ValueError(f'{title(self)} has no graph and no `call` of its own: give it inputs and outputs, or '
                             f'define call(inputs)')
        return self._graph.run(inputs, mask, self)

    def _index_limits(self):
        """Which input → (limit, what sets it), where its numbers point into a table."""
        return self._graph.index_limits if self._graph is not None and type(self).call is Model.call else {}

    def _limited_inputs(self, inputs):
        limits = self._index_limits() if self._front() is None else {}
        tensors = self._graph.arranged(inputs) if limits else ()
        return [(tensors[k], *limit) for k, limit in limits.items()]

    def _describe(self, inputs, kwargs):
        front = self._front()
        if front is not None and any(t.dtype == STRING for t in nest.flatten(inputs)):
            # the layers on texts go into the front of the model that is being described
            inputs = front.described(self._graph.arranged(inputs))
        return super()._describe(inputs, kwargs)

    def _compute(self, inputs, kwargs):
        if self._graph is None and is_text(inputs):
            self._ensure_built(inputs)
        front = self._front()
        if front is not None:
            inputs = front(data.standardize(inputs, self._input_slots(), 'input'))
        return super()._compute(inputs, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape(s) of the outputs for the shape(s) of the inputs."""
        if self._front() is None:
            return super().compute_output_shape(input_shape)
        batch = nest.flatten_shapes(input_shape)[0][:1]
        return nest.map_structure(lambda t: (*batch, *t.shape[1:]), self._graph.outputs)

    def _masks_of(self, inputs):
        # a graph's layers find the masks on the tensors themselves
        return None if type(self).call is Model.call else super()._masks_of(inputs)

    def _with_masks(self, inputs, outputs, mask):
        # the last layers inside have seen to it
        return outputs if type(self).compute_mask is Model.compute_mask else super()._with_masks(inputs, outputs, mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs for Keras tensors and their masks."""
        if self._graph is None:
            return None
        with Trace():
            outputs = self._graph.run(inputs, mask, self)
        return nest.map_structure(lambda y: y._keras_mask, outputs)

    def add_loss(self, losses: Any, inputs: Any = None, **kwargs: Any) -> None:
        """Add to the loss that training minimises: Keras tensors of this model's graph, or as in a layer."""
        rest = []
        for loss in nest.to_list(losses):
            if self._graph is not None and isinstance(loss, Tensor) and active_trace() is None:
                self._graph.add_end(loss, 'loss')
                self._forget_traces()
            else:
                rest.append(loss)
        super().add_loss(rest)

    def add_metric(self, value: Any, name: str | None = None, aggregation: Any = 'mean') -> None:
        """Report a scalar as a metric: a Keras tensor of this model's graph, or as in a layer."""
        if self._graph is not None and isinstance(value, Tensor) and active_trace() is None:
            self._graph.add_end((name or 'metric', value), 'metric')
            self._forget_traces()
        else:
            super().add_metric(value, name, aggregation)

    @property
    def losses(self) -> Any:
        """As of a layer; of a described model that was not called on arrays yet, symbolic: what its layers and add_loss add."""
        plain = context.collection() is not None or active_trace() is not None or self._graph is None
        if plain or any(layer._losses_of_call for layer in self._flatten_layers()):
            return super().losses
        try:
            with Trace():
                self._graph.run(self._graph.inputs, None, self)
                return super().losses
        except (TypeError, ValueError):     # a call that needs to know the size of the batch
            return super().losses

    def _report_metric(self, value, name):
        Layer.add_metric(self, value, name)

    def build(self, input_shape: Any = None) -> None:
        """Build for inputs of this shape (with the batch), or a list of shapes. A functional model is built already."""
        if self._graph is None and input_shape is not None:
            self._describe_for(nest.map_shapes(lambda s: Input(batch_shape=(None, *s[1:])), input_shape))
        self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        """{'input_shape': the shape(s) it was built for}; None before that."""
        if self.inputs is None:
            return super().get_build_config()
        given = self._graph.inputs if self._graph is not None else self._example[0]
        return {'input_shape': nest.map_structure(lambda t: tuple(t.shape), given)}

    def _build_for(self, inputs, kwargs):
        if type(self).build is Model.build or context.is_building(self):
            self._built_for = nest.map_structure(lambda t: (None, *t.shape[1:]), inputs)
            self._after_build(None)     # the layers inside build themselves when they are called
        else:
            super()._build_for(inputs, kwargs)

    def _build_from_data(self, x):
        """Build, for a model that did not know the shape of its inputs, from a batch of data (arrays, nested)."""
        if self._graph is None and self._example is None:
            self._describe_for(nest.map_structure(_input_like, x))

    def _describe_for(self, inputs):
        self._example = inputs, self._stand_ins(inputs, {})
        self.built = True

    # ---- configuration
    @property
    def _keras3_class(self):
        """(module, class name) by which Keras 3 writes a model made of a graph."""
        given = self._graph is not None and type(self) is Model
        return ('keras.src.models.functional', 'Functional') if given else None

    def get_config(self) -> dict[str, Any]:
        """The configuration of a functional model; of a class of one's own, the arguments it was made with."""
        if self._graph is not None and self._made_with[0] is Model:
            return functional.to_config(self)
        return super().get_config()

    @classmethod
    def _config_is_recorded(cls):
        return cls.get_config is Model.get_config

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The model that a configuration describes, with new weights."""
        objects.checked_config(cls, config)
        _, config = registry.of_model('Model', config, custom_objects)
        if 'layers' in config and 'input_layers' in config:
            objects.check_model_keys(cls, config)
            inputs, outputs, _ = functional.from_config(config, custom_objects)
            model = cls(inputs=inputs, outputs=outputs, name=config.get('name'))
            model.trainable = config.get('trainable', True)
            return model
        return super().from_config(config)

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text, as `model_from_json` reads it. kwargs: of json.dumps."""
        return json.to_json(self, **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """The configuration as text of YAML, as `model_from_yaml` reads it. kwargs: of yaml.safe_dump. ImportError without
        PyYAML."""
        return yaml_text.to_yaml(self, **kwargs)

    def summary(self, line_length: Any = None, positions: Any = None, print_fn: Any = None, **kwargs: Any) -> None:
        """Print a table of the layers, with shapes and numbers of weights.

        line_length: characters in a line; positions: ends of the columns, as shares of it; print_fn: called once per
        line in place of print. What is not known before the model is built is shown as ?.
        """
        summary.print_summary(self, line_length=line_length, positions=positions, print_fn=print_fn, **kwargs)

    # ---- files
    def __reduce__(self):
        """Pickled, and copied, as its HDF5 file: configuration, weights, how it is trained. Only with a graph."""
        if self._graph is None:
            raise TypeError(f'{title(self)} has no graph, so it cannot be pickled or copied; save its weights')
        classes = {type(layer).__name__: type(layer) for layer in self._flatten_layers()
                   if not type(layer).__module__.startswith('fastkeras.')}
        data = saver.model_to_bytes(self)
        functions = [layer.function for layer in self._flatten_layers() if isinstance(layer, Lambda)]
        classes.update((f.__name__, f) for f in functions if _has_place(f))
        # only a model that holds code itself has it run where it is made again
        return _unpickled_with_code if b'__lambda__' in data else _unpickled, (data, classes)

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
             **kwargs: Any) -> None:
        """Save configuration, weights and, if compiled, the training configuration and state of the optimizer.

        filepath: a name that ends in .keras gives an archive, as Keras 3 has it, any other an HDF5 file; or a file open for
        writing bytes. overwrite: without asking; else asks on the terminal. kwargs: save_format and zipped, see
        `saving.save_model`. ImportError without h5py. ValueError for a model of a class of one's own that could not be loaded.
        """
        saver.save_model(self, filepath, overwrite=overwrite, include_optimizer=include_optimizer, **kwargs)

    def _check_file(self, filepath, weights_only=False):
        """ValueError where `save`, or save_weights, would refuse the file."""
        from fastkeras.saving import saver
        if weights_only:
            saver.check_name(filepath)
        else:
            saver.check_savable(self, filepath)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save the weights to an HDF5 file: in the layout of Keras 3, with the optimizer's state, where its name ends in
        .weights.h5, else grouped by layers, as Keras 2 does.

        overwrite: as in `save`. kwargs: max_shard_size, the most GB in one file: the weights go into several, and a
        .weights.json says which; objects_to_skip, layers to leave out (.weights.h5). ValueError for a name that ends in
        .keras."""
        saver.save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False,
                     reshape: bool = False, **kwargs: Any) -> LoadReport:
        """Load weights from a file of weights or of a whole model: HDF5, a .keras archive, or the .json of several files.

        by_name: into layers of the same name, whatever else the file holds; else layer by layer in order. Files of Keras 3
        have their weights by the place of a layer in the model, and its name, see docs/hdf5.md. skip_mismatch: leave out, with
        a warning, layers whose shapes differ (in files of Keras 2, by_name only). kwargs: objects_to_skip, layers to leave as
        they are (files of Keras 3). reshape: weights of equally many numbers take the shape needed. Weights that Keras 1, Keras
        on Theano or layers of cuDNN stored in an order of their own are turned into the layer's.

        Returns a report of the weights `used`, `unused` and `missing`. Raises ValueError where layers or shapes do not fit;
        no weight is changed then.
        """
        return saver.load_weights(self, filepath, by_name=by_name, skip_mismatch=skip_mismatch, reshape=reshape, **kwargs)


# as Keras 3 and older files call a model made of a graph
registry.note_names({'Functional': Model, 'Network': Model})
objects.add_family('models', registry.classes)


def _has_place(function):
    """Whether pickle finds a function of a user's by its module and name."""
    module = getattr(function, '__module__', None) or ''
    known = sys.modules.get(module)
    return module.partition('.')[0] not in ('fastkeras', 'numpy') and known is not None and (
        getattr(known, getattr(function, '__name__', ''), None) is function)


def _unpickled(data, classes):
    return saver.model_from_bytes(data, classes)


def _unpickled_with_code(data, classes):
    return saver.model_from_bytes(data, classes, code=True)


def _input_like(array):
    """An Input for batches of arrays like this one."""
    shape = tuple(array.shape)
    if len(shape) == 1:
        shape = (shape[0], 1)
    return Input(batch_shape=(None, *shape[1:]), dtype=STRING if is_text(array) else None)

