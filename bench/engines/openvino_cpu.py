"""OpenVINO's CPU plugin in float32, on the ONNX file."""
import openvino

from . import base


class Engine(base.Engine):
    variants = {'predict_on_batch': ['latency']}

    def versions(self):
        return {'openvino': openvino.__version__}

    def predictor(self, task, variant, network, batch, file):
        core = openvino.Core()
        compiled = core.compile_model(file, 'CPU', {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': self.threads,
                                                    'INFERENCE_PRECISION_HINT': 'f32', 'NUM_STREAMS': 1})
        request = compiled.create_infer_request()

        def run(x):
            return request.infer(x, share_inputs=True, share_outputs=True)[0]
        return base.first_channels, run
