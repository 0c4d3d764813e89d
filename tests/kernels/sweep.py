"""A kernel step on every instruction set and thread count: results may differ between sets, never between threads."""
import numpy as np
import step


def sweep(op, inputs, outputs, tile=(), words=None, isas=tuple(step.ISAS), **attrs):
    """Runs the step with `inputs` and outputs of the given (shape, dtype); yields (isa, outputs).

    The outputs start as garbage, so that an element that no chunk writes is seen."""
    for isa in isas:
        results = []
        for threads in (1, 2):
            outs = [np.full(shape, 77, dtype) for shape, dtype in outputs]
            extra = [outs[0] if t is sweep.first else t for t in tile]
            step.run(op, [*inputs, *outs], tile=extra, words=words, isa=isa, threads=threads, **attrs)
            results.append(outs)
        for one, two in zip(*results):
            np.testing.assert_array_equal(one.view(np.uint8), two.view(np.uint8), err_msg=f'{op} {isa}: threads differ')
        yield isa, results[0]


sweep.first = object()  # in `tile`: the first output itself


def double_plus_channel(channels):
    """An epilogue y·2 + bias[channel], in place on the first output: (bias, keywords of `sweep`)."""
    bias = np.arange(channels, dtype=np.float32)
    flat = np.zeros(1, np.float32)
    words = step.program([step.access(flat), step.access(bias, step.MOD, channels)], [('float32', 1)],
                         [('mul', 0, ('in', 0), ('imm', 0)), ('add', 1, 0, ('in', 1))], [2.0])
    return bias, {'words': words, 'tile': [sweep.first, bias, sweep.first]}


ADD_BIAS, ADD_RESIDUAL, RESIDUAL_FIRST = ('add', ('in', 1)), ('add', ('in', 2)), ('add', ('in', 2), None)
RELU, RELU6, CLIP = [('relu',)], [('relu',), ('minimum', ('imm', 0))], [('minimum', ('imm', 0)), ('maximum', ('imm', 1))]
ENDINGS = {
    'bias': [ADD_BIAS], 'relu': RELU, 'bias relu': [ADD_BIAS, *RELU], 'bias relu6': [ADD_BIAS, *RELU6],
    'bias up to 6': [ADD_BIAS, ('relu6',)],
    'residual up to 6': [ADD_RESIDUAL, ('relu6',)], 'clip': CLIP, 'residual': [ADD_RESIDUAL],
    'bias residual': [ADD_BIAS, ADD_RESIDUAL],
    'bias residual relu': [ADD_BIAS, ADD_RESIDUAL, *RELU], 'residual first, relu6': [RESIDUAL_FIRST, *RELU6],
    'bias residual clip': [ADD_BIAS, ADD_RESIDUAL, *CLIP],
    'residual bias': [ADD_RESIDUAL, ADD_BIAS], 'relu residual': [*RELU, ADD_RESIDUAL]}  # these are left to the interpreter
HIGH, LOW = 1.5, -0.75


def endings(shape, rng):
    """The programs of kernels/ending.h on results of this shape: (name, bias and residual, what becomes of y, keywords of
    `sweep`, the same with a second output, which keeps them from being done in registers)."""
    bias = rng.normal(size=shape[-1]).astype(np.float32)
    residual, gate = rng.normal(size=(2, *shape)).astype(np.float32)
    gate.flat[:3] = 0, -0.0, np.nan
    inputs = [step.access(residual), step.access(bias, step.MOD, shape[-1]), step.access(residual), step.access(gate)]
    gate.flat[3:5] = HIGH, np.inf
    above, chosen = ('gt', 2, ('in', 3), ('imm', 2)), ('select', 3, 2)
    within = above, ('lt', 4, ('in', 3), ('imm', 0)), ('and', 5, 4, 2)

    def both(last, code):
        return [{'words': step.program(inputs, [('float32', last)] * n, code, [HIGH, LOW, 0.0]),
                 'tile': [sweep.first, bias, residual, gate, sweep.first, np.empty(shape, np.float32)][:4 + n]}
                for n in (1, 2)]
    for name, steps in ENDINGS.items():
        code, operations, last = [], [], ('in', 0)
        for k, (micro, *rest) in enumerate(steps):
            code.append((micro, k % 2, *([rest[0], last] if None in rest else [last, *rest])))
            last = k % 2
            operations.append((micro, *rest))

        def exact(y, operations=operations):
            for micro, *rest in operations:
                value = {'in': (None, bias, residual), 'imm': (HIGH, LOW)}[rest[0][0]][rest[0][1]] if rest else 0
                y = {'add': np.add, 'relu': np.maximum, 'minimum': np.minimum, 'maximum': np.maximum,
                     'relu6': lambda y, _: np.clip(y, 0, 6)}[micro](y, value)
            return y
        yield name, exact, *both(last, code)
        yield f'{name} where above', lambda y, exact=exact: np.where(gate > 0, exact(y), 0), *both(
            3, [above, *code, (*chosen, last, ('imm', 2))])
        yield f'{name} within', lambda y, exact=exact: np.where((gate > 0) & (gate < HIGH), exact(y), 0), *both(
            3, [*within, *code, ('select', 3, 5, last, ('imm', 2))])
    yield 'gradient of relu', lambda y: np.where(gate > 0, y, 0), *both(3, [above, (*chosen, ('in', 0), ('imm', 2))])


def check_endings(op, inputs, y, room, rng, **attrs):
    """Every ending behind a step of one output, whose plain results are y in float64, within `room`: in registers, and with
    the bits that the interpreter leaves."""
    for name, exact, simple, general in endings(y.shape, rng):
        found, interpreted = (list(sweep(op, inputs, [(y.shape, np.float32)], **how, **attrs)) for how in (simple, general))
        for (isa, (got,)), (_, (wanted,)) in zip(found, interpreted):
            assert (np.abs(got - exact(y)) <= room).all(), f'{op} {isa}: {name}'
            np.testing.assert_array_equal(got.view(np.int32), wanted.view(np.int32), err_msg=f'{op} {isa}: {name}')
