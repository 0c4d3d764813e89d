"""The engines, each behind the same few methods (`base.Engine`), imported only in the process that runs it."""
import importlib
import importlib.util
from collections import namedtuple

# module: here; needs: what it imports; tasks: that it can do; files: the kind of file that it reads the network from
Kind = namedtuple('Kind', 'module needs tasks files', defaults=[None])

ENGINES = {
    'fastkeras': Kind('native', ['fastkeras'], ['predict_on_batch', 'predict', 'train_on_batch']),
    'torch': Kind('pytorch', ['torch'], ['predict_on_batch', 'train_on_batch']),
    'tensorflow': Kind('keras_tensorflow', ['tensorflow', 'keras'], ['predict_on_batch', 'predict', 'train_on_batch']),
    'onnxruntime': Kind('onnx_runtime', ['onnxruntime', 'onnx', 'torch'], ['predict_on_batch'], 'onnx'),
    'openvino': Kind('openvino_cpu', ['openvino', 'onnx', 'torch'], ['predict_on_batch'], 'onnx'),
    'litert': Kind('litert', ['ai_edge_litert', 'tensorflow', 'keras'], ['predict_on_batch'], 'tflite'),
    'jax': Kind('keras_jax', ['jax', 'keras'], ['predict_on_batch', 'train_on_batch']),
}
OURS, *PEERS = ENGINES


def missing(name):
    """The packages that the engine needs and that are not installed. ONNX files are PyTorch's, LiteRT's TensorFlow's."""
    return [package for package in ENGINES[name].needs if importlib.util.find_spec(package) is None]


def load(name, threads):
    return importlib.import_module(f'.{ENGINES[name].module}', __name__).Engine(threads)
