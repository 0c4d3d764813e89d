"""Settings of the whole process: number type, epsilon, image layout, Keras generation, threads, instruction set.

A leaf: it imports nothing of ours until a setting of the engine is asked for.
"""

import os
from contextvars import ContextVar

from fastkeras import late, turns
from fastkeras.utils import errors

_FLOATS = ('float32', 'float64')
_LAYOUTS = ('channels_last', 'channels_first')
DIM_ORDERINGS = {'tf': 'channels_last', 'th': 'channels_first'}     # Keras 1's words, in calls and in keras.json
_GENERATIONS = (2, 3, '2.2.4')


def _checked_generation(value):
    if value not in _GENERATIONS or isinstance(value, bool):
        raise ValueError(f"set_generation: expected 2 (Keras 2), 3 (Keras 3) or '2.2.4' (Keras 2.2.4 to the letter), got "
                         f'{value!r}')
    return str(value) if isinstance(value, str) else int(value)


def _generation_from_environment():
    text = os.environ.get('FASTKERAS_GENERATION', '2')
    if text not in map(str, _GENERATIONS):
        raise ValueError(f"FASTKERAS_GENERATION: expected '2', '3' or '2.2.4', got {text!r}")
    return text if '.' in text else int(text)


def _winograd_from_environment():
    text = os.environ.get('FASTKERAS_WINOGRAD', '1')
    if text not in ('0', '1'):
        raise ValueError(f"FASTKERAS_WINOGRAD: expected '0' or '1', got {text!r}")
    return text == '1'


def _plan_memory_from_environment():
    text = os.environ.get('FASTKERAS_PLAN_MEMORY')
    if text is not None and not text.isdecimal():
        raise ValueError(f'FASTKERAS_PLAN_MEMORY: expected a number of bytes, got {text!r}')
    return None if text is None else int(text)


def keras_home():
    """Keras's folder: what the environment variable KERAS_HOME says, or `~/.keras`."""
    return os.path.expanduser(os.environ.get('KERAS_HOME') or os.path.join('~', '.keras'))


def _of_keras_json():
    """What `keras.json` in Keras's folder (KERAS_HOME, else ~/.keras) says of floatx, epsilon and the layout. It is read, and
    never written. What cannot be made sense of is warned of and left out."""
    path = os.path.join(keras_home(), 'keras.json')
    if not os.path.isfile(path):
        return {}
    import json
    found = {}
    try:
        with open(path, encoding='utf8') as file:
            said = json.loads(file.read(1 << 16))
        if not isinstance(said, dict):
            raise ValueError(f'expected a dictionary, got {type(said).__name__}')
        if 'image_dim_ordering' in said and 'image_data_format' not in said:       # of Keras 1
            said['image_data_format'] = DIM_ORDERINGS.get(said['image_dim_ordering'], '?')
        for name, fits in (('floatx', _FLOATS.__contains__), ('image_data_format', _LAYOUTS.__contains__),
                           ('epsilon', lambda x: isinstance(x, (int, float)) and not isinstance(x, bool) and 0 < x < 1)):
            if name in said:
                if not fits(said[name]):
                    raise ValueError(f'{name} cannot be {said[name]!r}')
                found[name] = said[name]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        errors.warn(f'{path}: {error}; what follows there is not taken')
    return found


# a generation that counts inside one block of one thread only (`fastkeras.generation.scope`), before the setting
_scoped_generation = ContextVar('fastkeras_generation', default=None)
_settings = {
    'floatx': 'float32',
    'epsilon': 1e-7,
    'image_data_format': 'channels_last',
    'generation': _generation_from_environment(),
    'winograd': _winograd_from_environment(),
    'plan_memory': _plan_memory_from_environment(),   # None: not looked at yet
    'concurrent_runs': None,
    'interactive_logging': True,
    'dtype_policy': None,           # None: that of floatx
    'unsafe_deserialization': False,
    'flash_attention': True,
    'max_epochs': None,
    'max_steps_per_epoch': None,
    **_of_keras_json(),
}


def _one_of(function, names, *values):
    """The one value given under any of `names`: Keras 2 and 3 call the same argument differently."""
    given = [v for v in values if v is not None]
    if len(given) != 1:
        raise TypeError(f"{function} takes one argument ({' or '.join(names)}), got {len(given)}")
    return given[0]


def floatx():
    """Name of the default float type, 'float32' unless set."""
    return _settings['floatx']


def set_floatx(value=None, floatx=None):
    """Set the default float type: 'float32' (native kernels) or 'float64' (NumPy reference, slow).

    The argument may be called `value` (Keras 3) or `floatx` (Keras 2). Raises ValueError for any other type.
    """
    value = _one_of('set_floatx', ('value', 'floatx'), value, floatx)
    if value not in _FLOATS:
        raise ValueError(f"set_floatx: expected one of {', '.join(map(repr, _FLOATS))}, got {value!r}; "
                         'the engine computes in no other float type')
    _settings['floatx'] = str(value)


def epsilon():
    """The small number that keeps divisions and logarithms finite, 1e-7 unless set."""
    return _settings['epsilon']


