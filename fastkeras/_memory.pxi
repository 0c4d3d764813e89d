"""Part of _core.pyx: memory of arrays, and budgets that it is held against."""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdlib cimport calloc, free, malloc, realloc


cdef enum:
    MOST_AXES = 64  # NumPy's, since version 2


cdef int dims_of(shape, cnp.npy_intp *dims) except -1:
    """The axes of a shape as NumPy's C functions take them; how many there are."""
    cdef int i, n = len(shape)
    if n > MOST_AXES:
        raise ValueError(f'an array has at most {MOST_AXES} axes, got a shape of {n}')
    for i in range(n):
        dims[i] = shape[i]
    return n


cdef class Aligned:
    """64-byte aligned memory, uninitialised; base of the arrays made by `empty`."""
    cdef void *data

    def __cinit__(self, size_t nbytes):
        if budgets_open and not spend(nbytes):
            raise MemoryError(f'no more budget for {nbytes} bytes')
        self.data = fk_alloc(nbytes)
        if self.data == NULL:
            raise MemoryError(f'no memory for {nbytes} bytes')

    def __dealloc__(self):
        fk_free(self.data)


def empty(tuple shape, dtype):
    """A 64-byte aligned array, uninitialised."""
    cdef cnp.dtype d = np.dtype(dtype)
    cdef cnp.npy_intp dims[MOST_AXES]
    cdef int i, axes = dims_of(shape, dims)
    cdef cnp.npy_intp n = 1
    for i in range(axes):
        n *= dims[i]
    cdef Aligned block = Aligned(n * d.itemsize)
    a = cnp.PyArray_SimpleNewFromData(axes, dims, d.type_num, block.data)
    cnp.set_array_base(a, block)
    return a


# ---- budgets: an allocator of NumPy's data (NEP 49) that counts
cdef extern from 'numpy/arrayobject.h':
    ctypedef struct PyDataMemAllocator:
        void *ctx
        void *(*malloc)(void *, size_t) noexcept nogil
        void *(*calloc)(void *, size_t, size_t) noexcept nogil
        void *(*realloc)(void *, void *, size_t) noexcept nogil
        void (*free)(void *, void *, size_t) noexcept nogil
    ctypedef struct PyDataMem_Handler:
        char name[127]
        unsigned char version
        PyDataMemAllocator allocator
    object PyDataMem_SetHandler(object)
    object PyDataMem_GetHandler()

cdef struct Account:
    PyDataMem_Handler handler       # first, for NumPy
    size_t limit, used
    int refused

cdef enum:
    HEAD = 64   # bytes in front of an array, which say how many it has

cdef int budgets_open = 0


cdef void *enter(void *ctx, void *block, size_t size) noexcept nogil:
    """Note a block that was taken; the memory of the array in it."""
    if block == NULL:
        return NULL
    (<size_t *> block)[0] = size
    (<Account *> ctx).used += size
    return <char *> block + HEAD


cdef bint fits(void *ctx, size_t size) noexcept nogil:
    cdef Account *account = <Account *> ctx
    if size > account.limit or account.used > account.limit - size:
        account.refused = 1
        return False
    return True


cdef void *counted_malloc(void *ctx, size_t size) noexcept nogil:
    return enter(ctx, malloc(size + HEAD), size) if fits(ctx, size) else NULL


cdef void *counted_calloc(void *ctx, size_t count, size_t each) noexcept nogil:
    cdef Account *account = <Account *> ctx
    if each and count > account.limit // each:
        account.refused = 1
        return NULL
    return enter(ctx, calloc(1, count * each + HEAD), count * each) if fits(ctx, count * each) else NULL


cdef void *counted_realloc(void *ctx, void *data, size_t size) noexcept nogil:
    cdef void *block
    cdef size_t before
    if data == NULL:
        return counted_malloc(ctx, size)
    block = <char *> data - HEAD
    before = (<size_t *> block)[0]
    if size > before and not fits(ctx, size - before):
        return NULL
    block = realloc(block, size + HEAD)
    if block == NULL:
        return NULL
    (<Account *> ctx).used -= before
    return enter(ctx, block, size)


cdef void counted_free(void *ctx, void *data, size_t size) noexcept nogil:
    cdef void *block
    if data != NULL:
        block = <char *> data - HEAD
        (<Account *> ctx).used -= (<size_t *> block)[0]
        free(block)


cdef void close_account(object capsule) noexcept:
    """Behind the last array that was made on it."""
    free(PyCapsule_GetPointer(capsule, 'mem_handler'))


cdef bint spend(size_t size):
    """Whether the budget in force, if there is one, has so many bytes more, which do not come back."""
    cdef Account *account = <Account *> PyCapsule_GetPointer(PyDataMem_GetHandler(), 'mem_handler')
    if account.handler.allocator.malloc != counted_malloc:
        return True
    if not fits(account, size):
        return False
    account.used += size
    return True


cdef class Budget:
    """In a `with` block, in this thread, the arrays that are made have so many bytes at most, all that are there at once;
    MemoryError for more, and then `refused` is true."""
    cdef Account *account
    cdef object handler, before

    def __cinit__(self, size_t limit):
        cdef Account *account = <Account *> calloc(1, sizeof(Account))
        if account == NULL:
            raise MemoryError()
        memcpy(account.handler.name, b'fastkeras', 10)
        account.handler.version, account.limit = 1, limit
        account.handler.allocator = PyDataMemAllocator(account, counted_malloc, counted_calloc, counted_realloc, counted_free)
        self.account = account
        self.handler = PyCapsule_New(account, 'mem_handler', <void (*)(object) noexcept> close_account)

    @property
    def refused(self):
        return bool(self.account.refused)

    @property
    def used(self):
        return self.account.used

    def __enter__(self):
        global budgets_open
        self.before = PyDataMem_SetHandler(self.handler)
        budgets_open += 1
        return self

    def __exit__(self, *error):
        global budgets_open
        PyDataMem_SetHandler(self.before)
        budgets_open -= 1
