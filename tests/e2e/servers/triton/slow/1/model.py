"""Answers after as many seconds as it is told; a negative number is an error."""

import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        seconds = pb_utils.get_input_tensor_by_name(request, "seconds").as_numpy()
        if seconds.min() < 0:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError("cannot sleep backwards"))
        time.sleep(float(seconds.max()))
        return pb_utils.InferenceResponse([pb_utils.Tensor("slept", seconds)])
