"""PyTorch: eager in either memory format, TorchScript frozen, and torch.compile (inductor), which needs a C++ compiler."""
import itertools
import math
import warnings

import torch
from torch.nn import functional as F

from bench import networks

from . import base
from .torch_layers import build


class Engine(base.Engine):
    variants = {
        'predict_on_batch': ['eager', 'eager channels_last', 'script', 'script channels_last', 'compile',
                             'compile channels_last'],
        'train_on_batch': ['eager', 'eager channels_last', 'compile', 'compile channels_last'],
    }

    def __init__(self, threads):
        super().__init__(threads)
        torch.set_num_threads(threads)
        warnings.filterwarnings('ignore')
        self.inference = None

    def versions(self):
        return {'torch': torch.__version__}

    def _mode(self, inference):
        """inference_mode for good rather than in every call: what it costs to enter is not counted against PyTorch."""
        if inference and self.inference is None:
            self.inference = torch.inference_mode()
            self.inference.__enter__()
        elif not inference and self.inference is not None:
            self.inference.__exit__(None, None, None)
            self.inference = None

    @staticmethod
    def _images(x, variant):
        if x.ndim > 3:
            x = x.permute(0, x.ndim - 1, *range(1, x.ndim - 1))
            return x.contiguous(memory_format=_format(variant, x.ndim))
        return x

    def predictor(self, task, variant, network, batch, file):
        self._mode(inference='script' not in variant)
        axes = len(networks.NETWORKS[network].input_shape) + 1
        module = build(network).eval().to(memory_format=_format(variant, axes))

        def feed(x):
            return self._images(torch.from_numpy(x), variant)
        if 'script' in variant:
            with torch.no_grad():
                x = feed(networks.inputs(network, batch))
                module = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(module, x)))
            self._mode(inference=True)
        elif 'compile' in variant:
            torch._dynamo.reset()
            module = torch.compile(module, dynamic=False, options={'freezing': True})
        return feed, lambda x: module(x).numpy()

    def trainer(self, variant, network, batch, dropout=True, rate=1e-3):
        self._mode(inference=False)
        axes = len(networks.NETWORKS[network].input_shape) + 1
        module = build(network, logits=True, dropout=dropout).train().to(memory_format=_format(variant, axes))
        optimizer = torch.optim.Adam(module.parameters(), lr=rate, fused=True)
        steps = itertools.count(1)
        x = self._images(torch.from_numpy(networks.inputs(network, batch)), variant)
        y = torch.from_numpy(networks.targets(network, batch))
        loss_of = {'mse': F.mse_loss, 'binary_crossentropy': F.binary_cross_entropy_with_logits,
                   'categorical_crossentropy': F.cross_entropy}[networks.NETWORKS[network].loss]
        if loss_of is F.cross_entropy:
            y = y.argmax(1)

        def objective(x, y):
            return loss_of(module(x), y)
        if 'compile' in variant:
            torch._dynamo.reset()
            objective = torch.compile(objective, dynamic=False)

        def step():
            # Keras adds 1e-7 to the root of the moment before its bias is corrected, PyTorch adds it behind
            optimizer.param_groups[0]['eps'] = 1e-7 / math.sqrt(1 - 0.999 ** next(steps))
            optimizer.zero_grad(set_to_none=True)
            loss = objective(x, y)
            loss.backward()
            optimizer.step()
            return loss.item()
        return step

    def export_onnx(self, network, batch, path):
        self._mode(inference=False)
        x = self._images(torch.from_numpy(networks.inputs(network, batch)), 'eager')
        torch.onnx.export(build(network).eval(), (x,), path, dynamo=False, opset_version=17, input_names=['x'],
                          output_names=['y'])


def _format(variant, axes):
    """For inputs of so many axes. Weights of four axes are those of images."""
    if 'channels_last' not in variant:
        return torch.contiguous_format
    return torch.channels_last_3d if axes == 5 else torch.channels_last
