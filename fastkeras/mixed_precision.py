"""Keras's mixed precision, as far as a CPU has it: the policies by their names, and the optimizer that scales the loss.

'mixed_float16' and 'mixed_bfloat16' compute in float32 here, see `fastkeras.dtype_policies`.
"""

from fastkeras.config import dtype_policy, set_dtype_policy
from fastkeras.dtype_policies import DTypePolicy
from fastkeras.optimizers import LossScaleOptimizer

__all__ = ['DTypePolicy', 'LossScaleOptimizer', 'Policy', 'dtype_policy', 'global_policy', 'set_dtype_policy',
           'set_global_policy']

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy
