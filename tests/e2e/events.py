"""Events as loggers post them: recorded ones, word for word, and ones made up; and a sidecar that takes them."""

import json
import socket
import urllib.error
import urllib.request

from conftest import FAST
from sidecar import ROOT
from waiting import free_port

CAPTURES = ROOT / "tests" / "data" / "captures"
SOURCE = {"source": "events"}


def taking_events(**more):
    """Settings of a sidecar that takes events, and where."""
    address = f"127.0.0.1:{free_port()}"
    http = {"listen_address": address, **more.pop("http", {})}
    return {**FAST, "http": http, **more}, address


def recorded(name):
    """A whole HTTP request of a logger."""
    return (CAPTURES / "cloudevents" / f"{name}.http").read_bytes()


def mesh(half):
    """What ModelMesh posts, as a whole HTTP request."""
    body = (CAPTURES / "modelmesh" / f"{half}.json").read_bytes()
    head = f"POST /payloads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def connected(address, timeout=10):
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout)


def status_of(answer):
    line = answer.readline().split()
    assert line, "the connection was closed without an answer"
    return int(line[1])


def send_as_it_is(address, request):
    """The status of the answer to these bytes."""
    with connected(address) as stream:
        stream.sendall(request)
        with stream.makefile("rb") as answer:
            return status_of(answer)


def post(address, body, headers=None, path="/"):
    """The status of the answer to a post."""
    request = urllib.request.Request(f"http://{address}{path}", body, headers or {}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def half(kind, call, body, model="made-up", **attributes):
    """Body and headers of one half of a call in binary mode, as KServe's logger posts it."""
    headers = {
        "Ce-Id": str(call),
        "Ce-Type": f"org.kubeflow.serving.inference.{kind}",
        "Ce-Specversion": "1.0",
        "Ce-Source": "made-up",
        "Ce-Inferenceservicename": model,
        "Ce-Component": "predictor",
        "Content-Type": "application/json",
    }
    headers |= {f"Ce-{name.capitalize()}": value for name, value in attributes.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return data, headers
