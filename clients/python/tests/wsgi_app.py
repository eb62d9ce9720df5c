"""A plain WSGI application with a monitor, for tests with gunicorn."""

import json
import os

import driftgauge

monitor = driftgauge.Monitor("wsgi")


@monitor.observed
def predict(row):
    return row["amount"] > 200


if os.environ.get("OBSERVE_BEFORE_FORK"):
    for _ in range(10):
        predict({"amount": 1.0, "country": "DE"})
    monitor.flush(2)


def app(environ, start_response):
    answer = {"pid": os.getpid()}
    if environ["REQUEST_METHOD"] == "POST":
        answer["prediction"] = predict(json.load(environ["wsgi.input"]))
    body = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
