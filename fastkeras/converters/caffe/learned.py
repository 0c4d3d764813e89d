"""Layers with weights other than convolutions: products, normalisations, scales, tables."""

from fastkeras import layers

from .caffe_weighted import CaffeBias, CaffeNormalize, CaffeScale
from .draft import Combined, shown
from .known import axis_in, finite, layer_type, one, positive


@layer_type('InnerProduct')
def inner_product(draft, layer, bottoms):
    p, made = layer.inner_product_param, []
    if not bottoms:
        raise draft.error('expected a bottom')
    units = positive(draft, 'num_output', p.num_output)
    for x in bottoms:
        rank = len(x.shape)
        axis = axis_in(draft, 'axis', p.axis, rank, least=1)
        if None in x.shape[1:] and axis == 1 and rank > 2 and not draft.any_size:
            x = _of_said_size(draft, x, p)
            rank = 2
        draft.known(*x.shape[axis:])
        order = None            # in which elements lie otherwise than the weights expect
        if rank - axis > 1 or isinstance(x.layout, tuple):
            if axis == 1 and x.layout == 'last':
                order = x.shape[1:]
            elif isinstance(x.layout, tuple):
                order = x.layout
        n = _product(x.shape[axis:])
        change = _dense_kernel(order, p.transpose)
        weights = draft.weights((((n, units) if p.transpose else (units, n)), change),
                                *([((units,),)] if p.bias_term else []))
        if axis == 1 and rank > 2:
            draft.axis(x, axis)
            x = draft.add(layers.Flatten, {'data_format': 'channels_last'}, x, (None, n), 'caffe', '_flat')
        elif rank - axis > 1:
            draft.known(*x.shape[1:])
            x = draft.behind(x, axis)
            shape = (*x.shape[1:axis], n)
            x = draft.add(layers.Reshape, {'target_shape': shape}, x, (None, *shape), suffix='_flat')
        elif not isinstance(x.layout, tuple):
            x = draft.behind(x, axis)
        shape = (*x.shape[:-1], units)
        if made:
            made.append(draft.again(made[0], x, shape))
        else:
            config = {'units': units, **({} if p.bias_term else {'use_bias': False})}
            made.append(draft.add(layers.Dense, config, x, shape, 'time' if x.layout == 'time' else 'caffe',
                                  weights=weights))
    return made


def _of_said_size(draft, x, p):
    """x flattened to as many elements as the weights are for, where the description does not say its size."""
    held = draft.held_shapes()
    if not held or len(held[0]) < 2:
        draft.known(None)
    n = held[0][-2 if p.transpose else -1]
    return draft.add(layers.Reshape, {'target_shape': (n,)}, draft.as_caffe(x), (None, n), suffix='_flat')


def _product(sizes):
    n = 1
    for d in sizes:
        n *= d
    return n


def _dense_kernel(order, transposed):
    """Caffe's [units, inputs] as Keras's [inputs, units]; order: (c, h, w) of inputs that lie with channels last."""
    def change(a):
        a = a if transposed else a.T
        return a if order is None else a.reshape(*order, -1).transpose(1, 2, 0, 3).reshape(a.shape)
    return change


@layer_type('Embed')
def embed(draft, layer, bottoms):
    p, x = layer.embed_param, draft.behind(one(draft, bottoms), 2)
    units, size = positive(draft, 'num_output', p.num_output), positive(draft, 'input_dim', p.input_dim)
    weights = draft.weights(((size, units),), *([((units,),)] if p.bias_term else []))
    shape = (*x.shape, units)
    y = draft.add(layers.Embedding, {'input_dim': size, 'output_dim': units}, x, shape, weights=weights[:1])
    if p.bias_term:
        y = draft.add(CaffeBias, {'axis': len(shape) - 1}, y, shape, suffix='_bias', weights=weights[1:])
    return [y]


@layer_type('BatchNorm')
def batch_norm(draft, layer, bottoms):
    p, x = layer.batch_norm_param, one(draft, bottoms)
    if len(x.shape) < 2:
        raise draft.error(f'expected a blob of two axes or more, got {shown(x.shape)}')
    if isinstance(x.layout, tuple):
        x = draft.as_caffe(x)
    channels = x.shape[1]
    draft.known(channels)
    if p.HasField('use_global_stats') and not p.use_global_stats:
        draft.warn('use_global_stats: false asks for the statistics of each batch also in the phase TEST; the stored ones are '
                   'used, so that no result depends on the others of its batch')
    eps = finite(draft, 'eps', p.eps)
    if eps < 0:
        raise draft.error(f'expected eps of 0 or more, got {eps}')
    axis = draft.axis(x, 1)
    held = draft.weights(((channels,),), ((channels,),), ((1,),))
    statistics = [Combined((part, held[2]), _unscaled) for part in held[:2]]
    config = {'axis': -1 if axis == len(x.shape) - 1 else axis, 'momentum': finite(draft, 'moving_average_fraction',
                                                                                   p.moving_average_fraction), 'epsilon': eps}
    if not 0 <= config['momentum'] <= 1:
        raise draft.error(f'expected moving_average_fraction from 0 to 1, got {config["momentum"]}')
    scale = draft.scales.get(draft.index)
    affine = []
    if scale is None:
        config.update(center=False, scale=False)
    else:
        affine = draft.weights(((channels,),), *([((channels,),)] if scale.scale_param.bias_term else []), layer=scale)
        if not scale.scale_param.bias_term:
            config['center'] = False
    return [draft.add(layers.BatchNormalization, config, x, x.shape, weights=[*affine, *statistics] if held else [])]