def set_epsilon(value=None, e=None):
    """Set epsilon, a positive number. The argument may be called `value` (Keras 3) or `e` (Keras 2)."""
    value = _one_of('set_epsilon', ('value', 'e'), value, e)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float('inf'):
        raise ValueError(f'set_epsilon: expected a finite number of 0 or more, got {value!r}')
    _settings['epsilon'] = number


def image_data_format():
    """'channels_last' (the default) or 'channels_first'."""
    return _settings['image_data_format']


def set_image_data_format(data_format):
    """Set the layout that image layers take when they are not told: 'channels_last' or 'channels_first'."""
    if data_format not in _LAYOUTS:
        raise ValueError(f"set_image_data_format: expected 'channels_last' or 'channels_first', got {data_format!r}")
    _settings['image_data_format'] = str(data_format)


def standardize_data_format(data_format=None):
    """`data_format` checked, or the process's setting for None."""
    if data_format is None:
        return _settings['image_data_format']
    if str(data_format).lower() not in _LAYOUTS:
        raise ValueError(f"the `data_format` argument must be one of 'channels_first', 'channels_last', got {data_format!r}")
    return str(data_format).lower()


def enable_interactive_logging():
    """Write the messages and progress of training to standard output, as at the start."""
    _settings['interactive_logging'] = True


def disable_interactive_logging():
    """Send the messages of training to the logger 'fastkeras' of Python's `logging`, level INFO; of a progress bar only
    the state at the end of an epoch. For programs without a terminal.
    """
    _settings['interactive_logging'] = False


def is_interactive_logging_enabled():
    """Whether messages go to standard output."""
    return _settings['interactive_logging']


def generation():
    """Whose behaviour is the default where the two Keras generations differ: 2, 3 or '2.2.4'; see `set_generation`."""
    return _scoped_generation.get() or _settings['generation']


def set_generation(value):
    """Choose the generation whose defaults and formulas are taken; docs/generations.md has the table.

    2, the default, is Keras 2.2.4 but for a few rows where Keras 3 is better; '2.2.4' takes Keras 2.2.4's side in these
    too, so that the numbers of an old program come back; 3 is Keras 3. Objects already made keep theirs: set it at the
    start of a program. The environment variable FASTKERAS_GENERATION sets the first value.
    """
    _settings['generation'] = _checked_generation(value)


def _changed():
    """Let runs look at the settings again."""
    from fastkeras import _core
    _core.changed()


def get_num_threads():
    """Number of threads that a run of the engine uses."""
    from fastkeras import _core
    return _core.threads()


def set_num_threads(n):
    """Set the number of threads that a run uses, for the whole process and at any time; 1 starts no thread.

    Results do not depend on it. FASTKERAS_NUM_THREADS and OMP_NUM_THREADS set the first value.
    """
    from fastkeras import _core
    most = _core.limits()['sizes']['threads']
    if isinstance(n, bool) or not hasattr(n, '__index__') or not 1 <= n <= most:
        raise ValueError(f'set_num_threads: expected a whole number from 1 to {most}, got {n!r}')
    _core.set_threads(int(n))


def concurrent_runs():
    """How many runs of the engine may go on at a time; None, the default, for any number."""
    return _settings['concurrent_runs']


def set_concurrent_runs(n):
    """Let at most n runs go on at a time in this process, the others wait for their turn; None: any number.

    A run that finds the team of threads taken goes alone, so without a bound there are as many as threads call.
    """
    from fastkeras import _core
    most = _core.limits()['sizes']['threads']
    if n is not None and (isinstance(n, bool) or not hasattr(n, '__index__') or not 1 <= n <= most):
        raise ValueError(f'set_concurrent_runs: expected a whole number from 1 to {most}, or None, got {n!r}')
    _settings['concurrent_runs'] = n = None if n is None else int(n)
    turns.bound(n)
    _changed()


def isas():
    """Names of the instruction sets that both this build and this machine have, the plainest first."""
    from fastkeras import _core
    return tuple(_core.isas())


def isa():
    """Name of the instruction set in force."""
    from fastkeras import _core
    return _core.isa()


def set_isa(name):
    """Choose the instruction set of the plans compiled from now on. FASTKERAS_ISA sets the first value.

    Raises ValueError when the machine or the build lacks it.
    """
    from fastkeras import _core
    known = tuple(_core.isas())
    if name not in known:
        raise ValueError(f"set_isa: expected one of {', '.join(map(repr, known))}, got {name!r}")
    _core.set_isa(name)


def plan_memory():
    """Bytes that the plans which are kept may hold together between runs: half of the memory that this process may use, unless
    set."""
    if _settings['plan_memory'] is None:
        _settings['plan_memory'] = _memory() // 2
    return _settings['plan_memory']


