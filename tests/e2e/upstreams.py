"""Model servers of a few lines, over HTTP/1.1 and HTTP/2, that answer what a test wants."""

import json
import socket
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from waiting import free_port


class Answering(ThreadingHTTPServer):
    """Answers every post with the JSON that `answer(path, document)` returns: a document, or status and document."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.address = f"127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait for a delayed acknowledgement of the first.
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer(self.path, body)
        status, document = answer if isinstance(answer, tuple) else (200, answer)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Scripted:
    """Runs `script(connection)` for each connection, and closes it; keeps all bytes that came."""

    def __init__(self, script):
        self.script = script
        self.came = []
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=1_000)
        self.address = "{}:{}".format(*self.listener.getsockname())

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(stream,), daemon=True).start()

    def run(self, stream):
        with closing(stream):
            try:
                self.script(Heard(stream, self.came))
            except OSError:
                pass


class Heard:
    """A connection that remembers what it has read."""

    def __init__(self, stream, came):
        self.stream, self.bytes = stream, bytearray()
        self.send = stream.sendall
        came.append(self.bytes)

    def read(self):
        """More bytes; `b""` at the end."""
        data = self.stream.recv(1 << 16)
        self.bytes += data
        return data

    def read_until(self, end):
        while end not in self.bytes and self.read():
            pass

    def read_all(self):
        while self.read():
            pass
