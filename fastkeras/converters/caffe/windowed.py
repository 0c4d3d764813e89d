"""Layers whose windows slide over images: convolutions, poolings, local normalisation."""

from fastkeras import layers

from .bounds import WINDOW
from .caffe_windows import CaffeDeconvolution, CaffeLRN, CaffeMVN, CaffePooling
from .draft import shown
from .known import finite, layer_type, one, positive


def _two(draft, p, name, default=None):
    """(rows, columns) of a parameter of a window, said as one number, as two, or for each axis (`kernel_h`, `kernel_w`)."""
    short = name.removesuffix('_size')
    by_axis = [getattr(p, f'{short}_{a}') for a in 'hw' if hasattr(p, f'{short}_{a}') and p.HasField(f'{short}_{a}')]
    given = getattr(p, name)
    plain = list(given) if hasattr(given, 'append') else [given] if p.HasField(name) else []
    if by_axis and plain:
        raise draft.error(f'{name} and {short}_h, {short}_w are both given; expected one of them')
    if len(by_axis) == 1 and name in ('kernel_size', 'stride'):
        raise draft.error(f'expected both {short}_h and {short}_w')
    if by_axis:
        plain = [getattr(p, f'{short}_{a}') for a in 'hw']
    if not plain and default is None:
        raise draft.error(f'expected {name}, the size of the window')
    plain = plain or [default]
    if len(plain) > 2:
        raise draft.error(f'expected {name} for two axes, rows and columns, got {len(plain)}')
    if max(plain) > WINDOW:
        raise draft.error(f'expected {name} of at most {WINDOW}, got {max(plain)}')
    return tuple(positive(draft, name, v, least=0 if name == 'pad' else 1) for v in (plain * 2)[:2])


def _padded(draft, x, pads, how, config):
    """The image with zeros around it, unless they are what Keras calls 'same'."""
    if how == 'same' or pads == (0, 0):
        config['padding'] = how
        return x
    config['padding'] = 'valid'
    n, c, h, w = x.shape
    shape = (n, c, *(None if d is None else d + 2 * p for d, p in zip((h, w), pads)))
    return draft.add(layers.ZeroPadding2D, {'padding': pads, 'data_format': draft.data_format}, x, shape, suffix='_pad')


def _check_windows(draft, x, sizes):
    if any(d is not None and d < 1 for d in sizes):
        raise draft.error(f'its window is larger than its input of shape {shown(x.shape)}')


