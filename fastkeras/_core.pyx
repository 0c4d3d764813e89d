# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True
"""Binding of the native engine: plans, executors, threads and instruction sets; of logic, which arrays go the shortest way."""

import os
import threading
import time
import weakref

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cimport numpy as cnp
import numpy as np

cnp.import_array()

cdef extern from 'fk.h' nogil:
    ctypedef struct fk_op_info:
        const char *name
        const char *refs
        const char *attrs
        int epilogue
        int64_t attr_words
    ctypedef struct fk_plan:
        pass
    ctypedef struct fk_shared_info:
        const char *group
        const char *name
        int64_t value
    ctypedef struct fk_field_info:
        const char *name
        int kind, size, count
        int64_t offset
    int fk_shared_count()
    const fk_shared_info *fk_shared(int)
    int fk_warp_field_count()
    const fk_field_info *fk_warp_field(int)
    int64_t fk_warp_image_size()
    int fk_op_count()
    const fk_op_info *fk_op(int)
    int fk_micro_count()
    const char *fk_micro(int)
    int fk_isa_count()
    int fk_isa_available(int)
    const char *fk_isa_name(int)
    int fk_isa()
    int fk_isa_set(int)
    int fk_isa_nr()
    double fk_fma_peak(double)
    int64_t fk_cache_bytes(int)
    ctypedef struct fk_block_info:
        const char *name
        const char *meaning
        int64_t lowest, highest, multiple
    int fk_block_count()
    const fk_block_info *fk_block(int)
    int64_t fk_block_size(int)
    int fk_block_set(int, int64_t)
    void fk_block_sizes_for(int, int64_t, int64_t, int64_t *)
    int64_t fk_chunks(int, const int64_t *)
    int64_t fk_parts(int, const int64_t *)
    int64_t fk_chunk_row(int, const int64_t *, int64_t)
    int64_t fk_program_ending(const int64_t *, double *)
    void fk_threads_set(int)
    int fk_threads()
    int fk_init()
    ctypedef struct fk_plan_words:
        const int64_t *steps, *refs, *moves, *loops, *attrs, *programs
        int64_t nsteps, nrefs, nmoves, nloops, nattrs
    fk_plan *fk_plan_new(const fk_plan_words *)
    void fk_plan_free(fk_plan *)
    enum:
        FK_MAXLOOP, FK_STEP_WORDS, FK_REF_WORDS, FK_MOVE_WORDS, FK_LOOP_WORDS, FK_STOPPED
    ctypedef int (*fk_wish)() noexcept nogil
    int64_t fk_plan_run(fk_plan *, void **, const int64_t *, fk_wish)
    int fk_plan_is_brief(const fk_plan *)
    void fk_turn_goes_on(int64_t)
    void fk_turn_ends(int64_t, int64_t, int)
    int64_t fk_plan_profile(const fk_plan *, void **, const int64_t *, double *)
    int64_t fk_plan_chunks(const fk_plan *, int64_t)
    void *fk_alloc(size_t)
    void fk_free(void *)
    int64_t fk_alloc_count()
    int64_t fk_alloc_bytes()

cdef extern from 'checksum.h' nogil:
    uint32_t fk_crc32(uint32_t, const uint8_t *, size_t)
    uint32_t fk_crc32_joined(uint32_t, uint32_t, uint64_t)

cdef extern from 'Python.h' nogil:
    int check_signals 'PyErr_CheckSignals'()
    int handle_signals 'PyErr_CheckSignals'() except -1
    unsigned long PyThread_get_thread_ident()

if fk_init() != 0:
    raise ImportError('fastkeras: this processor has none of the instruction sets that the kernels are compiled for; '
                      'x86-64-v2 (SSE4.2 and POPCNT) is the least')

include '_tables.pxi'

from fastkeras.utils.environment import asked_blocks, check_engine
check_engine(isas(), isa(), threads())
for _number, _size in asked_blocks(block_ranges()):  # now or never: what is packed lies in blocks
    fk_block_set(_number, _size)


def allocations():
    """(allocations of arenas and scratch so far, bytes held now)."""
    return fk_alloc_count(), fk_alloc_bytes()


# ---- signals: Python runs their handlers in its main thread, so a run there looks for them now and then
cdef unsigned long main_thread = threading.main_thread().ident


