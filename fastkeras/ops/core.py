"""What every file of operations needs: the registry, the types, and `apply`."""

from .apply import (  # noqa: F401
    LARGEST,
    _hooks,
    apply,
    as_tensor,
    check_size,
    constant,
    current_name,
    dtype_of,
    error,
    is_symbolic,
    named,
    operands,
    set_eager,
    set_tensor,
    set_tracing,
    symbolic,
    tensor,
    tracing,
)
from .dtypes import DTYPES, FLOATS, INTS, dtype_name, promoted, to_array  # noqa: F401
from .registry import Record, Sample, record, records, register  # noqa: F401
