"""What the proxy costs: a model server over gRPC that answers at once, and calls to it through a sidecar.

Question and answer are as recorded from KServe: one row of four values, one prediction.
"""

from concurrent import futures
from pathlib import Path

import grpc

from sidecar import Sidecar
from waiting import free_port

RECORDED = Path(__file__).resolve().parents[2] / "tests" / "data" / "captures" / "kserve"
QUESTION, ANSWER = ((RECORDED / f"iris_fp32_raw_b1.{half}.pb").read_bytes() for half in ("req", "resp"))
METHOD = "/inference.GRPCInferenceService/ModelInfer"
CALLS_A_SECOND = [100, 300]


class Answering(grpc.GenericRpcHandler):
    def service(self, _):
        return grpc.unary_unary_rpc_method_handler(lambda question, context: ANSWER)


class Forwarded:
    """A sidecar before a model server, and a client of it; a context."""

    def __init__(self, directory):
        self.server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Answering()])
        upstream = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        address = f"127.0.0.1:{free_port()}"
        settings = {"tick": "2s", "learning": {"rows": 100}, "forward": {"listen_address": address, "upstream": upstream}}
        self.sidecar = Sidecar(directory / "forwarded", settings)
        self.channel = grpc.insecure_channel(address)
        self.infer = self.channel.unary_unary(METHOD)

    def __enter__(self):
        self.server.start()
        self.sidecar.start()
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.sidecar.kill()
        self.server.stop(None)

    def call(self):
        assert self.infer(QUESTION, timeout=10, wait_for_ready=True) == ANSWER
