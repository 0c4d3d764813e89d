"""Tables of named columns, texts and numbers, as vectors: FeatureSpace."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from fastkeras import layers, ops
from fastkeras.layers import naming, registry
from fastkeras.layers.base import Layer
from fastkeras.layers.input_spec import title
from fastkeras.ops import Tensor
from fastkeras.saving import atomic
from fastkeras.saving.json import encode
from fastkeras.utils.sequence import is_batches
from fastkeras.utils.texts import STRING, is_text, text_array

_MODES = ('int', 'one_hot', 'float')
_BATCH = 32     # rows that a dict of columns is learnt from at a time, as in Keras: boundaries of bins depend on it


class Feature:
    """One column: its dtype ('float32', 'int32', 'string'), the layer that preprocesses it, and output_mode: 'float'
    and 'int' take what the layer gives, 'one_hot' encodes its whole numbers."""

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        if output_mode not in _MODES:
            raise ValueError(f'FeatureSpace: expected the output_mode of a feature to be one of {", ".join(map(repr, _MODES))}'
                             f', got {output_mode!r}')
        self.dtype, self.output_mode = dtype, output_mode
        self.preprocessor = registry.deserialize(preprocessor) if isinstance(preprocessor, dict) else preprocessor

    def get_config(self) -> dict[str, Any]:
        return {'dtype': self.dtype, 'preprocessor': registry.serialize(self.preprocessor), 'output_mode': self.output_mode}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The feature of a configuration."""
        return cls(**config)