def _main_thread_of_child():
    global main_thread
    main_thread = PyThread_get_thread_ident()


os.register_at_fork(after_in_child=_main_thread_of_child)


cdef int signalled() noexcept nogil:
    """Runs the handlers of signals that have come; -1 when one raised, and then its exception is set."""
    with gil:
        return check_signals()


# ---- Python's lock
include '_lock.pxi'

# ---- memory
include '_memory.pxi'


def crc32(const uint8_t[::1] data, uint32_t before=0):
    """As zlib.crc32."""
    with nogil:
        before = fk_crc32(before, &data[0], data.shape[0])
    return before


def crc32_joined(uint32_t first, uint32_t second, uint64_t nbytes):
    return fk_crc32_joined(first, second, nbytes)


# ---- plans
cdef const int64_t *start(const int64_t[::1] words):
    return &words[0] if words.shape[0] else NULL


cdef class Plan:
    """A flat array of steps (see fk.h for the words)."""
    cdef fk_plan *ptr
    cdef readonly int64_t steps

    def __cinit__(self, const int64_t[::1] steps, const int64_t[::1] refs, const int64_t[::1] moves,
                  const int64_t[::1] loops, const int64_t[::1] attrs, const int64_t[::1] programs):
        cdef fk_plan_words w
        self.steps = w.nsteps = steps.shape[0] // FK_STEP_WORDS
        w.nrefs, w.nmoves = refs.shape[0] // FK_REF_WORDS, moves.shape[0] // FK_MOVE_WORDS
        w.nloops, w.nattrs = loops.shape[0] // FK_LOOP_WORDS, attrs.shape[0]
        w.steps, w.refs, w.moves, w.loops = start(steps), start(refs), start(moves), start(loops)
        w.attrs, w.programs = start(attrs), start(programs)
        self.ptr = fk_plan_new(&w)
        if self.ptr == NULL:
            raise MemoryError('the plan could not be made')

    def __dealloc__(self):
        fk_plan_free(self.ptr)

    def chunks(self, int64_t step):
        return fk_plan_chunks(self.ptr, step)


cdef class HostStep:
    """A step that NumPy does: function(*inputs) → array, or several of them where there are several outputs, on views of the
    plan's memory. Places are (space, offset, shape, dtype, moves), moves as in fk.h."""
    cdef readonly object function, inputs, outputs

    def __init__(self, function, inputs, outputs):
        self.function, self.inputs, self.outputs = function, inputs, outputs


cdef class Loop:
    """Segments that are run `count` times, or as long as the byte at the place `go` is not 0 before a round."""
    cdef readonly list segments
    cdef readonly int64_t count
    cdef readonly int level
    cdef readonly object go

    def __init__(self, segments, count, level, go=None):
        self.segments, self.count, self.level, self.go = segments, count, level, go


cdef struct Bound:  # an array that is bound at each run
    int space, type, axes
    cnp.npy_intp shape[MOST_AXES]


cdef Bound *bounds_of(list arrays) except NULL:
    """Of [(space, shape, dtype)]."""
    cdef Bound *bounds = <Bound *> PyMem_Calloc(len(arrays) + 1, sizeof(Bound))
    cdef int i
    if bounds == NULL:
        raise MemoryError('no memory for an executor')
    for i, (space, shape, dtype) in enumerate(arrays):
        bounds[i].space, bounds[i].type = space, np.dtype(dtype).num
        bounds[i].axes = dims_of(tuple(shape), bounds[i].shape)
    return bounds


cdef inline bint has_shape(cnp.ndarray a, const Bound *b):
    cdef int i
    if cnp.PyArray_NDIM(a) != b.axes:
        return False
    for i in range(b.axes):
        if cnp.PyArray_DIM(a, i) != b.shape[i]:
            return False
    return True


cdef inline bint bindable(cnp.ndarray a, const Bound *b):
    """Whether an array may be bound."""
    return cnp.PyArray_TYPE(a) == b.type and cnp.PyArray_ISCARRAY_RO(a) and has_shape(a, b)


cdef tuple shape_of(const Bound *b):
    return tuple([b.shape[i] for i in range(b.axes)])


