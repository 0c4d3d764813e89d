"""Cases whose results were recorded from Keras (oracle.json) and that test_oracle.py repeats.

To record anew, where Keras 3 and Keras 2.2.4 are installed (the latter importable as keras224.keras):
    KERAS_BACKEND=tensorflow python tests/ops/oracle_cases.py 3 && python tests/ops/oracle_cases.py 2
"""

import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name('oracle.json')


def wave(*shape, phase=0.0, scale=2.0):
    """The same numbers everywhere, without a generator."""
    n = int(np.prod(shape))
    return (np.sin(np.arange(n) * 1.7 + phase) * scale).astype('float32').reshape(shape)


def probabilities(*shape, phase=0.0):
    e = np.exp(wave(*shape, phase=phase))
    return e / e.sum(-1, keepdims=True)


def _conv(kind, x, w, **attrs):
    return kind, [wave(*x), wave(*w, phase=1, scale=0.5)], attrs


KERAS3 = {
    'conv same 2': _conv('conv', (1, 6, 7, 3), (3, 3, 3, 2), padding='same', strides=2),
    'conv same 3 even': _conv('conv', (1, 8, 7, 2), (4, 2, 2, 3), padding='same', strides=3),
    'conv same 3 wide stride': _conv('conv', (1, 8, 7, 2), (2, 2, 2, 3), padding='same', strides=3),
    'conv valid dilated': _conv('conv', (1, 9, 8, 2), (3, 3, 2, 2), dilation_rate=(2, 3)),
    'conv same dilated': _conv('conv', (1, 6, 5, 2), (3, 2, 2, 2), padding='same', dilation_rate=2),
    'conv groups': _conv('conv', (1, 4, 4, 6), (3, 3, 2, 6), padding='same'),
    'conv 1d': _conv('conv', (2, 9, 3), (4, 3, 2), padding='same', strides=2),
    'depthwise same 2': _conv('depthwise_conv', (1, 7, 6, 3), (3, 3, 3, 2), padding='same', strides=2),
    'depthwise 1d': _conv('depthwise_conv', (1, 8, 3), (3, 3, 2), padding='valid'),
    'transpose valid 2': _conv('conv_transpose', (1, 3, 4, 2), (3, 3, 3, 2), strides=2),
    'transpose same 2': _conv('conv_transpose', (1, 3, 4, 2), (3, 3, 3, 2), strides=2, padding='same'),
    'transpose same 3': _conv('conv_transpose', (1, 3, 4, 2), (2, 5, 3, 2), strides=3, padding='same'),
    'transpose valid 3': _conv('conv_transpose', (1, 3, 4, 2), (2, 2, 3, 2), strides=3),
    'transpose same output padding': _conv('conv_transpose', (1, 3, 4, 2), (3, 3, 3, 2), strides=2, padding='same',
                                           output_padding=1),
    'transpose valid output padding': _conv('conv_transpose', (1, 3, 4, 2), (3, 4, 3, 2), strides=2, output_padding=1),
    'transpose 1d': _conv('conv_transpose', (2, 4, 2), (3, 3, 2), strides=2, padding='same'),
    'separable': ('separable_conv', [wave(1, 6, 6, 2), wave(3, 3, 2, 2, phase=1), wave(1, 1, 4, 3, phase=2)],
                  {'padding': 'same', 'strides': 2}),
    'max pool same': ('max_pool', [wave(1, 7, 6, 2)], {'pool_size': 3, 'strides': 2, 'padding': 'same'}),
    'average pool same': ('average_pool', [wave(1, 7, 6, 2)], {'pool_size': (3, 2), 'strides': 2, 'padding': 'same'}),
    'average pool 1d': ('average_pool', [wave(1, 7, 2)], {'pool_size': 3, 'strides': 2, 'padding': 'same'}),
    'depth to space': ('depth_to_space', [wave(1, 2, 3, 8)], {'block_size': 2}),
    'space to depth': ('space_to_depth', [wave(1, 2, 4, 6)], {'block_size': 2, 'data_format': 'channels_first'}),
    'unfold': ('unfold', [wave(2, 3, 5, 6)], {'kernel_size': (2, 3), 'dilation': (2, 1), 'padding': 1,
                                              'stride': (1, 2)}),
    'fold': ('fold', [wave(2, 12, 12)], {'output_size': (4, 5), 'kernel_size': 2}),
    'adaptive average': ('adaptive_average_pool', [wave(1, 7, 6, 2)], {'output_size': (3, 4)}),
    'adaptive max': ('adaptive_max_pool', [wave(1, 2, 7, 6)], {'output_size': 3, 'data_format': 'channels_first'}),
    'adaptive average 1d': ('adaptive_average_pool', [wave(1, 7, 2)], {'output_size': 3}),
    'psnr': ('psnr', [wave(2, 3), wave(2, 3, phase=0.1)], {'max_val': 2.0}),
    'layer normalization': ('layer_normalization', [wave(2, 3, 4), wave(4, phase=1), wave(4, phase=2)],
                            {'epsilon': 1e-3}),
    'rms normalization': ('rms_normalization', [wave(3, 4), wave(4, phase=1)], {'epsilon': 1e-6}),
    'batch normalization': ('batch_normalization', [wave(2, 3, 4), wave(3), np.abs(wave(3, phase=1))],
                            {'axis': 1, 'offset': wave(3, phase=2), 'scale': wave(3, phase=3)}),
    'normalize': ('normalize', [wave(3, 4)], {'axis': 0, 'order': 3}),
    'einsum attention': ('einsum', ['bqhd,bkhd->bhqk', wave(2, 3, 2, 4), wave(2, 5, 2, 4, phase=1)], {}),
    'attention': ('dot_product_attention', [wave(2, 3, 2, 4), wave(2, 5, 2, 4, phase=1), wave(2, 5, 2, 4, phase=2)],
                  {}),
    'causal attention': ('dot_product_attention', [wave(1, 4, 2, 3), wave(1, 4, 2, 3, phase=1),
                                                   wave(1, 4, 2, 3, phase=2)],
                         {'is_causal': True}),
    'categorical logits': ('categorical_crossentropy', [probabilities(3, 4), wave(3, 4, phase=1)],
                           {'from_logits': True}),
    'multi hot': ('multi_hot', [np.array([[1, 3, 3], [0, 2, 2]], 'int32')], {'num_classes': 5}),
    'in top k': ('in_top_k', [np.array([1, 0, 2], 'int32'), wave(3, 5)], {'k': 2}),
}
for _name, _attrs in {
        'relu': {}, 'relu6': {}, 'leaky_relu': {'negative_slope': 0.3}, 'elu': {'alpha': 1.5}, 'selu': {},
        'celu': {'alpha': 2.0},
        'gelu': {'approximate': True}, 'silu': {}, 'softplus': {}, 'softsign': {}, 'hard_silu': {}, 'log_sigmoid': {},
        'hard_tanh': {}, 'tanh_shrink': {}, 'soft_shrink': {'threshold': 0.4}, 'hard_shrink': {'threshold': 0.4},
        'squareplus': {},
        'sparse_plus': {}, 'sparse_sigmoid': {}, 'glu': {}, 'softmax': {'axis': 0}, 'log_softmax': {},
        'threshold': {'threshold': 0.5, 'default_value': -3.0}}.items():
    KERAS3[_name] = (_name, [wave(3, 8, scale=4)], _attrs)
