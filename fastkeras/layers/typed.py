"""The types of a layer: of its weights, and of what it computes."""

from __future__ import annotations

from typing import Any

from fastkeras import config as settings
from fastkeras import dtype_policies
from fastkeras.ops import core
from fastkeras.utils.texts import STRING

from .input_spec import title


class Typed:
    """Mixin of Layer: its dtype, which may be given as a name, a type or a DTypePolicy."""

    _policy = None      # the policy that was given, where one was
    _given_dtype = None

    def _take_dtype(self, dtype):
        self._policy, self._given_dtype = policy_and_type(dtype, self)

    @property
    def dtype(self) -> Any:
        """Name of the type of the weights and, for a first layer, of the input. May be set to a name or a DTypePolicy."""
        return self._given_dtype or settings.floatx()

    @dtype.setter
    def dtype(self, value: Any) -> None:
        self._take_dtype(value)

    @property
    def dtype_policy(self) -> Any:
        """The DTypePolicy of the layer."""
        return self._policy or dtype_policies.DTypePolicy(self._kept_dtype())

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._take_dtype(value)

    @property
    def variable_dtype(self) -> Any:
        """Name of the type of the weights: `dtype` if it is a float type, else floatx."""
        return self.dtype if self.dtype in core.FLOATS else settings.floatx()

    compute_dtype = variable_dtype

    @property
    def input_dtype(self) -> Any:
        """Name of the type that inputs of floats are brought to."""
        return self.compute_dtype

    def _kept_dtype(self):
        """Name of the type for a copy: the policy's, as given, or that of the weights there are, whatever floatx is now."""
        if self._policy is not None:
            return self._policy.name
        made = [v.dtype for v in self._weights if v.dtype in core.FLOATS] if self._given_dtype is None else []
        return made[0] if made else self.dtype

    # ---- quantization
    @property
    def quantization_mode(self) -> None:
        """None: no layer of this engine is quantized."""
        return None

    def quantize(self, mode: Any = None, type_check: bool = True, config: Any = None) -> None:
        """Raises ValueError: the engine computes in float32 and float64."""
        raise self._not_quantized(mode)

    def quantized_build(self, input_shape: Any, mode: Any) -> None:
        """Raises ValueError, as `quantize`."""
        raise self._not_quantized(mode)

    def quantized_call(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValueError, as `quantize`."""
        raise self._not_quantized(None)

    def _not_quantized(self, mode):
        return ValueError(f'{title(self)}: quantization{f" to {mode!r}" if mode else ""} is not part of this engine; it '
                          f'computes in float32, or in float64 with dtype="float64"')


def policy_and_type(dtype, layer=None):
    """(DTypePolicy or None, name of the type or None) that the argument `dtype` of a layer means."""
    if dtype is None:
        dtype = settings.chosen_dtype_policy()
        if dtype is None:
            return None, None
    if isinstance(dtype, str) and dtype == STRING:
        return None, STRING
    named = isinstance(dtype, str) and (dtype in dtype_policies.SHORT or '_from_' in dtype)
    if not named and not isinstance(dtype, dict) and not hasattr(dtype, 'variable_dtype'):
        return None, core.dtype_name(dtype)
    policy = dtype_policies.get(dtype)
    if isinstance(policy, dtype_policies.DTypePolicyMap):
        policy = policy[layer.path if layer is not None else '']
    plain = type(policy) is dtype_policies.DTypePolicy and policy.name == policy.variable_dtype
    return None if plain else policy, policy.variable_dtype