def _unscaled(values, factor):
    return values * (0 if factor[0] == 0 else 1 / factor[0])


@layer_type('Scale')
def scale(draft, layer, bottoms):
    p = layer.scale_param
    if draft.index in draft.absorbed:
        return [one(draft, bottoms)]
    if len(bottoms) == 2:
        y = _broadcast(draft, layers.Multiply, p.axis, *bottoms)
        if not p.bias_term:
            return [y]
        axis = axis_in(draft, 'axis', p.axis, len(y.shape))
        n = len(bottoms[1].shape)
        if axis == 0:
            raise draft.error('a bias of the shape of the second bottom would be one for each sample; leave bias_term out')
        return [_affine(draft, y, axis, n, False, True)]
    x = one(draft, bottoms)
    return [_affine(draft, x, axis_in(draft, 'axis', p.axis, len(x.shape), least=1), p.num_axes, True, p.bias_term)]


@layer_type('Bias')
def bias(draft, layer, bottoms):
    p = layer.bias_param
    if len(bottoms) == 2:
        return [_broadcast(draft, layers.Add, p.axis, *bottoms)]
    x = one(draft, bottoms)
    return [_affine(draft, x, axis_in(draft, 'axis', p.axis, len(x.shape), least=1), p.num_axes, False, True)]


def _affine(draft, x, axis, num_axes, scales, biased):
    """x scaled and moved by weights of its shape from `axis` on."""
    if num_axes < -1 or axis + num_axes > len(x.shape):
        raise draft.error(f'expected num_axes that fit a blob of shape {shown(x.shape)} from axis {axis} on, got {num_axes}')
    if isinstance(x.layout, tuple) or num_axes != 1:
        x = draft.as_caffe(x)
    sizes = x.shape[axis:] if num_axes == -1 else x.shape[axis:axis + num_axes]
    weights = draft.weights(*[(tuple(sizes),)] * (scales + biased))
    config = {'axis': draft.axis(x, axis), **({'num_axes': len(sizes)} if len(sizes) != 1 else {})}
    if scales and not biased:
        config['center'] = False
    return draft.add(CaffeScale if scales else CaffeBias, config, x, x.shape, weights=weights)


def _broadcast(draft, cls, axis, x, factor):
    """x combined with a blob whose axes are those of x from `axis` on."""
    axis = axis_in(draft, 'axis', axis, len(x.shape))
    n = len(factor.shape)
    if axis or x.shape[:n] != factor.shape:
        raise draft.error(f'expected a second bottom of the shape that the first begins with (axis 0), got {shown(x.shape)} '
                          f'and {shown(factor.shape)}, axis {axis}')
    if n == len(x.shape):
        return draft.add(cls, {}, draft.alike([x, factor]), x.shape)
    factor = draft.as_caffe(factor)
    full = (*factor.shape, *(1,) * (len(x.shape) - n))
    if x.layout == 'last':
        target = (1,) * (4 - n) + factor.shape[1:] if n <= 2 else None
        if target is None:
            x = draft.as_caffe(x)
        else:
            wide = draft.add(layers.Reshape, {'target_shape': target}, factor, full, 'last', '_wide')
            return draft.add(cls, {}, [x, wide], x.shape)
    x = draft.as_caffe(x)
    draft.known(*full[1:])
    wide = draft.add(layers.Reshape, {'target_shape': full[1:]}, factor, full, 'caffe', '_wide')
    return draft.add(cls, {}, [x, wide], x.shape)


@layer_type('Normalize')
def normalize(draft, layer, bottoms):
    p, x = layer.norm_param, one(draft, bottoms)
    if len(x.shape) < 2:
        raise draft.error(f'expected a blob of two axes or more, got {shown(x.shape)}')
    if isinstance(x.layout, tuple):
        x = draft.as_caffe(x)
    draft.known(x.shape[1])
    eps = finite(draft, 'eps', p.eps)
    weights = draft.weights(((1 if p.channel_shared else x.shape[1],),))
    config = {'axis': draft.axis(x, 1), 'across_spatial': p.across_spatial, 'channel_shared': p.channel_shared, 'epsilon': eps}
    return [draft.add(CaffeNormalize, config, x, x.shape, weights=weights)]
