"""A kernel step on every instruction set and thread count: results may differ between sets, never between threads."""
import numpy as np
import step


def sweep(op, inputs, outputs, tile=(), words=None, **attrs):
    """Runs the step with `inputs` and outputs of the given (shape, dtype); yields (isa, outputs).

    The outputs start as garbage, so that an element that no chunk writes is seen."""
    for isa in step.ISAS:
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