KERAS3['gelu erf'] = ('gelu', [wave(3, 8, scale=4)], {'approximate': False})
KERAS3['hard_sigmoid3'] = ('hard_sigmoid', [wave(3, 8, scale=4)], {})

_LOGITS = wave(3, 7, 5, scale=3)
_TARGET = np.array([[1, 2, 2], [3, 3, 3], [4, 1, 2]], 'int32')
_CTC = [_TARGET, _LOGITS, np.array([3, 2, 0], 'int32'), np.array([7, 6, 4], 'int32')]
_DEFINITE = (wave(4, 6) @ wave(4, 6).T + np.eye(4)).astype('float32')
KERAS3.update({
    'ctc loss': ('ctc_loss', _CTC, {}),
    'ctc loss mask': ('ctc_loss', [np.where(_TARGET == 3, 0, _TARGET), *_CTC[1:]], {'mask_index': 3}),
    'ctc greedy': ('ctc_decode:0', [_LOGITS, _CTC[3]], {}),
    'ctc greedy scores': ('ctc_decode:1', [_LOGITS, _CTC[3]], {}),
    'ctc greedy repeated': ('ctc_decode:0', [_LOGITS, _CTC[3]], {'merge_repeated': False, 'mask_index': 2}),
    'ctc beams': ('ctc_decode:0', [_LOGITS, _CTC[3]], {'strategy': 'beam_search', 'top_paths': 2, 'mask_index': 1}),
    'ctc beam scores': ('ctc_decode:1', [_LOGITS, _CTC[3]], {'strategy': 'beam_search', 'top_paths': 2, 'mask_index': 1}),
    'fft': ('fft:1', [(wave(2, 12), wave(2, 12, phase=1))], {}),
    'rfft': ('rfft:1', [wave(2, 9)], {'fft_length': 12}),
    'irfft': ('irfft', [(wave(2, 5), wave(2, 5, phase=1))], {'fft_length': 9}),
    'ifft2': ('ifft2:0', [(wave(3, 4), wave(3, 4, phase=1))], {}),
    'stft': ('stft:0', [wave(2, 60)], {'sequence_length': 12, 'sequence_stride': 5, 'fft_length': 16}),
    'stft hamming': ('stft:1', [wave(60)], {'sequence_length': 12, 'sequence_stride': 5, 'fft_length': 12,
                                            'window': 'hamming', 'center': False}),
    'istft': ('istft', [(wave(6, 9), wave(6, 9, phase=1))], {'sequence_length': 12, 'sequence_stride': 4, 'fft_length': 16}),
    'istft length': ('istft', [(wave(6, 9), wave(6, 9, phase=1))],
                     {'sequence_length': 16, 'sequence_stride': 4, 'fft_length': 16, 'length': 20}),
    'extract sequences': ('extract_sequences', [wave(2, 11)], {'sequence_length': 4, 'sequence_stride': 3}),
    'cholesky': ('cholesky', [_DEFINITE], {}), 'logdet': ('logdet', [_DEFINITE], {}),
    'cholesky inverse': ('cholesky_inverse', [np.linalg.cholesky(_DEFINITE)], {}),
    'eigh': ('eigh:0', [_DEFINITE], {}), 'svd': ('svd', [wave(4, 3)], {'compute_uv': False}),
    'lu': ('lu_factor:0', [wave(4, 4) + np.eye(4, dtype='float32')], {}),
    'pinv': ('pinv', [wave(4, 2)], {}), 'lstsq': ('lstsq', [wave(5, 2), wave(5, phase=1)], {}),
    'matrix rank': ('matrix_rank', [np.outer(np.arange(3), np.arange(4)).astype('float32')], {}),
    'slogdet': ('slogdet:1', [_DEFINITE], {}), 'solve': ('solve', [_DEFINITE, wave(4, 2)], {}),
    'solve triangular': ('solve_triangular', [_DEFINITE, wave(4, 2)], {'lower': True}),
    'norm nuc': ('norm', [wave(3, 4)], {'ord': 'nuc', 'axis': (0, 1)}),
    'cdist': ('cdist', [wave(3, 2), wave(4, 2, phase=1)], {}), 'corrcoef': ('corrcoef', [wave(3, 5)], {}),
    'correlate': ('correlate', [wave(6), wave(4, phase=1)], {'mode': 'same'}), 'i0': ('i0', [wave(9, scale=8)], {}),
    'histogram': ('histogram:0', [wave(40)], {'bins': 6}), 'histogram range': ('histogram:0', [wave(40)], {'range': (-1, 1)}),
    'nanquantile': ('nanquantile', [np.where(np.abs(wave(3, 7)) > 1.8, np.nan, wave(3, 7)).astype('float32')],
                    {'q': [0.2, 0.5], 'axis': 1}),
    'unravel': ('unravel_index:1', [np.array([5, 11, 7], 'int32')], {'shape': (3, 4)}),
    'rearrange': ('rearrange', [wave(2, 6, 2), 'b (h p) c -> b h (c p)'], {'p': 3}),
})

