"""Makes calls to a model server with NVIDIA's tritonclient and says everything that it saw.

    python client.py GRPC_ADDRESS HTTP_ADDRESS

Reads one call on each line of JSON and writes one line of JSON for it. It is a process of its own,
because tritonclient does not agree on protobuf with the tests, and no process can hold two copies of
the protocol.
"""

import json
import queue
import sys
import time

import grpc
import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from google.protobuf import json_format
from tritonclient.grpc import service_pb2 as pb
from tritonclient.utils import InferenceServerException, shared_memory, triton_to_np_dtype

SERVICE = "/inference.GRPCInferenceService/"
CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def array(tensor):
    """A tensor of a call as numpy."""
    kind = object if tensor["datatype"] == "BYTES" else triton_to_np_dtype(tensor["datatype"])
    return np.array(tensor["data"], dtype=kind).reshape(tensor["shape"])


def plain(values):
    """Numpy as what JSON can say."""
    if values is None:
        return None
    texts = [v.decode() if isinstance(v, bytes) else v for v in values.reshape(-1).tolist()]
    return {"shape": list(values.shape), "type": values.dtype.name, "values": texts}


def set_parameter(parameters, name, value):
    field = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}[type(value)]
    setattr(parameters[name], field, value)


def message(call):
    """The ModelInferRequest of a call; `typed` says whether values are typed or raw."""
    request = pb.ModelInferRequest(
        model_name=call["model"], model_version=call.get("version", ""), id=call.get("id", "")
    )
    for name, value in call.get("parameters", {}).items():
        set_parameter(request.parameters, name, value)
    for tensor in call["inputs"]:
        added = request.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        for name, value in tensor.get("parameters", {}).items():
            set_parameter(added.parameters, name, value)
        if call.get("typed"):
            texts = [v.encode() if isinstance(v, str) else v for v in tensor["data"]]
            getattr(added.contents, CONTENTS[tensor["datatype"]]).extend(texts)
        else:
            written = over_grpc.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
            written.set_data_from_numpy(array(tensor))
            request.raw_input_contents.append(written._get_content())
    for output in call.get("outputs", []):
        request.outputs.add(name=output)
    return request


def metadata(pairs):
    return sorted([key, value] for key, value in pairs or () if key not in VOLATILE)


VOLATILE = {"date", "ce-time"}


