"""The one call of the push API, and what its failures mean for the rows that were in it."""

from typing import Any, NamedTuple, Union

from . import _wire

LONGEST_RECONNECT_MS = 1_000


class Failure(NamedTuple):
    """A call without an answer that can be used."""

    sentence: str
    is_refusal: bool = False
    """The sidecar has read it and will never take it."""
    maybe_taken: bool = False
    """It may have arrived, and have been taken."""
    wanted_pause: float = 0.0
    """Seconds that the sidecar asks to wait."""


class Connection:
    """Made at the first call, on the thread that calls: grpc is imported no earlier, and nothing of a
    channel is there when a process forks before."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._channel: Any = None
        self._observe: Any = None

    def call(self, message: bytes, timeout: float) -> Union[_wire.Reply, Failure]:
        import grpc

        try:
            if self._channel is None:
                self._open(grpc)
            return _wire.reply(self._observe(message, timeout=timeout))
        except grpc.RpcError as error:
            return self._failure(grpc, error)
        except ValueError as error:
            return Failure(str(error), maybe_taken=True)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    def _open(self, grpc: Any) -> None:
        options: list[tuple[str, Any]] = [
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", LONGEST_RECONNECT_MS),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self._target.startswith("unix:"):
            # grpcio sends the path of a Unix socket as authority, which HTTP/2 servers refuse.
            options.append(("grpc.default_authority", "localhost"))
        self._channel = grpc.insecure_channel(self._target, options)
        self._observe = self._channel.unary_unary(_wire.OBSERVE)

    def _failure(self, grpc: Any, error: Any) -> Failure:
        code, details = error.code(), error.details() or ""
        codes = grpc.StatusCode
        # The words of grpcio for a connection that never was; all other failures may come after arrival.
        was_away = code == codes.UNAVAILABLE and "failed to connect" in details.lower()
        return Failure(
            sentence=f"{self._target}: {code.name}: {details}",
            is_refusal=code in (codes.INVALID_ARGUMENT, codes.OUT_OF_RANGE),
            maybe_taken=not was_away and code != codes.RESOURCE_EXHAUSTED,
            wanted_pause=_pushback(error),
        )


def _pushback(error: Any) -> float:
    """Seconds that the sidecar asks to wait."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-retry-pushback-ms":
            try:
                return max(int(value), 0) / 1000
            except ValueError:
                return 0.0
    return 0.0
