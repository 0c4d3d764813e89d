"""SpectralNormalization."""

from __future__ import annotations

from typing import Any

from fastkeras import initializers, ops

from .base import InputSpec
from .checks import count
from .input_spec import title
from .wrappers import Wrapper

__all__ = ['SpectralNormalization']


class SpectralNormalization(Wrapper):
    """A layer whose kernel (or embeddings) is divided by its largest singular value in each call in training (Miyato et
    al. 2018).

    layer: one with a weight `kernel` or `embeddings`, taken as a matrix with the last axis as its columns.
    power_iterations: how often the weight `vector_u` (1, columns), from which that value is estimated, is improved in a
    call. In training the weight is replaced, so that inference has it normalised too. A weight of zeros stays.
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = count(self, 'power_iterations', power_iterations)

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        found = getattr(self.layer, 'kernel', None)
        # kept as an attribute: it comes before vector_u in `weights`, as in Keras 3
        self.kernel = getattr(self.layer, 'embeddings', None) if found is None else found
        if self.kernel is None:
            raise ValueError(f'{title(self)}: expected a layer with a weight kernel or embeddings, got '
                             f'{title(self.layer)}, which has neither')
        self.vector_u = self.add_weight('vector_u', (1, self.kernel.shape[-1]), trainable=False,
                                        initializer=initializers.TruncatedNormal(stddev=0.02))
        self.built = True

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training:
            u, kernel = self.normalized_weights()
            self.vector_u.assign(u)
            self.kernel.assign(kernel)
        return self.layer(inputs, training=training)

    def normalized_weights(self) -> Any:
        """The next `vector_u`, and the weight over its largest singular value as estimated with that."""
        weight = ops.convert_to_tensor(self.kernel)
        matrix, u = ops.reshape(weight, (-1, weight.shape[-1])), ops.convert_to_tensor(self.vector_u)
        before = u
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, matrix, transpose_b=True), axis=(0, 1))
            u = ops.normalize(ops.matmul(v, matrix), axis=(0, 1))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.sum(ops.matmul(v, matrix) * u)
        some = ops.any(ops.not_equal(matrix, 0.0))
        return ops.where(some, u, before), weight / ops.where(some, sigma, 1.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), 'power_iterations': self.power_iterations}
