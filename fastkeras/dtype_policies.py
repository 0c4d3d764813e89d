"""Which type a layer's weights have and in which it computes: Keras 3's DTypePolicy.

The engine computes in float32 (native kernels) or float64 (NumPy reference). 'mixed_float16', 'mixed_bfloat16', 'float16'
and 'bfloat16' keep their names, so that programs and files which say them go on working, and compute in float32; a warning
says so once. Quantized policies are refused.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from fastkeras import config as settings
from fastkeras.ops import core
from fastkeras.saving import objects
from fastkeras.utils.errors import warn

__all__ = ['AWQDTypePolicy', 'DTypePolicy', 'DTypePolicyMap', 'FloatDTypePolicy', 'GPTQDTypePolicy', 'Int4DTypePolicy',
           'QuantizedDTypePolicy', 'QuantizedFloat8DTypePolicy', 'deserialize', 'get', 'serialize']

SHORT = ('mixed_float16', 'mixed_bfloat16', 'float16', 'bfloat16')      # computed in float32
_QUANTIZED = ('int8', 'int4', 'float8', 'gptq', 'awq')
_warned = set()


def _refused(what):
    return ValueError(f'{what}: quantized layers are not part of this engine; make the model with dtype="float32", and save '
                      f'one that was quantized elsewhere with its weights as floats')


class DTypePolicy:
    """The types of a layer by one name: that of a type ('float32', 'float64'), or 'mixed_float16' or 'mixed_bfloat16', whose
    short floats are computed in float32 here, after one warning. name: config.floatx() unless given. Raises ValueError for
    names of quantization and of unknown types.
    """

    def __init__(self, name: str | None = None) -> None:
        name = settings.floatx() if name is None else name
        if not isinstance(name, str):
            name = core.dtype_name(name)
        if name in SHORT:
            self._dtype = 'float32'
            if name not in _warned:
                _warned.add(name)
                warn(f'the policy {name!r} computes, and keeps weights, in float32: the kernels have no shorter floats')
        elif '_from_' in name or name.split('/')[0] in _QUANTIZED:
            raise _refused(f'DTypePolicy {name!r}')
        else:
            self._dtype = core.dtype_name(name)
        self._name = name

    @property
    def name(self) -> str:
        """The name it was made with."""
        return self._name

    @property
    def variable_dtype(self) -> str:
        """Name of the type of weights."""
        return self._dtype

    @property
    def compute_dtype(self) -> str:
        """Name of the type of what a layer computes."""
        return self._dtype

    @property
    def quantization_mode(self) -> None:
        """None: nothing is quantized."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """x as a tensor or array; of type `dtype` where autocast is true and x is of floats."""
        x = core.as_tensor(x)
        if autocast and core.dtype_of(x) in core.FLOATS and core.dtype_of(x) != core.dtype_name(dtype):
            return core.apply('cast', (x,), dtype=core.dtype_name(dtype))
        return x

    def get_config(self) -> dict[str, Any]:
        return {'name': self.name}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """The policy of a configuration."""
        return cls(**config)

    def __eq__(self, other):
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(self._name)

    def __repr__(self):
        return f'<{type(self).__name__} "{self.name}">'


FloatDTypePolicy = DTypePolicy


class _Refused:
    """Base of the policies that the engine has not."""

    def __init__(self, mode: Any = None, source_name: str | None = None, **kwargs: Any) -> None:
        raise _refused(f'{type(self).__name__} {mode!r}')

    quantization_mode = name = variable_dtype = compute_dtype = None

    def get_config(self) -> dict[str, Any]:
        raise _refused(type(self).__name__)

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """Raises ValueError."""
        return cls(**config)


class QuantizedDTypePolicy(_Refused):
    """Weights of 8-bit integers: refused, a ValueError."""

    def __init__(self, mode: Any, source_name: str | None = None) -> None:
        super().__init__(mode, source_name)


class QuantizedFloat8DTypePolicy(_Refused):
    """Products of 8-bit floats: refused, a ValueError."""

    def __init__(self, mode: Any, source_name: str | None = None, amax_history_length: int = 1024) -> None:
        super().__init__(mode, source_name)

    @property
    def amax_history_length(self) -> None:
        """None: there is no such policy."""
        return None


class Int4DTypePolicy(QuantizedDTypePolicy):
    """Weights of 4-bit integers: refused, a ValueError."""


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """Weights quantized by GPTQ: refused, a ValueError."""


class AWQDTypePolicy(QuantizedDTypePolicy):
    """Weights quantized by AWQ: refused, a ValueError."""


class DTypePolicyMap(DTypePolicy, MutableMapping):
    """Policies by the path of a layer ('model/dense'), for a model made of one `dtype` argument.

    A layer takes the policy of its path; else that of the only key which, as a regular expression, matches its path; else
    default_policy (None: the global policy). policy_map: path → policy or name. Raises ValueError where several keys match.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        self._given = None if default_policy is None else get(default_policy)
        self._map = {k: get(v) for k, v in (policy_map or {}).items()}

    @property
    def default_policy(self) -> Any:
        """The policy of layers that no key names."""
        return self._given if self._given is not None else settings.dtype_policy()

    name = property(lambda self: f'map_{self.default_policy.name}', doc="'map_' and the name of the default policy.")
    variable_dtype = property(lambda self: self.default_policy.variable_dtype, doc='That of the default policy.')
    compute_dtype = property(lambda self: self.default_policy.compute_dtype, doc='That of the default policy.')

    def __getitem__(self, key: str) -> Any:
        if key in self._map:
            return self._map[key]
        hits = [k for k in self._map if re.search(k, key)]
        if len(hits) > 1:
            raise ValueError(f'DTypePolicyMap: the path {key!r} is matched by {", ".join(map(repr, hits))}; make the keys '
                             f'say one layer each')
        return self._map[hits[0]] if hits else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._map:
            raise ValueError(f'DTypePolicyMap: {key!r} has a policy already, {self._map[key]!r}; delete it first')
        self._map[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Any:
        return iter(self._map)

    def get_config(self) -> dict[str, Any]:
        return {'default_policy': None if self._given is None else serialize(self._given),
                'policy_map': {k: serialize(v) for k, v in self._map.items()}}

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The map of a configuration."""
        return cls(deserialize(config['default_policy'], custom_objects),
                   {k: deserialize(v, custom_objects) for k, v in config['policy_map'].items()})

    def __hash__(self):
        return id(self)

    def __repr__(self):
        return f'<DTypePolicyMap at {id(self):#x} default_policy={self._given!r} policies={self._map!r}>'


_TABLE = {cls.__name__: cls for cls in (DTypePolicy, DTypePolicyMap, QuantizedDTypePolicy, QuantizedFloat8DTypePolicy,
                                        Int4DTypePolicy, GPTQDTypePolicy, AWQDTypePolicy)}
_TABLE['FloatDTypePolicy'] = _TABLE['Policy'] = DTypePolicy
objects.add_family('dtype_policies', _TABLE)
objects.add_slot('dtype policy', DTypePolicy)


def serialize(dtype_policy: Any) -> Any:
    """The configuration of a policy, in Keras 3's form: Keras 2 has none."""
    return None if dtype_policy is None else objects.serialize(dtype_policy, form=3)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The policy of a configuration; None stays None."""
    return None if config is None else objects.deserialize('dtype policy', config, _TABLE, custom_objects)


def get(identifier: Any) -> Any:
    """A policy from its name, its configuration, a type, or a policy; None: the global one. Raises ValueError for anything
    else."""
    if identifier is None:
        return settings.dtype_policy()
    if hasattr(identifier, 'compute_dtype') and hasattr(identifier, 'variable_dtype'):
        return identifier
    if isinstance(identifier, dict):
        if 'class_name' not in identifier and isinstance(identifier.get('config'), dict):
            identifier = {'class_name': 'DTypePolicy', **identifier}
        return deserialize(identifier)
    return DTypePolicy(identifier)
