"""LiteRT (TensorFlow Lite) with XNNPACK, its default for float32 on a CPU."""
import importlib.metadata

from ai_edge_litert.interpreter import Interpreter

from . import base


class Engine(base.Engine):
    variants = {'predict_on_batch': ['interpreter']}

    def versions(self):
        return {'ai-edge-litert': importlib.metadata.version('ai-edge-litert')}

    def predictor(self, task, variant, network, batch, file):
        interpreter = Interpreter(file, num_threads=self.threads)
        interpreter.allocate_tensors()
        x_index, y_index = interpreter.get_input_details()[0]['index'], interpreter.get_output_details()[0]['index']

        def run(x):
            interpreter.set_tensor(x_index, x)
            interpreter.invoke()
            return interpreter.get_tensor(y_index)
        return (lambda x: x), run
