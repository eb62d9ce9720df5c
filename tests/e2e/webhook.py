"""Where Alertmanager sends its messages: pager, chat and e-mail in one HTTP server that remembers."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from waiting import wait_for


class Message:
    """One message, as it came in on a path."""

    def __init__(self, path, body):
        self.path, self.body, self.came = path, body, time.time()

    @property
    def status(self):
        """`firing` or `resolved`; of a chat message that is in its title."""
        resolved = "Resolved" in json.dumps(self.body.get("attachments", []))
        return self.body.get("status") or ("resolved" if resolved else "firing")

    @property
    def names(self):
        """Of a message of Alertmanager's own format: names of its alerts that fire."""
        return {a["labels"]["alertname"] for a in self.body.get("alerts", []) if a["status"] == "firing"}

    def says(self, text):
        return text in json.dumps(self.body, ensure_ascii=False)

    def __repr__(self):
        return f"{self.came:.1f} {self.path} {self.status}: {json.dumps(self.body, ensure_ascii=False)}"


class Webhook:
    """The server; `messages` are those that came, in order."""

    def __init__(self):
        self.messages = messages = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append(Message(self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"ok")  # as chats answer, and Alertmanager asks for it

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def find(self, path, status, text, since=0.0):
        return [m for m in self.messages if m.path == path and m.status == status and m.says(text) and m.came >= since]

    def wait(self, path, status, text, seconds, since=0.0):
        """The first message on a path with this status and text, of those that came since a moment."""
        what = f"a {status} message on {path} with {text!r}"
        try:
            return wait_for(lambda: self.find(path, status, text, since), what, seconds)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}\nmessages: {self.messages}") from None
