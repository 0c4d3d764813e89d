"""Part of _core.pyx: Python's lock around runs.

A run lets it go, but for a brief one (`fk_plan_is_brief`) of several threads that predict: each would have to wait for the system
to wake it for every run. It keeps the lock, and now and then lets others have it before it begins, in turns (turns.c)."""

from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef enum:
    KEPT_NS = 1000000       # by brief runs one after the other
    WAITED_FOR_NS = 1000    # letting go takes so long where it wakes a thread; else a tenth
    RIVALS_NS = 10000000    # so long after a run of another thread there may be more of them

cdef unsigned long ran = 0      # the thread of the last brief run
cdef int64_t rivals = 0         # when that was another one than before; 0: long ago
cdef int64_t let_go = 0         # when the lock was, last, to others before a brief run


cdef int64_t nanoseconds() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <int64_t> t.tv_sec * 1000000000 + t.tv_nsec


cdef bint keeps_lock(const fk_plan *plan):
    """Whether a run that begins now keeps the lock."""
    global ran, rivals, let_go
    cdef int64_t now
    cdef unsigned long me = PyThread_get_thread_ident()
    if me == ran and not rivals or not fk_plan_is_brief(plan):
        return False
    now = nanoseconds()
    if me != ran:
        ran, rivals, let_go = me, now, now  # a turn begins
    elif now - rivals > RIVALS_NS:
        rivals = 0
        return False
    fk_turn_goes_on(now)
    if now - let_go >= KEPT_NS:
        let_go = now
        with nogil:
            fk_turn_ends(now, KEPT_NS, nanoseconds() - now >= WAITED_FOR_NS)
    return True
