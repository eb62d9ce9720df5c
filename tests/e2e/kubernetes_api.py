"""As much of the Kubernetes API as Prometheus needs to find pods: list and watch, read-only."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def running(name, spec):
    """A pod that runs on this machine."""
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"},
        "spec": {**spec, "nodeName": "node-1"},
        "status": {
            "phase": "Running",
            "podIP": "127.0.0.1",
            "hostIP": "127.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


class PodsApi:
    """Serves these pods for as long as it is open."""

    def __init__(self, pods):
        self.closing = closing = threading.Event()
        end = {"metadata": {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                if query.get("watch") in ("1", "true"):
                    self.watch(query.get("sendInitialEvents") == "true")
                else:
                    found = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": pods}
                    body = json.dumps(found).encode()
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def watch(self, with_pods):
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                events = [("ADDED", pod) for pod in pods] + [("BOOKMARK", end)]
                for kind, pod in events if with_pods else []:
                    event = {"type": kind, "object": {"apiVersion": "v1", "kind": "Pod", **pod}}
                    line = json.dumps(event).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
                closing.wait(60)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
