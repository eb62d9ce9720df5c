"""Middleware for FastAPI, Starlette and every other ASGI application.

    app.add_middleware(driftgauge.asgi.DriftgaugeMiddleware, monitor=monitor, paths=["/predict"])

It watches from outside: what comes and goes passes through unchanged. By default the body of the
request, a JSON object, is the row; and of the answer's JSON object `prediction` and `score` are the
answer. `read` reads other bodies. For more than that, call `monitor.observe` in the endpoint.
"""

import json
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Optional

from ._books import INVALID
from ._monitor import EXIT_SECONDS, Monitor
from ._words import worded

Read = Callable[[Any, Any], Optional[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


def read_json(request: Any, answer: Any) -> Optional[dict[str, Any]]:
    """The arguments of `observe` for JSON bodies that were parsed: a row, or a list of rows as the body,
    or as its `instances`. None: nothing to observe."""
    rows = request
    if isinstance(request, dict) and isinstance(request.get("instances"), list):
        rows = request["instances"]
    if not isinstance(rows, (dict, list)):
        return None
    found: dict[str, Any] = {"inputs": rows}
    if isinstance(answer, dict):
        found["prediction"] = answer.get("prediction", answer.get("predictions"))
        found["score"] = answer.get("score", answer.get("scores"))
    elif answer is not None:
        found["prediction"] = answer
    return found


class DriftgaugeMiddleware:
    """Observes POSTs to `paths` (all, if empty).

    - `read`: (request, answer), both parsed JSON, the answer None when the call failed → the arguments
      of `observe`, or None for a call that is none of the model's.
    - `max_body`: larger bodies, of request or answer, pass unseen and are counted as invalid.
    - `id_header`: the header of the request that identifies the row.
    """

    def __init__(
        self,
        app: Any,
        monitor: Monitor,
        paths: Collection[str] = (),
        read: Read = read_json,
        max_body: int = 64 << 10,
        id_header: str = "x-request-id",
    ) -> None:
        self.app, self.monitor, self.read, self.max_body = app, monitor, read, max_body
        self.paths = frozenset(paths)
        self.id_header = id_header.lower().encode()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._sending_what_waits(send))
            return
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        if not is_call or (self.paths and scope["path"] not in self.paths):
            await self.app(scope, receive, send)
            return
        request, answer = _Body(self.max_body), _Body(self.max_body)
        status = 500
        begun = time.perf_counter()
        ended: Optional[float] = None

        async def received() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "http.request":
                request.add(message.get("body", b""))
            return message

        async def sent(message: dict[str, Any]) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                answer.add(message.get("body", b""))
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended = time.perf_counter()  # what the application does afterwards is no latency

        try:
            await self.app(scope, received, sent)
        except Exception:
            self._observe(scope, request, answer, 500, time.perf_counter() - begun)
            raise
        self._observe(scope, request, answer, status, (ended or time.perf_counter()) - begun)

    def _sending_what_waits(self, send: Send) -> Send:
        """A server that ends by a signal, as uvicorn does, runs nothing at exit: this is the last moment."""

        async def sent(message: dict[str, Any]) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                self.monitor.flush(EXIT_SECONDS)
            await send(message)

        return sent

    def _observe(self, scope: dict[str, Any], request: "_Body", answer: "_Body", status: int, latency: float) -> None:
        headers = dict(scope.get("headers") or ())
        outcome = outcome_of(status)
        try:
            found = self.read(request.json(), answer.json() if outcome == "ok" else None)
        except Exception as error:
            if outcome != "client_error":  # what the application could not read either is no loss
                self.monitor._sender.lose(1, INVALID)
                self.monitor._sender.complain(f"a call of {scope['path']} cannot be read: {worded(error)}")
            return
        if not found:
            return
        id = headers.get(self.id_header, b"").decode("latin-1") or None
        if id and isinstance(found.get("inputs"), dict):
            found.setdefault("id", id)
        found.setdefault("trace_id", trace_id(headers.get(b"traceparent", b"")))
        self.monitor.observe(**{"latency": latency, "outcome": outcome, **found})


class _Body:
    """The parts of a body, as long as they are not too many."""

    def __init__(self, limit: int) -> None:
        self.parts: Optional[list[bytes]] = []
        self.size, self.limit = 0, limit

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self.limit:
            self.parts = None
        elif self.parts is not None and part:
            self.parts.append(part)

    def json(self) -> Any:
        if self.parts is None:
            raise ValueError(f"a body has more than {self.limit} bytes (max_body)")
        return json.loads(b"".join(self.parts))


def outcome_of(status: int) -> str:
    """What an HTTP status says of a call."""
    if status < 400:
        return "ok"
    if status in (408, 504):
        return "timeout"
    if status in (429, 503):
        return "rejected"
    return "client_error" if status < 500 else "server_error"


def trace_id(traceparent: bytes) -> Optional[str]:
    """The trace id in a W3C `traceparent` header."""
    parts: Iterable[bytes] = traceparent.split(b"-")
    _, id, *_ = [*parts, b"", b""]
    return id.decode("latin-1") if len(id) == 32 else None