class Client:
    def __init__(self, grpc_address, http_address):
        self.address = grpc_address
        # Connects again at once when a server comes back.
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100)]
        self.channel = grpc.insecure_channel(grpc_address, options)
        self.grpc = over_grpc.InferenceServerClient(grpc_address)
        self.http = over_http.InferenceServerClient(http_address)

    def answer(self, call):
        return getattr(self, call["do"])(call)

    # ------------------------------------------------------------------ tritonclient as people use it

    def infer(self, call):
        inputs = []
        for tensor in call["inputs"]:
            given = over_grpc.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
            inputs.append(given.set_data_from_numpy(array(tensor)))
        outputs = [over_grpc.InferRequestedOutput(o["name"], class_count=o.get("classes", 0)) for o in call["outputs"]]
        result = self.grpc.infer(
            call["model"],
            inputs,
            model_version=call.get("version", ""),
            outputs=outputs or None,
            request_id=call.get("id", ""),
            client_timeout=call.get("timeout", 20),
            headers=call.get("metadata"),
            compression_algorithm=call.get("compression"),
            parameters=call.get("parameters"),
        )
        return self.result(result)

    def result(self, result):
        said = result.get_response(as_json=True)
        return {
            "said": {key: said.get(key) for key in ("model_name", "model_version", "id", "parameters")},
            "outputs": {o["name"]: [o["datatype"], plain(result.as_numpy(o["name"]))] for o in said.get("outputs", [])},
        }

    def http_infer(self, call):
        binary = call["binary"]
        inputs = []
        for tensor in call["inputs"]:
            half = tensor["datatype"] == "FP16"  # JSON has none
            given = over_http.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
            inputs.append(given.set_data_from_numpy(array(tensor), binary_data=binary or half))
        outputs = [over_http.InferRequestedOutput(o["name"], binary_data=binary) for o in call["outputs"]]
        result = self.http.infer(
            call["model"],
            inputs,
            outputs=outputs or None,
            request_id=call.get("id", ""),
            request_compression_algorithm=call.get("compression"),
            response_compression_algorithm=call.get("compression"),
        )
        said = result.get_response()
        names = [output["name"] for output in said["outputs"]]
        return {"said": said, "outputs": {name: plain(result.as_numpy(name)) for name in names}}

    def stream(self, call):
        """All replies to the requests on one stream, by request."""
        replies = queue.Queue()
        self.grpc.start_stream(lambda result, error: replies.put((result, error)))
        for request in call["requests"]:
            inputs = []
            for tensor in request["inputs"]:
                given = over_grpc.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
                inputs.append(given.set_data_from_numpy(array(tensor)))
            self.grpc.async_stream_infer(
                request["model"], inputs, request_id=request.get("id", ""), enable_empty_final_response=True
            )
        seen = []
        finals = 0
        while finals < call["finals"]:
            result, error = replies.get(timeout=20)
            if error is not None:
                seen.append(["", "error", error.message()])
            else:
                said = result.get_response()
                finals += said.parameters["triton_final_response"].bool_param
                seen.append([said.id, len(seen), json_format.MessageToDict(said)])
        self.grpc.stop_stream()
        # Replies to different requests come in any order, those to one request in theirs.
        return {"replies": [[id, reply] for id, _, reply in sorted(seen, key=lambda s: s[0])]}

    def shared_memory(self, call):
        """One input and one output in memory that client and server share."""
        given = array(call["input"])
        region = shared_memory.create_shared_memory_region("region", call["key"], 4096)
        try:
            shared_memory.set_shared_memory_region(region, [given])
            self.grpc.register_system_shared_memory("region", call["key"], 4096)
            tensor = over_grpc.InferInput(call["input"]["name"], given.shape, call["input"]["datatype"])
            tensor.set_shared_memory("region", given.nbytes)
            output = over_grpc.InferRequestedOutput(call["output"])
            output.set_shared_memory("region", given.nbytes, offset=2048)
            result = self.grpc.infer(call["model"], [tensor], outputs=[output], request_id=call.get("id", ""))
            values = shared_memory.get_contents_as_numpy(region, given.dtype, given.shape, offset=2048)
            self.unregister("region")
            return {"said": result.get_response(as_json=True), "values": plain(values)}
        finally:
            shared_memory.destroy_shared_memory_region(region)

    def unregister(self, region):
        """Triton lets go of a region a moment after its answer."""
        deadline = time.monotonic() + 5
        while True:
            try:
                return self.grpc.unregister_system_shared_memory(region)
            except InferenceServerException as error:
                if "currently in use" not in error.message() or time.monotonic() > deadline:
                    raise

    # -------------------------------------------------------------------------- what is on the wire

    def exchange(self, call):
        """A unary call with everything that comes back, to the byte."""
        return self.unary("ModelInfer", message(call).SerializeToString(), call)

    def control(self, call):
        kind = getattr(pb, call["message"])
        return self.unary(call["method"], json_format.ParseDict(call["fields"], kind()).SerializeToString(), call)

    def unary(self, method, body, call):
        method = call.get("service", SERVICE) + method
        compression = grpc.Compression.Gzip if call.get("compression") == "gzip" else None
        options = {"timeout": call.get("timeout", 20), "metadata": call.get("metadata"), "compression": compression}
        try:
            reply, seen = self.channel.unary_unary(method).with_call(body, **options)
        except grpc.RpcError as error:
            return {
                "code": error.code().name,
                "details": error.details(),
                "initial": metadata(error.initial_metadata()),
                "trailing": metadata(error.trailing_metadata()),
            }
        return {
            "code": seen.code().name,
            "reply": reply.hex(),
            "initial": metadata(seen.initial_metadata()),
            "trailing": metadata(seen.trailing_metadata()),
        }

    def streamed(self, call):
        """Requests on one ModelStreamInfer, and the replies to the byte, in order."""
        bodies = [message(request).SerializeToString() for request in call["requests"]]
        stream = self.channel.stream_stream(SERVICE + "ModelStreamInfer")(iter(bodies), timeout=20)
        try:
            replies = [reply.hex() for reply in stream]
        except grpc.RpcError as error:
            return {"code": error.code().name, "details": error.details()}
        return {"code": stream.code().name, "replies": replies, "trailing": metadata(stream.trailing_metadata())}


def main():
    client = Client(*sys.argv[1:])
    for line in sys.stdin:
        try:
            answer = client.answer(json.loads(line))
        except InferenceServerException as error:
            answer = {"status": error.status(), "error": error.message()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
