"""Where the taps of a window meet an image: what the references of the convolutions are written with."""
import numpy as np


def taps(g):
    """(tap row, tap column, output slices, input slices) of every tap, where it is inside x."""
    def axis(tap, dilation, stride, pad, size, out):
        inside = [o for o in range(out) if 0 <= o * stride - pad + tap * dilation < size]
        if not inside:
            return slice(0, 0), slice(0, 0)
        first = inside[0] * stride - pad + tap * dilation
        return slice(inside[0], inside[-1] + 1), slice(first, first + (len(inside) - 1) * stride + 1, stride)
    for i in range(g['kh']):
        rows, x_rows = axis(i, g['dh'], g['sh'], g['pt'], g['h'], g['oh'])
        for j in range(g['kw']):
            columns, x_columns = axis(j, g['dw'], g['sw'], g['pl'], g['w'], g['ow'])
            yield i, j, np.s_[:, rows, columns], np.s_[:, x_rows, x_columns]
