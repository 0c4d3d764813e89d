"""Part of _core.pyx: what the engine has, and its settings."""

# ---- tables
def ops():
    """name → (opcode, names of the refs, [(kind, name)] of the attributes, carries an epilogue)."""
    table = {}
    for i in range(fk_op_count()):
        info = fk_op(i)
        attrs = [tuple(a.split(':')) for a in info.attrs.decode().split()]
        table[info.name.decode()] = (i, info.refs.decode().split(), attrs, bool(info.epilogue))
    return table


def micros():
    """name of a tile micro-operation → (number, operands)."""
    table = {}
    for i in range(fk_micro_count()):
        name, arity = fk_micro(i).decode().split('/')
        table[name] = (i, int(arity))
    return table


def limits():
    """The sizes and codes of csrc/shared.def: {group: {name: number}}, and in 'warp_image' the type of such records."""
    table = {}
    for i in range(fk_shared_count()):
        info = fk_shared(i)
        table.setdefault(info.group.decode(), {})[info.name.decode()] = info.value
    names, formats, offsets = [], [], []
    for i in range(fk_warp_field_count()):
        field = fk_warp_field(i)
        names.append(field.name.decode())
        formats.append((f'{chr(field.kind)}{field.size}', (field.count,) if field.count > 1 else ()))
        offsets.append(field.offset)
    table['warp_image'] = np.dtype({'names': names, 'formats': formats, 'offsets': offsets,
                                    'itemsize': fk_warp_image_size()})
    return table


def chunks(int op, const int64_t[::1] attr):
    return fk_chunks(op, &attr[0])


def parts(int op, const int64_t[::1] attr):
    return fk_parts(op, &attr[0])


def chunk_rows(int op, const int64_t[::1] attr):
    """The rows of its first output that the chunks of a step begin with, then how many there are; None where chunks are not runs
    of rows."""
    cdef int64_t c, count = max(1, fk_chunks(op, &attr[0]))
    if fk_chunk_row(op, &attr[0], 0) < 0:
        return None
    return tuple([fk_chunk_row(op, &attr[0], c) for c in range(count + 1)])


def program_ending(const int64_t[::1] words):
    """(channels of the bias, low, high) where a tile program does clip(x + bias, low, high) and no more, else None."""
    cdef double bounds[2]
    channels = fk_program_ending(&words[0], bounds)
    return (channels, bounds[0], bounds[1]) if channels >= 0 else None


# ---- settings
def isas():
    """The instruction sets that this machine has, narrowest first."""
    return [fk_isa_name(i).decode() for i in range(fk_isa_count()) if fk_isa_available(i)]


def isa():
    return fk_isa_name(fk_isa()).decode()


def set_isa(str name):
    for i in range(fk_isa_count()):
        if fk_isa_available(i) and fk_isa_name(i).decode() == name:
            fk_isa_set(i)
            changed()
            return
    raise ValueError(f'this machine has the instruction sets {isas()}, not {name!r}')


def gemm_nr():
    return fk_isa_nr()


def caches():
    """Bytes of the caches: 'L1' of a core, for data, 'L2' a core's part, 'L3' whole; 0 for one that is not there or not known."""
    return {f'L{level}': fk_cache_bytes(level) for level in (1, 2, 3)}


def block_ranges():
    """name → (lowest, highest, multiple, meaning) of the block sizes of csrc/blocks.def, in their order."""
    return {fk_block(i).name.decode(): (fk_block(i).lowest, fk_block(i).highest, fk_block(i).multiple,
                                        fk_block(i).meaning.decode()) for i in range(fk_block_count())}


def blocks():
    """name → block size of the kernels, with the instruction set in force."""
    return {fk_block(i).name.decode(): fk_block_size(i) for i in range(fk_block_count())}


def blocks_for(str isa, int64_t l1, int64_t l2):
    """The sizes that would be chosen for caches of so many bytes, 0 for one that is not known."""
    cdef int64_t[::1] sizes = np.zeros(fk_block_count(), np.int64)
    fk_block_sizes_for([fk_isa_name(i).decode() if fk_isa_available(i) else '' for i in range(fk_isa_count())].index(isa), l1, l2,
                       &sizes[0])
    return {name: sizes[i] for i, name in enumerate(block_ranges())}


def fma_peak(double seconds=0.1):
    """Measured GFLOP/s of one core, float32, with the instruction set in force."""
    with nogil:
        r = fk_fma_peak(seconds)
    return r


def threads():
    return fk_threads()


def set_threads(int n):
    fk_threads_set(n)
    changed()
