"""Three replies to every request; a negative value is an error."""

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            value = pb_utils.get_input_tensor_by_name(request, "value").as_numpy()
            if value.min() < 0:
                sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError("negative value")))
            else:
                for factor in (1, 2, 3):
                    output = pb_utils.Tensor("repeated", (value * factor).astype(np.float32))
                    sender.send(pb_utils.InferenceResponse([output]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        return None