_SATURATED = np.array([[0, 1, 0], [1, 0, 0], [0.2, 0.3, 0.5], [2, 4, 2]], 'float32')
_LABELS = np.eye(3, dtype='float32')[[0, 0, 2, 1]]
KERAS2 = {
    'categorical 2': ('categorical_crossentropy', [_LABELS, _SATURATED], {}),
    'categorical 2 soft': ('categorical_crossentropy', [probabilities(3, 4), probabilities(3, 4, phase=1)], {}),
    'sparse 2': ('sparse_categorical_crossentropy', [np.array([0, 0, 2], 'int32'), _SATURATED[:3]], {}),
    'binary 2': ('binary_crossentropy', [_LABELS[:3], _SATURATED[:3]], {}),
    'binary 2 logits': ('binary_crossentropy', [_LABELS[:3], wave(3, 3, scale=30)], {'from_logits': True}),
    'hard_sigmoid': ('hard_sigmoid', [wave(3, 8, scale=4)], {}),
    'l2_normalize': ('l2_normalize', [wave(3, 4)], {'axis': 1}),
    'relu max': ('relu', [wave(3, 8, scale=4)], {'alpha': 0.1, 'max_value': 2.0, 'threshold': 0.5}),
}


def called(ops, op, args, attrs):
    """The result of an op; of 'name:k', the k-th of its results."""
    name, _, k = op.partition(':')
    y = getattr(ops, name)(*args, **attrs)
    return y[int(k)] if k else y


def record(generation):
    results = json.loads(FILE.read_text()) if FILE.exists() else {}
    if generation == '3':
        import keras
        for name, (op, args, attrs) in KERAS3.items():
            args = [a if isinstance(a, (str, tuple)) else keras.ops.convert_to_tensor(a) for a in args]
            results[name] = _plain(keras.ops.convert_to_numpy(called(keras.ops, op, args, attrs)))
    else:
        from keras224 import keras
        K = keras.backend
        for name, (op, args, attrs) in KERAS2.items():
            results[name] = _plain(K.eval(getattr(K, op)(*[K.constant(a, dtype=a.dtype.name) for a in args], **attrs)))
    lines = [f'{json.dumps(k)}: {json.dumps(v)}' for k, v in sorted(results.items())]
    FILE.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


def _plain(a):
    a = np.asarray(a)
    return {'shape': a.shape, 'values': [float(f'{v:.7g}') for v in a.astype(float).ravel()]}


if __name__ == '__main__':
    record(sys.argv[1])
