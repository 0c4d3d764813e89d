"""Keras 3's modules of operations by topic: `ops.nn`, `ops.linalg`, `ops.numpy`.

Our files nn.py and linalg.py hold a part of the functions that Keras has in its modules of these names; here the others are put
beside them, when all are loaded. In `fastkeras.ops` itself every function is found without a topic, in `ops.numpy` too.
"""

NN = ('adaptive_average_pool', 'adaptive_max_pool', 'average_pool', 'batch_normalization', 'binary_crossentropy',
      'categorical_crossentropy', 'celu', 'conv', 'conv_transpose', 'ctc_decode', 'ctc_loss', 'depth_to_space',
      'depthwise_conv', 'dot_product_attention', 'elu', 'fold', 'gelu', 'glu', 'hard_shrink', 'hard_sigmoid', 'hard_silu',
      'hard_swish', 'hard_tanh', 'layer_normalization', 'leaky_relu', 'log_sigmoid', 'log_softmax', 'max_pool', 'moments',
      'multi_hot', 'normalize', 'one_hot', 'polar', 'psnr', 'relu', 'relu6', 'rms_normalization', 'selu', 'separable_conv',
      'sigmoid', 'silu', 'soft_shrink', 'softmax', 'softplus', 'softsign', 'space_to_depth',
      'sparse_categorical_crossentropy', 'sparse_plus', 'sparse_sigmoid', 'sparsemax', 'squareplus', 'swish', 'tanh_shrink',
      'threshold', 'unfold')
LINALG = ('cholesky', 'cholesky_inverse', 'det', 'eig', 'eigh', 'inv', 'jvp', 'lstsq', 'lu_factor', 'matrix_rank', 'norm',
          'pinv', 'qr', 'solve', 'solve_triangular', 'svd')


def fill(module, names, functions):
    """Put into a module the functions of these names that it has not."""
    for name in names:
        if name not in vars(module) and name in functions:
            setattr(module, name, functions[name])
