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
    inner_trace,
    is_symbolic,
    named,
    operands,
    placeholder,
    pullback,
    remade,
    run,
    set_eager,
    set_inner_trace,
    set_pullback,
    set_run,
    set_tensor,
    set_tracing,
    several,
    symbolic,
    tensor,
    tracing,
)
from .dtypes import DTYPES, FLOATS, INTS, dtype_name, promoted, to_array  # noqa: F401
from .registry import Record, Sample, record, records, register  # noqa: F401
