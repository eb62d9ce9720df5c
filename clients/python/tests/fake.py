"""A stand-in for the sidecar, in this process, that fails as it is told to."""

import threading
from concurrent import futures

import grpc
from conftest import compiled

from driftgauge import _wire


class Fake:
    """`script` holds what comes next: a status code, an answer, or a function of the request and the
    context; after the last it takes everything, each number once, as the sidecar does."""

    def __init__(self, *script):
        self.pb = compiled()
        self.script = list(script)
        self.requests = []
        self.taken = {}
        self.released = threading.Event()
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        handler = grpc.unary_unary_rpc_method_handler(self.observe)
        service, method = _wire.OBSERVE.strip("/").split("/")
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.target = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.stop(0).wait()

    def taken_and_silent(self, request, context):
        """A step: the rows are taken, the answer does not come until it is released."""
        self.take(request)
        self.released.wait(60)

    def observe(self, data, context):
        request = self.pb.ObserveRequest.FromString(data)
        self.requests.append(request)
        if self.script and request.batches:
            step = self.script.pop(0)
            if isinstance(step, grpc.StatusCode):
                context.abort(step, "as told")
            if callable(step):
                step = step(request, context)
            if step is not None:
                return step if isinstance(step, bytes) else step.SerializeToString()
        return self.take(request).SerializeToString()

    def take(self, request):
        rows = sum(batch.rows for batch in request.batches)
        duplicate = request.sequence in self.taken
        if request.batches:
            self.taken.setdefault(request.sequence, rows)
        return self.pb.ObserveResponse(accepted_rows=rows, duplicate_rows=rows if duplicate else 0)

    @property
    def rows(self):
        return sum(self.taken.values())

    @property
    def batches(self):
        return [batch for request in self.requests for batch in request.batches]
