"""Where the taps of a window meet an image: what the references of the convolutions are written with."""
import itertools


def taps(g, axes='hw'):
    """(index of the tap…, output slices, input slices) of every tap, where it is inside x. axes: of 'dhw', depth to width."""
    def axis(tap, dilation, stride, pad, size, out):
        inside = [o for o in range(out) if 0 <= o * stride - pad + tap * dilation < size]
        if not inside:
            return slice(0, 0), slice(0, 0)
        first = inside[0] * stride - pad + tap * dilation
        return slice(inside[0], inside[-1] + 1), slice(first, first + (len(inside) - 1) * stride + 1, stride)
    for tap in itertools.product(*(range(g['k' + a]) for a in axes)):
        cuts = [axis(t, g['d' + a], g['s' + a], g[{'d': 'pf', 'h': 'pt', 'w': 'pl'}[a]], g[a], g['o' + a])
                for t, a in zip(tap, axes)]
        yield *tap, (slice(None), *(c[0] for c in cuts)), (slice(None), *(c[1] for c in cuts))
