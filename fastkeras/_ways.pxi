"""Part of _core.pyx: batches whose like was run before are run again without a look at anything but the arrays."""

# ---- changes: of values of variables, and of settings that runs depend on
cdef int64_t latest = 0


def changed():
    """Say that something was changed that runs depend on. Returns the number of the change, which no other has."""
    global latest
    latest += 1
    return latest


def latest_change():
    """The number of the latest change of anything that runs depend on."""
    return latest


cdef class Way:
    """Runs of an executor that is one plan, for arrays which are what it takes as they are, and which do nothing else than run
    it: open until the next change. threads: how many it is made for, 0 for any number. `used`: whether there was a run since
    this was set to False."""
    cdef object __weakref__
    cdef Executor executor
    cdef int64_t change
    cdef int threads
    cdef object container
    cdef public bint used

    def __init__(self, int threads=0):
        self.threads, self.change = threads, -1

    def open(self, Executor executor not None, int64_t change, container):
        """The executor, which has all that it reads as it was at a change, may be run while that is the latest. container: list
        or tuple, in which its inputs come, or ndarray for the only one."""
        self.executor, self.container, self.change = executor, container, change

    def close(self):
        """Let go of the executor. Who is running it keeps it until then."""
        self.change = -1
        self.executor = None

    cdef list taken(self, Executor e, x, int64_t most):
        """x as the executor takes it, a list; None unless the way is open for it."""
        cdef int i
        cdef tuple given
        if self.change != latest or self.threads and self.threads != fk_threads() or e.inputs[0].shape[0] > most:
            return None
        if type(x) is not self.container:
            return None
        given = (x,) if type(x) is cnp.ndarray else tuple(x)    # another thread may change a list while arrays are converted
        if len(given) != e.nin:
            return None
        for i in range(e.nin):
            if not is_such(given[i], &e.inputs[i]):
                return None
        found = [as_wanted(given[i], &e.inputs[i]) for i in range(e.nin)]
        # converting lets other threads run, which may have closed the way or changed a variable
        return found if self.change == latest and self.executor is e else None


cdef bint is_such(x, const Bound *b):
    """Whether x is an array that a way takes: of this shape and type, or of float64, NumPy's own, where float32 is wanted."""
    if type(x) is not cnp.ndarray or not has_shape(<cnp.ndarray> x, b):
        return False
    if cnp.PyArray_TYPE(<cnp.ndarray> x) == b.type:
        return cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> x)
    return b.type == cnp.NPY_FLOAT and cnp.PyArray_TYPE(<cnp.ndarray> x) == cnp.NPY_DOUBLE


cdef as_wanted(x, const Bound *b):
    if cnp.PyArray_TYPE(<cnp.ndarray> x) == b.type:
        return x
    return cnp.PyArray_FROM_OTF(x, cnp.NPY_FLOAT, cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_FORCECAST)


cdef bint is_kept(way):
    return way is not None and (<Way> way).executor is not None


cdef class Ways:
    """The ways of a model, of arrays of many shapes: at most `limit`. They live as long as the plans that opened them."""
    cdef readonly list known    # weak references
    cdef int limit

    def __init__(self, int limit):
        self.known, self.limit = [], limit

    def add(self, Way way not None):
        """Have this one too, and no longer those that are closed for good, nor the oldest of too many."""
        new = weakref.ref(way)
        if new not in self.known:
            kept = [ref for ref in self.known if is_kept(ref())]
            self.known = [*kept[max(0, len(kept) + 1 - self.limit):], new]

    def run(self, x, most=None):
        """The results for x, an array, or a list or tuple of arrays: a new array, or a list of them where there are several. None
        where no way is open for arrays just like these, where they have more rows than `most`, unless that is None, and where an
        index in them is out of range."""
        cdef Way way
        cdef list given
        cdef Executor executor
        cdef list known = self.known
        cdef int64_t rows = INT64_MAX if most is None or most > INT64_MAX else most
        cdef int i
        for i in range(len(known)):
            one = known[i]()
            if one is None:
                continue
            way = <Way> one
            executor = way.executor     # held, for others may close the way meanwhile
            given = None if executor is None else way.taken(executor, x, rows)
            if given is not None:
                way.used = True
                try:
                    outs = executor.run_again(given)
                except IndexError:
                    break
                return outs[0] if len(outs) == 1 else outs
        return None