cdef class Executor:
    """Runs segments (Plans, HostSteps and Loops) over one address table.

    Space 0 is the arena. fixed: [(space, array)] bound once; inputs, outputs: [(space, shape, dtype)] bound at each run.
    Any number of threads may run one executor: each run takes an arena of its own from a free list.
    """
    cdef readonly list segments
    cdef readonly Plan only     # the plan, where there is nothing else
    cdef list keep
    cdef int nspaces, nin, nout
    cdef size_t arena_bytes
    cdef void **fixed
    cdef Bound *inputs
    cdef Bound *outputs
    cdef void ***pool
    cdef int npool, cap

    def __init__(self, list segments, int nspaces, size_t arena_bytes, list fixed, list inputs, list outputs):
        self.segments = segments
        self.only = segments[0] if len(segments) == 1 and isinstance(segments[0], Plan) else None
        self.nspaces, self.arena_bytes = nspaces, arena_bytes
        self.nin, self.nout = len(inputs), len(outputs)
        self.fixed = <void **> PyMem_Calloc(nspaces, sizeof(void *))
        self.keep = []
        for space, array in fixed:
            self.fixed[space] = cnp.PyArray_DATA(<cnp.ndarray?> array)
            self.keep.append(array)
        self.inputs, self.outputs = bounds_of(inputs), bounds_of(outputs)

    def __dealloc__(self):
        cdef int i
        for i in range(self.npool):
            fk_free(self.pool[i][0])
            PyMem_Free(self.pool[i])
        PyMem_Free(self.pool)
        PyMem_Free(self.fixed)
        PyMem_Free(self.inputs)
        PyMem_Free(self.outputs)

    cdef void **take(self) except NULL:
        cdef void **bases
        if self.npool:
            self.npool -= 1
            return self.pool[self.npool]
        bases = <void **> PyMem_Malloc(self.nspaces * sizeof(void *))
        if bases == NULL:
            raise MemoryError('no memory for a run')
        memcpy(bases, self.fixed, self.nspaces * sizeof(void *))
        bases[0] = fk_alloc(self.arena_bytes + 64)
        if bases[0] == NULL:
            PyMem_Free(bases)
            raise MemoryError(f'no memory for an arena of {self.arena_bytes} bytes')
        return bases

    cdef int give(self, void **bases) except -1:
        cdef void ***larger
        if self.npool == self.cap:
            larger = <void ***> PyMem_Realloc(self.pool, (2 * self.cap + 1) * sizeof(void **))
            if larger == NULL:  # then it is made anew for another run
                fk_free(bases[0])
                PyMem_Free(bases)
                return 0
            self.pool, self.cap = larger, 2 * self.cap + 1
        self.pool[self.npool] = bases
        self.npool += 1
        return 0

    def run(self, args, list outs=None, dict seconds=None):
        """outs: arrays to write the results to (C-contiguous, of the right shape and type); new ones when None.
        Returns the list of results; IndexError(plan, step) when an index was out of range.
        seconds: takes the times of the steps of each plan, and that of each host step; all then run one after the other, on
        this thread alone.
        A signal whose handler raises (Ctrl-C) ends a run on Python's main thread; what the plan updates is then updated in
        part: each element has its old value or its new one."""
        cdef int i
        cdef int64_t rounds[FK_MAXLOOP]
        cdef cnp.ndarray a
        if len(args) != self.nin:
            raise ValueError(f'{self.nin} inputs expected, got {len(args)}')
        if outs is None:
            outs = self.new_outs()
        cdef void **bases = self.take()
        try:
            for i in range(self.nin):
                a = <cnp.ndarray?> args[i]
                if not bindable(a, &self.inputs[i]):
                    raise ValueError(f'input {i}: a C-contiguous array of shape {shape_of(&self.inputs[i])} and the type of '
                                     f'the plan was expected, got {a.dtype}{list((<object> a).shape)}')
                bases[self.inputs[i].space] = cnp.PyArray_DATA(a)
            for i in range(self.nout):
                a = <cnp.ndarray?> outs[i]
                if not bindable(a, &self.outputs[i]) or not cnp.PyArray_ISWRITEABLE(a):
                    raise ValueError(f'output {i}: a writable C-contiguous array of shape {shape_of(&self.outputs[i])} was '
                                     'expected')
                bases[self.outputs[i].space] = cnp.PyArray_DATA(a)
            if self.only is not None and seconds is None:
                self.native(self.only, bases, NULL)
            else:
                for i in range(FK_MAXLOOP):
                    rounds[i] = 0
                self.run_segments(self.segments, bases, rounds, seconds)
        finally:
            self.give(bases)
        return outs

    cdef list run_again(self, list arrays):
        """The results of the only plan for arrays which are known to fit."""
        cdef int i
        cdef list outs = self.new_outs()
        cdef void **bases = self.take()
        for i in range(self.nin):
            bases[self.inputs[i].space] = cnp.PyArray_DATA(<cnp.ndarray> arrays[i])
        for i in range(self.nout):
            bases[self.outputs[i].space] = cnp.PyArray_DATA(<cnp.ndarray> outs[i])
        try:
            self.native(self.only, bases, NULL)
        finally:
            self.give(bases)
        return outs

    cdef int native(self, Plan plan, void **bases, int64_t *rounds) except -1:
        cdef int64_t failed
        cdef fk_wish wish = NULL
        if PyThread_get_thread_ident() == main_thread:
            wish = signalled
        if keeps_lock(plan.ptr):
            failed = fk_plan_run(plan.ptr, bases, rounds, wish)
        else:
            with nogil:
                failed = fk_plan_run(plan.ptr, bases, rounds, wish)
        if failed == FK_STOPPED:
            return -1  # with the exception that the handler raised
        if failed:
            self.raise_failed(plan, failed)
        return 0

    cdef run_segments(self, list segments, void **bases, int64_t *rounds, dict seconds):
        cdef int64_t k
        cdef Loop loop
        for segment in segments:
            if isinstance(segment, Plan):
                if seconds is not None:
                    self.run_timed(<Plan> segment, bases, rounds, seconds)
                    continue
                self.native(<Plan> segment, bases, rounds)
            elif isinstance(segment, Loop):
                loop = <Loop> segment
                for k in range(loop.count):
                    handle_signals()  # a plan that is done before it asks for the first time never does
                    rounds[loop.level] = k
                    if loop.go is not None and not self.at(loop.go, bases, rounds)[0]:
                        break
                    self.run_segments(loop.segments, bases, rounds, seconds)
            else:
                begin = time.perf_counter()
                self.host(<HostStep> segment, bases, rounds)
                if seconds is not None:
                    times = seconds.setdefault(segment, np.zeros(1))
                    times[0] += time.perf_counter() - begin

    cdef run_timed(self, Plan plan, void **bases, int64_t *rounds, dict seconds):
        cdef double[::1] t = seconds.setdefault(plan, np.zeros(plan.steps + 1))
        cdef int64_t failed = fk_plan_profile(plan.ptr, bases, rounds, &t[0])
        if failed:
            self.raise_failed(plan, failed)

    cdef char *at(self, place, void **bases, int64_t *rounds):
        """The address of a place in these rounds of the loops around it."""
        cdef int64_t t, offset = place[1]
        for level, stride, period in place[4]:
            t = rounds[<int> level]
            offset += (t % <int64_t> period if period else t) * <int64_t> stride
        return <char *> bases[<int> place[0]] + offset

    cdef list new_outs(self):
        cdef Bound *b = self.outputs
        return [cnp.PyArray_EMPTY(b[i].axes, b[i].shape, b[i].type, 0) for i in range(self.nout)]

    cdef view(self, place, void **bases, int64_t *rounds):
        cdef cnp.npy_intp dims[MOST_AXES]
        return cnp.PyArray_SimpleNewFromData(dims_of(place[2], dims), dims, np.dtype(place[3]).num,
                                             self.at(place, bases, rounds))

    cdef host(self, HostStep step, void **bases, int64_t *rounds):
        inputs = [self.view(p, bases, rounds) for p in step.inputs]
        values = step.function(*inputs)
        for place, value in zip(step.outputs, values if len(step.outputs) > 1 else (values,)):
            self.view(place, bases, rounds)[...] = value

    cdef raise_failed(self, segment, int64_t failed):
        if failed < 0:
            raise MemoryError('no memory for the scratch of a thread')
        raise IndexError(segment, failed - 1)


# ---- what is run again
include '_ways.pxi'