@layer_type('Convolution', 'ConvolutionDepthwise', 'DepthwiseConvolution')
def convolution(draft, layer, bottoms):
    p = layer.convolution_param
    if not bottoms:
        raise draft.error('expected a bottom')
    kernel, stride, pads = _two(draft, p, 'kernel_size'), _two(draft, p, 'stride', 1), _two(draft, p, 'pad', 0)
    dilation = _two(draft, p, 'dilation', 1)
    filters, made = positive(draft, 'num_output', p.num_output), []
    if p.axis not in (1, -3):
        raise draft.error(f'expected axis 1, of the channels, got {p.axis}')
    for x in bottoms:
        x = draft.as_image(x)
        channels = x.shape[1]
        draft.known(channels)
        groups = positive(draft, 'group', p.group) if layer.type == 'Convolution' else channels
        if channels % groups or filters % groups:
            raise draft.error(f'expected {channels} channels and num_output={filters} to be multiples of group={groups}')
        windows = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        sizes = [None if n is None else (n + 2 * q - k) // s + 1 if n + 2 * q >= k else 0
                 for n, q, k, s in zip(x.shape[2:], pads, windows, stride)]
        _check_windows(draft, x, sizes)
        depthwise = groups == channels > 1 and (stride[0] == stride[1] or dilation == (1, 1))
        wanted = [((filters, channels // groups, *kernel), _depthwise_kernel(channels) if depthwise else _kernel)]
        if p.bias_term:
            wanted.append(((filters,),))
        weights = draft.weights(*wanted)
        same = stride == (1, 1) and all(2 * q == k - 1 for q, k in zip(pads, windows))
        config = {'kernel_size': kernel, 'strides': stride, 'padding': 'valid', 'data_format': draft.data_format,
                  'dilation_rate': dilation, 'use_bias': p.bias_term}
        x = _padded(draft, x, pads, 'same' if same and pads != (0, 0) else 'valid', config)
        if depthwise:
            cls, config = layers.DepthwiseConv2D, {**config, 'depth_multiplier': filters // channels}
        else:
            cls, config = layers.Conv2D, {'filters': filters, **config, 'groups': groups}
        if made:        # the same weights for each bottom
            made.append(draft.again(made[0], x, (None, filters, *sizes)))
        else:
            made.append(draft.add(cls, _plain(config), x, (None, filters, *sizes), weights=weights))
    return made


def _plain(config):
    """The configuration without what Keras has as default, which makes the code that is written shorter."""
    defaults = {'strides': (1, 1), 'dilation_rate': (1, 1), 'groups': 1, 'use_bias': True, 'padding': 'valid',
                'depth_multiplier': 1}
    return {k: v for k, v in config.items() if k not in defaults or v != defaults[k]}


def _kernel(a):
    return a.transpose(2, 3, 1, 0)


def _depthwise_kernel(channels):
    def change(a):
        filters, _, h, w = a.shape
        return a.reshape(channels, filters // channels, h, w).transpose(2, 3, 0, 1)
    return change


@layer_type('Deconvolution')
def deconvolution(draft, layer, bottoms):
    p = layer.convolution_param
    kernel, stride, pads = _two(draft, p, 'kernel_size'), _two(draft, p, 'stride', 1), _two(draft, p, 'pad', 0)
    dilation, filters = _two(draft, p, 'dilation', 1), positive(draft, 'num_output', p.num_output)
    if p.axis not in (1, -3):
        raise draft.error(f'expected axis 1, of the channels, got {p.axis}')
    x = draft.as_image(one(draft, bottoms))
    channels = x.shape[1]
    draft.known(channels)
    groups = positive(draft, 'group', p.group)
    if channels % groups or filters % groups:
        raise draft.error(f'expected {channels} channels and num_output={filters} to be multiples of group={groups}')
    windows = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    sizes = [None if n is None else (n - 1) * s + k - 2 * q for n, q, k, s in zip(x.shape[2:], pads, windows, stride)]
    _check_windows(draft, x, sizes)
    shape = (None, filters, *sizes)
    plain = groups == 1 and dilation == (1, 1)
    wanted = [((channels, filters // groups, *kernel), _kernel if plain else _grouped_kernel(groups))]
    if p.bias_term:
        wanted.append(((filters,),))
    weights = draft.weights(*wanted)
    config = {'filters': filters, 'kernel_size': kernel, 'strides': stride, 'data_format': draft.data_format,
              'use_bias': p.bias_term}
    if not plain:
        config.update(pads=pads, dilation_rate=dilation, groups=groups)
        return [draft.add(CaffeDeconvolution, config, x, shape, weights=weights)]
    if any(k < s for k, s in zip(kernel, stride)):      # else Keras makes the result longer
        config['output_padding'] = (0, 0)
    full = (None, filters, *(None if d is None else d + 2 * q for d, q in zip(sizes, pads)))
    made = draft.add(layers.Conv2DTranspose, _plain(config), x, full, weights=weights)
    if pads == (0, 0):
        return [made]
    return [draft.add(layers.Cropping2D, {'cropping': pads, 'data_format': draft.data_format}, made, shape, suffix='_crop')]


def _grouped_kernel(groups):
    """[channels, filters of a group, rows, columns] as the kernel of the convolution that does the same between zeros."""
    def change(a):
        c, f, h, w = a.shape
        a = a.reshape(groups, c // groups, f, h, w)[..., ::-1, ::-1]
        return a.transpose(3, 4, 1, 0, 2).reshape(h, w, c // groups, groups * f)
    return change


@layer_type('Pooling')
def pooling(draft, layer, bottoms):
    p = layer.pooling_param
    x = draft.as_image(one(draft, bottoms))
    kinds = {0: ('max', layers.MaxPooling2D, layers.GlobalMaxPooling2D),
             1: ('average', layers.AveragePooling2D, layers.GlobalAveragePooling2D),
             2: ('stochastic', None, None)}
    if len(layer.top) > 1:
        raise draft.error('a second top, where the largest elements are, is not there; leave it out')
    word, cls, whole = kinds[p.pool]
    size, fmt = x.shape[2:], draft.data_format
    if p.global_pooling:
        if any(p.HasField(f) for f in ('kernel_size', 'kernel_h', 'kernel_w')) or _two(draft, p, 'pad', 0) != (0, 0):
            raise draft.error('global_pooling takes the whole image, so kernel_size and pad must be left out')
        if whole is None:
            raise draft.error('expected pool: MAX or AVE with global_pooling')
        return [draft.add(whole, {'data_format': fmt, 'keepdims': True}, x, (*x.shape[:2], 1, 1))]
    kernel, stride, pads = _two(draft, p, 'kernel_size'), _two(draft, p, 'stride', 1), _two(draft, p, 'pad', 0)
    ceil = p.round_mode == 0
    if whole is None and pads != (0, 0):
        raise draft.error(f'expected no pad for stochastic pooling, as in Caffe, got {pads}')
    if any(q >= k for q, k in zip(pads, kernel)):
        raise draft.error(f'expected pad below the size of the window, got {pads} and {kernel}')
    counts = [None if n is None else _windows(n, k, s, q, ceil, any(pads)) for n, k, s, q in zip(size, kernel, stride, pads)]
    for n, count, k, s, q in zip(size, counts, kernel, stride, pads):
        if n is not None and (n + 2 * q < k and not ceil or count < 1):
            raise draft.error(f'its window is larger than its input of shape {shown(x.shape)}')
        if n is not None and (count - 1) * s - q >= n:
            raise draft.error(f'its last window, by stride {s}, would lie beside its input of shape {shown(x.shape)}')
    shape = (*x.shape[:2], *counts)
    how = _keras_padding(word, size, counts, kernel, stride, pads, ceil) if cls is not None else None
    if how is not None:
        config = {'pool_size': kernel, 'strides': stride, 'padding': how, 'data_format': fmt}
        return [draft.add(cls, {k: v for k, v in config.items() if (k, v) != ('padding', 'valid')}, x, shape)]
    whole_image = None not in size and pads == (0, 0) and counts == [1, 1] and all(k >= n for n, k in zip(size, kernel))
    if whole is not None and whole_image:
        return [draft.add(whole, {'data_format': fmt, 'keepdims': True}, x, shape)]
    config = {'mode': word, 'pool_size': kernel, 'strides': stride, 'pads': pads, 'ceil': ceil, 'data_format': fmt}
    return [draft.add(CaffePooling, config, x, shape)]


@layer_type('SPP')
def pyramid(draft, layer, bottoms):
    """Poolings into 1, 4, 16, … windows, each flattened, one behind the other (He et al. 2014)."""
    p = layer.spp_param
    x = draft.as_image(one(draft, bottoms))
    levels = positive(draft, 'pyramid_height', p.pyramid_height)
    if p.pool > 1:
        raise draft.error('expected pool: MAX or AVE')
    if levels > 16:
        raise draft.error(f'expected pyramid_height of at most 16, got {levels}')
    draft.known(*x.shape[1:])
    made = []
    for level in range(levels):
        bins = 2 ** level
        kernel = tuple(-(-n // bins) for n in x.shape[2:])
        pads = tuple((k * bins - n + 1) // 2 for k, n in zip(kernel, x.shape[2:]))
        if any(q >= k for q, k in zip(pads, kernel)):
            raise draft.error(f'an input of shape {shown(x.shape)} is too small for {bins} windows along an axis')
        counts = [_windows(n, k, k, q, True, any(pads)) for n, k, q in zip(x.shape[2:], kernel, pads)]
        config = {'mode': ('max', 'average')[p.pool], 'pool_size': kernel, 'strides': kernel, 'pads': pads, 'ceil': True,
                  'data_format': draft.data_format}
        y = draft.add(CaffePooling, config, x, (*x.shape[:2], *counts), suffix=f'_pool{level}')
        y, size = draft.as_caffe(y), x.shape[1] * counts[0] * counts[1]
        made.append(draft.add(layers.Flatten, {'data_format': 'channels_last'}, y, (None, size), 'caffe', f'_flat{level}'))
    if len(made) == 1:
        return made
    return [draft.add(layers.Concatenate, {'axis': -1}, made, (None, sum(b.shape[1] for b in made)))]


@layer_type('MVN')
def mean_variance(draft, layer, bottoms):
    p, x = layer.mvn_param, draft.as_image(one(draft, bottoms))
    eps = finite(draft, 'eps', p.eps)
    if eps < 0:
        raise draft.error(f'expected eps of 0 or more, got {eps}')
    config = {'normalize_variance': p.normalize_variance, 'across_channels': p.across_channels, 'eps': eps,
              'data_format': draft.data_format}
    return [draft.add(CaffeMVN, config, x, x.shape)]


def _windows(n, kernel, stride, pad, ceil, padded):
    """How many windows Caffe puts along an axis."""
    over = n + 2 * pad - kernel
    count = (-(-over // stride) if ceil else over // stride) + 1
    if padded and (count - 1) * stride >= n + pad:
        count -= 1
    return count


def _keras_padding(word, size, counts, kernel, stride, pads, ceil):
    """'valid' or 'same' where Keras's pooling has the same windows, else None."""
    if pads == (0, 0) and all(s == 1 or not ceil or n is not None and (count - 1) * s + k == n
                              for n, count, k, s in zip(size, counts, kernel, stride)) \
            and all(n is None or k <= n for n, k in zip(size, kernel)):
        return 'valid'
    for n, count, k, s, pad in zip(size, counts, kernel, stride, pads):
        if n is None and not ((k, s, pad) == (2, 2, 0) and ceil or (k, s, pad) == (1, 1, 0)):
            return None
        if n is not None:
            full = max((-(-n // s) - 1) * s + k - n, 0)
            # where zeros are around, Caffe's mean counts them
            if count != -(-n // s) or pad != full // 2 or pad and word == 'average':
                return None
    return 'same'


@layer_type('LRN')
def lrn(draft, layer, bottoms):
    p, x = layer.lrn_param, one(draft, bottoms)
    size = positive(draft, 'local_size', p.local_size)
    if size % 2 == 0:
        raise draft.error(f'expected local_size to be odd, got {size}')
    if len(x.shape) != 4:
        raise draft.error(f'expected a blob of four axes, got {shown(x.shape)}')
    draft.known(x.shape[1])
    x = draft.as_image(x)
    config = {'local_size': size, 'alpha': finite(draft, 'alpha', p.alpha), 'beta': finite(draft, 'beta', p.beta)}
    if p.norm_region == 0:
        config['k'] = finite(draft, 'k', p.k)
    else:
        if any(n is not None and size > 2 * n + 1 for n in x.shape[2:]):
            raise draft.error(f'expected local_size to fit the image of shape {shown(x.shape)}, got {size}')
        config['across_channels'] = False
    return [draft.add(CaffeLRN, {**config, 'data_format': draft.data_format}, x, x.shape)]