class Cross:
    """Columns that are crossed: each combination of their values gets one of crossing_dim bins. output_mode: 'one_hot'
    or 'int'."""

    def __init__(self, feature_names: Any, crossing_dim: int, output_mode: str = 'one_hot') -> None:
        if output_mode not in ('int', 'one_hot'):
            raise ValueError(f"FeatureSpace: expected the output_mode of a cross to be 'int' or 'one_hot', got {output_mode!r}")
        self.feature_names, self.crossing_dim, self.output_mode = tuple(feature_names), crossing_dim, output_mode

    @property
    def name(self) -> str:
        """The names of the columns, joined by _X_."""
        return '_X_'.join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        return {'feature_names': list(self.feature_names), 'crossing_dim': self.crossing_dim, 'output_mode': self.output_mode}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The cross of a configuration."""
        return cls(**config)


def _made(cls, value):
    """A Feature or Cross of a configuration, wrapped in its class name or bare."""
    return cls.from_config(value.get('config', value)) if isinstance(value, dict) else value


class FeatureSpace(Layer):
    """Columns of a table, preprocessed, encoded and joined.

    features: dict name → type: 'float', 'float_normalized', 'float_rescaled', 'float_discretized',
    'integer_categorical', 'string_categorical', 'integer_hashed', 'string_hashed'; or what the methods of these names,
    or `feature`, give. output_mode: 'concat' for one vector of a row, features in the order of their names, then
    crosses in that of theirs; 'dict' for a dict. crosses: list of tuples of names, or of what `cross` gives: columns
    whose combinations are hashed. crossing_dim, hashing_dim, num_discretization_bins: number of bins where a type by
    name leaves it open.

    `adapt` learns vocabularies, bins, means and variances. Called on a dict of columns, arrays or lists of (rows,) or
    (rows, 1), or of single values; inside a described model by `get_inputs` and `get_encoded_features`. Raises
    ValueError for names and types that are not known, and before `adapt` where there is something to learn. Source:
    Keras 3.15.
    """

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: int, output_mode: str = 'one_hot') -> Cross:
        """Columns to be crossed into crossing_dim bins."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A column with a preprocessing layer of one's own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature('float32', layers.Activation('linear', name=_name(name, 'float')), 'float')

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """Numbers · scale + offset."""
        return Feature('float32', layers.Rescaling(scale, offset, name=_name(name, 'float_rescaled')), 'float')

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers brought to mean 0 and variance 1."""
        return Feature('float32', layers.Normalization(axis=-1, name=_name(name, 'float_normalized')), 'float')

    @classmethod
    def float_discretized(cls, num_bins: Any, bin_boundaries: Any = None, output_mode: str = 'one_hot',
                          name: str | None = None) -> Feature:
        """Numbers put into bins, num_bins of equal shares or those of bin_boundaries (then num_bins is None)."""
        layer = layers.Discretization(bin_boundaries, num_bins, name=_name(name, 'float_discretized'))
        return Feature('float32', layer, output_mode)

    @classmethod
    def integer_categorical(cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = 'one_hot',
                            name: str | None = None) -> Feature:
        """Whole numbers by a vocabulary."""
        layer = layers.IntegerLookup(max_tokens, num_oov_indices, name=_name(name, 'integer_categorical'))
        return Feature('int32', layer, output_mode)

    @classmethod
    def string_categorical(cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = 'one_hot',
                           name: str | None = None) -> Feature:
        """Texts by a vocabulary."""
        layer = layers.StringLookup(max_tokens, num_oov_indices, name=_name(name, 'string_categorical'))
        return Feature(STRING, layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = 'one_hot', name: str | None = None) -> Feature:
        """Texts hashed into num_bins bins."""
        return Feature(STRING, layers.Hashing(num_bins, name=_name(name, 'string_hashed')), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = 'one_hot', name: str | None = None) -> Feature:
        """Whole numbers hashed into num_bins bins."""
        return Feature('int32', layers.Hashing(num_bins, name=_name(name, 'integer_hashed')), output_mode)

    def __init__(self, features: Any, output_mode: str = 'concat', crosses: Any = None, crossing_dim: int = 32,
                 hashing_dim: int = 32, num_discretization_bins: int = 32, name: str | None = None) -> None:
        super().__init__(name=name)
        if not isinstance(features, dict) or not features:
            raise ValueError(f'{title(self)}: expected features to be a dict of at least one name, got {features!r:.80}')
        if output_mode not in ('dict', 'concat'):
            raise ValueError(f"{title(self)}: expected output_mode to be 'concat' or 'dict', got {output_mode!r}")
        self.output_mode = output_mode
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {name: self._feature(name, value) for name, value in features.items()}
        self.crosses = [self._cross(c) for c in crosses or ()]
        self.crosses_by_name = {c.name: c for c in self.crosses}
        self.preprocessors = {name: f.preprocessor for name, f in self.features.items()}
        self.crossers = {c.name: layers.HashedCrossing(c.crossing_dim, name=c.name) for c in self.crosses}
        self.inputs = {name: layers.Input(shape=(1,), dtype=f.dtype, name=name) for name, f in self.features.items()}
        self.one_hot_encoders = {}
        self.preprocessed_features = self.encoded_features = None
        self._is_adapted = not self._to_adapt()

    def _feature(self, name, value):
        if isinstance(value, (Feature, dict)):
            return _made(Feature, value)
        counts = {'float_discretized': self.num_discretization_bins, 'integer_hashed': self.hashing_dim,
                  'string_hashed': self.hashing_dim}
        if value not in ('float', 'float_normalized', 'float_rescaled', 'integer_categorical', 'string_categorical', *counts):
            raise ValueError(f'{title(self)}: the type of the feature {name!r} is not known: {value!r}; expected one of '
                             f"Keras's names, such as 'float_normalized' or 'string_categorical', or FeatureSpace.feature(…)")
        return getattr(self, value)(*([counts[value]] if value in counts else []), name=name)

    def _cross(self, value):
        cross = value if isinstance(value, Cross) else _made(Cross, value) if isinstance(value, dict) else Cross(
            (value,) if isinstance(value, str) else value, self.crossing_dim)
        unknown = [n for n in cross.feature_names if n not in self.features]
        if unknown or len(cross.feature_names) < 2:
            raise ValueError(f'{title(self)}: expected a cross of at least two of the features {list(self.features)}, got '
                             f'{list(cross.feature_names)}')
        return cross

    # ---- learning
    def _to_adapt(self):
        """Names of the features whose layer learns from data."""
        def learns(layer):
            if isinstance(layer, layers.Discretization):
                return layer.num_bins is not None
            if isinstance(layer, layers.Normalization):
                return layer.input_mean is None
            lookup = getattr(layer, '_lookup', layer)
            return getattr(lookup, '_adaptable', True) and hasattr(layer, 'adapt')
        return [name for name, layer in self.preprocessors.items() if learns(layer)]

    def adapt(self, dataset: Any) -> None:
        """Let all layers learn from data: a dict of columns, or something that gives batches, each a dict of columns or
        (dict, targets). Raises ValueError for other data, and for a column that is missing."""
        names = self._to_adapt()
        if not isinstance(dataset, dict) and not is_batches(dataset):
            raise ValueError(f'{title(self)}: adapt: expected a dict of columns, or what gives batches of them, got '
                             f'{type(dataset).__name__}')
        own = {}        # columns of layers that can only adapt
        for name in names:
            if hasattr(self.preprocessors[name], 'reset_state'):
                self.preprocessors[name].reset_state()
        for batch in self._batches(dataset, names):
            for name in names:
                layer, x = self.preprocessors[name], self._column(name, batch)
                if hasattr(layer, 'update_state'):
                    layer.update_state(x)
                else:
                    own.setdefault(name, []).append(x)
        for name in names:
            if name in own:
                self.preprocessors[name].adapt(np.concatenate(own[name]))
            else:
                self.preprocessors[name].finalize_state()
        self._is_adapted = True
        self.encoded_features = self.preprocessed_features = None
        self.one_hot_encoders = {}
        self.get_encoded_features()
        self.built = True

    def _batches(self, dataset, names):
        if not isinstance(dataset, dict):
            for item in dataset:
                yield self._checked(item[0] if isinstance(item, tuple) else item, names)
            return
        columns = {n: self._column(n, self._checked(dataset, names)) for n in names}
        rows = {len(x) for x in columns.values()}
        if len(rows) > 1:
            raise ValueError(f'{title(self)}: adapt: expected columns of one length, got '
                             f'{ {n: len(x) for n, x in columns.items()} }')
        for start in range(0, max(rows, default=0), _BATCH):
            yield {n: x[start:start + _BATCH] for n, x in columns.items()}

    def _checked(self, data, names):
        if not isinstance(data, dict):
            raise ValueError(f'{title(self)}: expected a dict of columns by the names of the features, got '
                             f'{type(data).__name__}')
        missing = [n for n in names if n not in data]
        if missing:
            raise ValueError(f'{title(self)}: no data for the feature {missing[0]!r}; got {list(data)}')
        return data

    def _column(self, name, data):
        """The column of a feature with an axis of rows and one of values."""
        x, dtype = data[name], self.features[name].dtype
        if isinstance(x, Tensor):
            return x if len(x.shape) > 1 else ops.expand_dims(x, -1)
        if (dtype == STRING) != is_text(x):
            raise ValueError(f'{title(self)}: expected {"texts" if dtype == STRING else "numbers"} for the feature {name!r}, '
                             f'got {"texts" if is_text(x) else "numbers"}')
        array = text_array(x) if dtype == STRING else np.asarray(x).astype(dtype)
        return array.reshape(1, 1) if array.ndim == 0 else array[:, None] if array.ndim == 1 else array

    # ---- in a model
    def get_inputs(self) -> dict[str, Any]:
        """The Keras tensors of the columns, by name: the inputs of a model."""
        self._check_adapted()
        return self.inputs

    def get_preprocessed_features(self) -> dict[str, Any]:
        """The Keras tensors that the preprocessing layers give for `get_inputs`, by name."""
        self._check_adapted()
        if self.preprocessed_features is None:
            self.preprocessed_features = {n: layer(self.inputs[n]) for n, layer in self.preprocessors.items()}
        return self.preprocessed_features

    def get_encoded_features(self) -> Any:
        """The Keras tensor of the whole, or the dict of them, for `get_inputs`."""
        if self.encoded_features is None:
            self.encoded_features = self._merged(self.get_preprocessed_features())
        return self.encoded_features

    def _check_adapted(self):
        if not self._is_adapted:
            raise ValueError(f'{title(self)}: the features {self._to_adapt()} learn from data: call adapt before it is used')

    # ---- computing
    def __call__(self, data: Any) -> Any:
        """The vectors, or the dict, of a dict of columns; of single values, without the axis of rows."""
        self.get_encoded_features()
        self._checked(data, self.features)
        unknown = [n for n in data if n not in self.features]
        if unknown:
            raise ValueError(f'{title(self)}: {unknown[0]!r} is no feature; expected {list(self.features)}')
        single = [n for n in data if not isinstance(data[n], Tensor) and np.ndim(data[n]) == 0]
        result = self._merged({n: layer(self._column(n, data)) for n, layer in self.preprocessors.items()})
        if not single:
            return result
        return {n: y[0] for n, y in result.items()} if self.output_mode == 'dict' else result[0]

    def call(self, inputs: Any) -> Any:
        return self(inputs)

    def _merged(self, features):
        crossed = {n: layer([features[name] for name in self.crosses_by_name[n].feature_names])
                   for n, layer in self.crossers.items()}
        values = {**{n: features[n] for n in sorted(features)}, **{n: crossed[n] for n in sorted(crossed)}}
        encoded = {n: self._encoded(n, y) for n, y in values.items()}
        if self.output_mode == 'dict':
            return encoded
        for n, y in encoded.items():
            if not ops.core.dtype_of(y).startswith('float'):
                raise ValueError(f'{title(self)}: the feature {n!r} is {ops.core.dtype_of(y)}, which cannot be joined to a '
                                 f"vector; encode it by output_mode='one_hot', or use FeatureSpace(…, output_mode='dict')")
        return ops.concatenate(list(encoded.values()), axis=-1)

    def _encoded(self, name, y):
        spec = self.features.get(name) or self.crosses_by_name[name]
        if spec.output_mode != 'one_hot':
            return y
        if name not in self.one_hot_encoders:
            dtype, layer = ops.core.dtype_of(y), self.preprocessors.get(name) or self.crossers[name]
            size = _cardinality(layer)
            if not dtype.startswith('int') or size is None:
                raise ValueError(f"{title(self)}: the feature {name!r} has output_mode='one_hot', for which its layer "
                                 f'{layer.name!r} must give whole numbers below a known one, got {dtype}')
            self.one_hot_encoders[name] = layers.CategoryEncoding(size, 'multi_hot')
        return self.one_hot_encoders[name](y)

    # ---- configuration and files
    def get_config(self) -> dict[str, Any]:
        return {'features': {n: f.get_config() for n, f in self.features.items()}, 'output_mode': self.output_mode,
                'crosses': [c.get_config() for c in self.crosses], 'crossing_dim': self.crossing_dim,
                'hashing_dim': self.hashing_dim, 'num_discretization_bins': self.num_discretization_bins, 'name': self.name}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The space of a configuration; its vocabularies and boundaries are in it, means and variances are weights."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        """What build_from_config takes."""
        return {n: layer.get_build_config() if hasattr(layer, 'get_build_config') else None
                for n, layer in self.preprocessors.items()}

    def build_from_config(self, config: Any) -> None:
        """Make the space ready as it was when get_build_config was called: what it had learnt is in its configuration
        and weights."""
        for name, entry in config.items():
            if entry:
                self.preprocessors[name].build_from_config(entry)
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Write configuration and weights to a file of JSON, which `FeatureSpace.load` reads. ValueError for a name
        that ends in .keras, a form of file that this is not."""
        if os.fspath(filepath).endswith('.keras'):
            raise ValueError(f'{title(self)}: save writes JSON, got the name {os.fspath(filepath)!r}; give it another ending')
        self._check_adapted()
        content = {'class_name': 'FeatureSpace', 'config': self.get_config(), 'build_config': self.get_build_config(),
                   'weights': {n: [w.tolist() for w in layer.get_weights()] for n, layer in self.preprocessors.items()}}
        atomic.write(filepath, json.dumps(content, default=encode))

    @classmethod
    def load(cls, filepath: Any) -> Any:
        """The space that `save` wrote to a file. Raises ValueError for other files."""
        with open(filepath, encoding='utf-8') as file:
            try:
                content = json.load(file)
            except ValueError:
                content = None
        if not isinstance(content, dict) or content.get('class_name') != 'FeatureSpace':
            raise ValueError(f'FeatureSpace.load: {os.fspath(filepath)!r} is no file of FeatureSpace.save')
        space = cls.from_config(content['config'])
        space.build_from_config(content['build_config'])
        space.get_encoded_features()
        for name, values in content['weights'].items():
            if values:
                space.preprocessors[name].set_weights([np.asarray(w) for w in values])
        return space


def _name(name, kind):
    return f'{name or naming.auto_name(kind)}_preprocessor'


def _cardinality(layer):
    """How many whole numbers a layer gives; None where that is not known."""
    if isinstance(layer, (layers.IntegerLookup, layers.StringLookup)):
        return layer.vocabulary_size()
    if isinstance(layer, layers.Discretization):
        return layer.num_bins or len(layer.bin_boundaries) + 1
    return getattr(layer, 'num_tokens', None) or getattr(layer, 'num_bins', None)
