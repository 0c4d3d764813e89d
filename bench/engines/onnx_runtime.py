"""ONNX Runtime, CPU execution provider, on a file that PyTorch wrote."""
import onnxruntime

from . import base


class Engine(base.Engine):
    variants = {'predict_on_batch': ['session']}

    def versions(self):
        return {'onnxruntime': onnxruntime.__version__}

    def predictor(self, task, variant, network, batch, file):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_session_config_entry('session.intra_op.allow_spinning', '1')
        session = onnxruntime.InferenceSession(file, options, ['CPUExecutionProvider'])
        return base.first_channels, lambda x: session.run(None, {'x': x})[0]