def set_plan_memory(bytes):
    """Set how many bytes of memory to work in the plans that are kept may hold together between runs.

    A plan is made for each function and each shape of its inputs, 64 of one function at most. Beyond this number of bytes
    those are forgotten that were not run lately; when one is wanted again it is made again. The plan that runs is kept, however
    large. Memory of further runs at the same time, by other threads, comes on top. The environment variable
    FASTKERAS_PLAN_MEMORY, a number of bytes, sets the first value. Raises ValueError unless it is a whole number of 0 or more.
    """
    if isinstance(bytes, bool) or not hasattr(bytes, '__index__') or bytes < 0:
        raise ValueError(f'set_plan_memory: expected a whole number of bytes, 0 or more, got {bytes!r}')
    _settings['plan_memory'] = int(bytes)


def _memory():
    """Bytes of memory of this machine, or of the control group that the process is in where that is less."""
    found = []
    if hasattr(os, 'sysconf'):
        found.append(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'))
    for path in ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'):
        try:
            with open(path) as file:
                found.append(int(file.read()))
        except (OSError, ValueError):   # there is none, or its limit is 'max'
            continue
    return min(found, default=4 << 30)


def winograd():
    """Whether 3 × 3 convolutions of stride 1 may be computed in the Winograd domain; True unless set."""
    return _settings['winograd']


def set_winograd(allowed):
    """Allow (True) or forbid (False) the Winograd domain in what is compiled from now on.

    There, 3 × 3 convolutions of stride 1 with enough channels take about 0.4 of the time. Their errors are 1 to 2e-6 of
    the largest output instead of 3e-7, and a NaN or an infinity in the input reaches the 4 × 4 outputs of each tile that
    holds it; in a kernel's gradient, all nine elements of its pair of channels. The environment variable
    FASTKERAS_WINOGRAD, 0 or 1, sets the first value.
    """
    if not isinstance(allowed, bool):
        raise ValueError(f'set_winograd: expected True or False, got {allowed!r}')
    _settings['winograd'] = allowed
    _changed()


# ---- what Keras 3 has besides
def backend():
    """'fastkeras': the engine is the only backend."""
    return 'fastkeras'


def set_backend(backend):
    """Raises ValueError for any backend but 'fastkeras'."""
    if backend != 'fastkeras':
        raise ValueError(f"set_backend: expected 'fastkeras', the engine of this package, got {backend!r}; models of other "
                         'backends can be loaded from their files')


def dtype_policy():
    """The `DTypePolicy` of layers made without a dtype: that of floatx unless set."""
    chosen = _settings['dtype_policy']
    return late.part('dtype_policies').DTypePolicy(floatx()) if chosen is None else chosen


def set_dtype_policy(policy):
    """Set the policy of layers made from now on without a dtype: a name, as 'float64' or 'mixed_float16' (which computes in
    float32 here, with one warning), a configuration or a `DTypePolicy`. None: that of floatx again.
    """
    _settings['dtype_policy'] = None if policy is None else late.part('dtype_policies').get(policy)


def chosen_dtype_policy():
    """The policy that set_dtype_policy set, or None."""
    return _settings['dtype_policy']


def enable_unsafe_deserialization():
    """Let all files run the Python code they hold (of Lambda layers), without safe_mode=False in each call: only where every
    source can be trusted."""
    _settings['unsafe_deserialization'] = True


def unsafe_deserialization():
    """Whether enable_unsafe_deserialization was called."""
    return _settings['unsafe_deserialization']


def is_traceback_filtering_enabled():
    """False: tracebacks are shown whole, with the lines of this package."""
    return False


def disable_traceback_filtering():
    """Show tracebacks whole: they always are."""


def enable_traceback_filtering():
    """Raises ValueError: the lines of this package cannot be left out of tracebacks."""
    raise ValueError('enable_traceback_filtering: tracebacks are always shown whole here; errors name the layer and the '
                     'argument in their message')


def is_flash_attention_enabled():
    """True unless disabled. Attention never keeps the table of all pairs here: the setting is what other code reads."""
    return _settings['flash_attention']


def enable_flash_attention():
    """Set what `is_flash_attention_enabled` says to True, as at the start."""
    _settings['flash_attention'] = True


def disable_flash_attention():
    """Set what `is_flash_attention_enabled` says to False. Results and memory of `ops.dot_product_attention` stay the same."""
    _settings['flash_attention'] = False


def is_nnx_enabled():
    """False: NNX belongs to Flax."""
    return False


def max_epochs():
    """The most epochs that a fit trains, or None."""
    return _settings['max_epochs']


def set_max_epochs(max_epochs):
    """Let no fit train more epochs than this, for a quick try of a whole program; None: no bound."""
    _settings['max_epochs'] = _bound('set_max_epochs', max_epochs)


def max_steps_per_epoch():
    """The most batches that an epoch of fit, evaluate or predict takes, or None."""
    return _settings['max_steps_per_epoch']


def set_max_steps_per_epoch(max_steps_per_epoch):
    """Let no epoch of fit, evaluate or predict take more batches than this, for a quick try of a whole program; None: no
    bound."""
    _settings['max_steps_per_epoch'] = _bound('set_max_steps_per_epoch', max_steps_per_epoch)


def _bound(function, value):
    if value is not None and (isinstance(value, bool) or not hasattr(value, '__index__') or value < 1):
        raise ValueError(f'{function}: expected a whole number of 1 or more, or None, got {value!r}')
    return None if value is None else int(value)
