"""Attention of several heads (Vaswani et al. 2017), and of groups of heads that share keys (Ainslie et al. 2023)."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from fastkeras import constraints, generation, initializers, ops, regularizers

from .array_masks import masked
from .base import Layer
from .checks import check_mask, count, number
from .einsum_dense import EinsumDense
from .input_spec import title
from .regularization import Dropout

__all__ = ['GroupQueryAttention', 'GroupedQueryAttention', 'MultiHeadAttention']


class _Heads(Layer):
    """What both layers share: the arguments of their projections, the masks, and the product of shares and values."""

    supports_masking = True

    def _set_up(self, dropout, use_bias, sliding_window, flash_attention, use_gate, seed, parts):
        self._rate = number(self, 'dropout', dropout, 0, 1)
        self.use_bias = use_bias
        self.use_gate = use_gate
        self.sliding_window = None if sliding_window is None else count(self, 'sliding_window', sliding_window)
        self.flash_attention = flash_attention
        self.seed = seed
        if flash_attention and self._rate:
            raise ValueError(f'{title(self)}: flash_attention=True keeps no shares that dropout could be applied to, got '
                             f'dropout={dropout!r}; leave one of them out')
        for name, get in (('initializer', initializers.get), ('regularizer', regularizers.get),
                          ('constraint', constraints.get)):
            for weight in ('kernel', 'bias'):
                setattr(self, f'{weight}_{name}', get(parts[f'{weight}_{name}']))

    def _project(self, name, equation, sizes, input_shape, bias_axes, activation=None):
        """A projection, built. Its initializers are its own: one that was given a seed draws the same in each."""
        own = {f'{weight}_initializer': _again(getattr(self, f'{weight}_initializer')) for weight in ('kernel', 'bias')}
        shared = {f'{weight}_{part}': getattr(self, f'{weight}_{part}') for weight in ('kernel', 'bias')
                  for part in ('regularizer', 'constraint')}
        dense = EinsumDense(equation, sizes, activation, bias_axes if self.use_bias else None, name=name,
                            dtype=self._given_dtype, **own, **shared)
        dense.build(input_shape)
        return dense

    def _same_sources(self, value_shape, key_shape):
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(f'{title(self)}: expected value and key of the same sizes but for the last, got shapes '
                             f'{tuple(value_shape)} and {tuple(key_shape)}')

    # ---- masks
    def _check_masks(self, query, value, key, query_mask, value_mask, key_mask, attention_mask):
        if len(query.shape) != 3 or len(key.shape) != 3:    # of images and the like the axes attended to are the user's
            return
        for mask, x, name in ((query_mask, query, 'query'), (value_mask, value, 'value'), (key_mask, key, 'key')):
            if mask is not None:
                check_mask(self, mask, x, x.shape[:2], name)
        if attention_mask is not None:
            got, want = tuple(attention_mask.shape), (query.shape[0], query.shape[1], key.shape[1])
            sizes = (*got[:1], *got[2:]) if len(got) == 4 else got
            if len(sizes) > 3 or any(None not in (a, b) and a not in (1, b) for a, b in zip(sizes[::-1], want[::-1])):
                raise ValueError(f'{title(self)}: expected attention_mask to broadcast to (batch, steps, sources) = {want}, '
                                 f'or to that with heads behind the batch, got shape {got}')

    def _compute_attention_mask(self, query, value, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
                                use_causal_mask=False):
        """Which step may attend to which source, (batch or 1, steps, sources) booleans; None: each to all."""
        masks = [] if attention_mask is None else [ops.cast(attention_mask, 'bool')]
        if query_mask is not None:
            masks.append(ops.expand_dims(ops.cast(query_mask, 'bool'), -1))
        masks += [ops.expand_dims(ops.cast(m, 'bool'), -2) for m in (value_mask, key_mask) if m is not None]
        steps, sources = query.shape[1], value.shape[1]
        if self.sliding_window is not None and None not in (steps, sources):    # else only the shape is asked for
            apart = np.abs(np.arange(steps)[:, None] - np.arange(sources))
            masks.append((apart < self.sliding_window)[None])
        mask = None
        for m in masks:
            mask = m if mask is None else ops.logical_and(mask, m)
        return self._with_causal(mask, query, value) if use_causal_mask else mask

    def _with_causal(self, mask, query, key):
        steps, sources = query.shape[1], key.shape[1]
        if None in (steps, sources):
            return mask
        causal = np.tri(steps, sources, dtype=bool)[None]
        return causal if mask is None else ops.logical_and(mask, causal)

    def _widened(self, mask, rank, axes):
        """The mask with axes for the heads, and for what the batch has beside them."""
        while mask is not None and len(mask.shape) < rank:
            mask = ops.expand_dims(mask, -2 * axes - 1)
        return mask

    # ---- the call
    def call(self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
             key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
             use_causal_mask: bool = False) -> Any:
        key = value if key is None else key
        if self.flash_attention and return_attention_scores:
            raise ValueError(f'{title(self)}: flash_attention=True keeps no shares to return; leave out '
                             f'return_attention_scores=True, or flash_attention')
        self._check_masks(query, value, key, query_mask, value_mask, key_mask, attention_mask)
        causal = {}
        if use_causal_mask and type(self)._compute_attention in (MultiHeadAttention._compute_attention,
                                                                GroupedQueryAttention._compute_attention):
            # by itself: no array of steps × sources
            causal, use_causal_mask = {'use_causal_mask': True}, False
        mask = self._compute_attention_mask(query, value, query_mask, value_mask, key_mask, attention_mask,
                                            use_causal_mask)
        # the masks are in use: the projections need not know
        query, key, value = (masked(x, None) for x in (query, key, value))
        gate = self._gate_dense(query) if self.use_gate else None
        query, key, value = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        y, shares = self._compute_attention(query, key, value, mask, training, return_attention_scores, **causal)
        y = self._output_dense(y if gate is None else y * gate)
        return (y, shares) if return_attention_scores else y

    def _attended(self, query, key, value, mask, training, wants_shares, causal, scale, axes, equations):
        """(result, shares or None) of projected inputs. equations: of scores and of result; None: the usual ones."""
        if equations is None and not wants_shares and not (training and self._rate):
            if self._rate and mask is not None and causal:
                mask = self._with_causal(mask, query, key)
            mask = self._widened(mask, 4, 1)
            y = ops.dot_product_attention(query, key, value, mask=mask, scale=scale, is_causal=causal)
            if self._rate and mask is not None:     # 0 for a step that may attend to nothing, as in training
                y = ops.where(ops.transpose(ops.any(mask, axis=-1, keepdims=True), (0, 2, 1, 3)), y, 0.0)
            return y, None
        of_scores, of_result = equations or ('bshd,bthd->bhts', 'bhts,bshd->bthd')
        if equations is None and key.shape[2] != query.shape[2]:
            groups = query.shape[2] // key.shape[2]
            key, value = ops.repeat(key, groups, axis=2), ops.repeat(value, groups, axis=2)
        scores = ops.einsum(of_scores, key, query * scale)
        mask = self._with_causal(mask, query, key) if causal else mask
        mask = self._widened(mask, len(scores.shape), axes)
        if mask is not None:
            scores = ops.where(mask, scores, -1e9)
        shares = ops.softmax(scores, axis=tuple(range(-axes, 0)))
        if mask is not None:    # a step that may attend to nothing
            shares = ops.where(mask, shares, 0.0)
        kept = self._dropout_layer(shares, training=training) if self._rate else shares
        return ops.einsum(of_result, kept, value), shares

    def _shared_config(self, *names):
        config = self._config_with(*names, 'use_bias', 'kernel_initializer', 'bias_initializer', 'kernel_regularizer',
                                   'bias_regularizer', 'activity_regularizer', 'kernel_constraint', 'bias_constraint')
        newer = {'use_gate': False, 'sliding_window': None, 'seed': None}
        return self._with_newer({**config, 'dropout': self._rate}, {k: (getattr(self, k), v) for k, v in newer.items()})


def _again(initializer):
    """An initializer of the same settings, for a weight of its own."""
    config = getattr(initializer, 'get_config', None)
    return type(initializer).from_config(config()) if config is not None and hasattr(initializer, 'from_config') \
        else initializer


class MultiHeadAttention(_Heads):
    """Each head projects query, key and value, attends (softmax(query · key / sqrt(key_dim)) · value), and all are
    projected to the result.

    num_heads, key_dim: heads, and size of each for query and key; value_dim: for value, key_dim unless given.
    output_shape: last sizes of the result, an int or several; those of the query unless given. attention_axes: axes of
    query and value that are attended along, all but batch and features unless given. dropout: of the shares, in training.
    sliding_window: n, so that steps attend to sources less than n away. use_gate: the result of the heads is multiplied
    by sigmoid(query · a kernel + bias). flash_attention: no array of the shares is kept in any case; True refuses what
    needs one. seed: of dropout. Initializers, regularizers and constraints are of all projections.

    call(query, value, key=value): (batch, steps, dim), (batch, sources, dim), (batch, sources, dim); the result is
    (batch, steps, dim). attention_mask: booleans that broadcast to (batch, steps, sources), or to that with heads behind
    the batch; query_mask, value_mask, key_mask: (batch, steps) or (batch, sources), by default those of the inputs.
    use_causal_mask: a step attends to no later source. return_attention_scores: the shares (batch, heads, steps, sources)
    come out as well. A step that may attend to nothing gets the mean of all values, or, where the shares are kept
    (dropout, return_attention_scores), 0, as in Keras 3. The query's mask is passed on.
    """

    # tf.keras also says for which shapes it was built, and how -inf is kept out of a softmax without anything to attend to
    _attends_for = None, None, None       # shapes of query, value, key
    _elsewhere = {**_Heads._elsewhere, 'query_shape': ..., 'key_shape': ..., 'value_shape': ..., 'softmax_robust_masking': ...}

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0,
                 use_bias: bool = True, output_shape: Any = None, attention_axes: Any = None,
                 sliding_window: int | None = None, flash_attention: bool | None = None,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False, seed: Any = None,
                 **kwargs: Any) -> None:
        parts = locals()
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_up(dropout, use_bias, sliding_window, flash_attention, use_gate, seed, parts)
        self.num_heads = count(self, 'num_heads', num_heads)
        self.key_dim = count(self, 'key_dim', key_dim)
        self.value_dim = self.key_dim if value_dim is None else count(self, 'value_dim', value_dim)
        sizes = output_shape if isinstance(output_shape, (tuple, list)) or output_shape is None else (output_shape,)
        self._result_sizes = tuple(count(self, 'output_shape', d) for d in sizes) if sizes else None
        axes = attention_axes if isinstance(attention_axes, (tuple, list)) or attention_axes is None else (attention_axes,)
        if axes is not None and any(isinstance(a, bool) or not hasattr(a, '__index__') for a in axes):
            raise ValueError(f'{title(self)}: expected attention_axes to be whole numbers, got {attention_axes!r}')
        self._axes = tuple(int(a) for a in axes) if axes else None

    dropout = property(lambda self: self._rate, doc='The share of the attention that is dropped in training.')
    attention_axes = property(lambda self: self._axes, doc='Axes that are attended along; None: not built yet.')
    _kept_as = {f'_{which}_dense': f'{which}_dense' for which in ('query', 'key', 'value', 'output')}

    query_dense = property(lambda self: self._query_dense, doc='The projection of the query.')
    key_dense = property(lambda self: self._key_dense, doc='The projection of the key.')
    value_dense = property(lambda self: self._value_dense, doc='The projection of the value.')
    output_dense = property(lambda self: self._output_dense, doc='The projection of the result.')

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        if value_shape is None:
            raise ValueError(f'{title(self)}: expected to be called on a query and a value, layer(query, value), got the '
                             f'query alone')
        key_shape = value_shape if key_shape is None else key_shape
        self._same_sources(value_shape, key_shape)
        self._attends_for = tuple(query_shape), tuple(value_shape), tuple(key_shape)
        rank = len(query_shape)
        if rank < 3 or len(value_shape) != rank:
            raise ValueError(f'{title(self)}: expected query and value of one number of dimensions, at least 3 (batch, '
                             f'steps, dim), got shapes {tuple(query_shape)} and {tuple(value_shape)}')
        free = string.ascii_lowercase[:rank - 1]

        def heads(name, shape, dim, activation=None):
            return self._project(name, f'{free}x,xyz->{free}yz', (*(None,) * (rank - 2), self.num_heads, dim), shape, 'yz',
                                 activation)
        self._query_dense = heads('query', query_shape, self.key_dim)
        self._key_dense = heads('key', key_shape, self.key_dim)
        if self.use_gate:
            self._gate_dense = heads('gate', query_shape, self.value_dim, 'sigmoid')
        self._value_dense = heads('value', value_shape, self.value_dim)
        self._set_axes(rank)
        self._dropout_layer = Dropout(self._rate, seed=self.seed, name='dropout')
        sizes = self._result_sizes or (query_shape[-1],)
        new = string.ascii_uppercase[:len(sizes)]
        self._output_dense = self._project('attention_output', f'{free}yz,yz{new}->{free}{new}',
                                           (*(None,) * (rank - 2), *sizes),
                                           (*query_shape[:-1], self.num_heads, self.value_dim), new)
        self.built = True

    def _set_axes(self, rank):
        """Axes counted from the front, and the equations where they are not the one of steps."""
        axes = tuple(range(1, rank - 1)) if self._axes is None else tuple(a % rank for a in self._axes)
        if any(not 0 < a < rank - 1 for a in axes) or len(set(axes)) < len(axes):
            raise ValueError(f'{title(self)}: expected attention_axes to name different axes of an input of {rank} '
                             f'dimensions between the first and the last, got {self._axes}')
        self._axes, self._equations = axes, None
        if rank == 3:
            return
        steps = string.ascii_lowercase[:rank - 1]
        sources = ''.join(a.upper() if k in axes else a for k, a in enumerate(steps))
        beside = ''.join(a for k, a in enumerate(steps) if k not in axes)
        scores = f'{beside}y{"".join(steps[k] for k in axes)}{"".join(sources[k] for k in axes)}'
        self._equations = f'{sources}yz,{steps}yz->{scores}', f'{scores},{sources}yz->{steps}yz'

    def _compute_attention(self, query, key, value, attention_mask=None, training=None, return_attention_scores=False,
                           use_causal_mask=False):
        """(result of the heads, shares or None) of projected inputs (batch, steps, heads, size). A subclass may have its
        own; a causal mask is then part of attention_mask."""
        return self._attended(query, key, value, attention_mask, training, return_attention_scores, use_causal_mask,
                              self.key_dim ** -0.5, len(self._axes), self._equations)

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        if value_shape is not None and key_shape is not None:
            self._same_sources(value_shape, key_shape)
        return tuple(query_shape) if self._result_sizes is None else (*query_shape[:-1], *self._result_sizes)

    def get_config(self) -> dict[str, Any]:
        config = {**self._shared_config('num_heads', 'key_dim', 'value_dim'), 'output_shape': self._result_sizes,
                  'attention_axes': self._axes}
        if not generation.of('config.module_and_registered_name'):      # tf.keras makes the weights by these
            config.update(zip(('query_shape', 'value_shape', 'key_shape'), self._attends_for))
        return config


class GroupedQueryAttention(_Heads):
    """Attention of several heads, groups of which share the projections of key and value.

    head_dim: size of a head; num_query_heads; num_key_value_heads: must divide these: 1 is multi-query attention (Shazeer
    2019). All else, and the call, as MultiHeadAttention; the result has the query's shape.
    """

    _keras3_class = 'keras.layers', 'GroupQueryAttention'

    def __init__(self, head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0,
                 use_bias: bool = True, sliding_window: int | None = None, flash_attention: bool | None = None,
                 kernel_initializer: Any = 'glorot_uniform', bias_initializer: Any = 'zeros',
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False, seed: Any = None,
                 **kwargs: Any) -> None:
        parts = locals()
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_up(dropout, use_bias, sliding_window, flash_attention, use_gate, seed, parts)
        self.dropout = self._rate
        self.head_dim = count(self, 'head_dim', head_dim)
        self.num_query_heads = count(self, 'num_query_heads', num_query_heads)
        self.num_key_value_heads = count(self, 'num_key_value_heads', num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(f'{title(self)}: expected num_key_value_heads to divide num_query_heads, got '
                             f'{num_key_value_heads} and {num_query_heads}')
        self.num_repeats = self.num_query_heads // self.num_key_value_heads

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        if value_shape is None or len(query_shape) != 3 or len(value_shape) != 3:
            raise ValueError(f'{title(self)}: expected to be called on a query and a value of 3 dimensions (batch, steps, '
                             f'dim), layer(query, value), got shapes {query_shape} and {value_shape}')
        key_shape = value_shape if key_shape is None else key_shape
        self._same_sources(value_shape, key_shape)

        def heads(name, shape, n, activation=None):
            return self._project(name, 'bqm,mhd->bqhd', (None, n, self.head_dim), shape, 'hd', activation)
        self.feature_dim = query_shape[-1]
        self._query_dense = heads('query', query_shape, self.num_query_heads)
        self._key_dense = heads('key', key_shape, self.num_key_value_heads)
        if self.use_gate:
            self._gate_dense = heads('gate', query_shape, self.num_query_heads, 'sigmoid')
        self._value_dense = heads('value', value_shape, self.num_key_value_heads)
        self._dropout_layer = Dropout(self._rate, seed=self.seed, name='dropout')
        self._output_dense = self._project('attention_output', 'bqhd,hdm->bqm', (None, self.feature_dim),
                                           (*query_shape[:-1], self.num_query_heads, self.head_dim), 'm')
        self.built = True

    def _compute_attention(self, query, key, value, attention_mask=None, training=None, return_attention_scores=False,
                           use_causal_mask=False):
        """As MultiHeadAttention's; key and value have num_key_value_heads heads."""
        return self._attended(query, key, value, attention_mask, training, return_attention_scores, use_causal_mask,
                              self.head_dim ** -0.5, 1, None)

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        if value_shape is not None and key_shape is not None:
            self._same_sources(value_shape, key_shape)
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        return self._shared_config('head_dim', 'num_query_heads', 'num_key_value_heads')


GroupQueryAttention = GroupedQueryAttention
