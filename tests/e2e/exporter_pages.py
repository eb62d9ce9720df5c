"""Serves example pages of exporters that are not ours, for panels on the resources of pods: tests/data/exporters/."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sidecar import ROOT

PAGES = ROOT / "tests" / "data" / "exporters"
JOBS = {"kubelet": "cadvisor", "kube-state-metrics": "kube-state-metrics", "dcgm-exporter": "dcgm"}
"""Job of a scrape, and the page that it reads."""
AGE = 3_600
"""Seconds in which the counters of a page have come to what they are; they go on at that pace."""


class ExporterPages(ThreadingHTTPServer):
    """`/NAME` is the page NAME.prom."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.started = time.monotonic()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def jobs(self):
        """Scrapes as kube-prometheus has them: the labels on the page win."""
        target = {"targets": [f"127.0.0.1:{self.server_port}"]}
        return [
            {"job_name": job, "honor_labels": True, "metrics_path": f"/{page}", "static_configs": [target]}
            for job, page in JOBS.items()
        ]

    def page(self, name):
        grown = 1 + (time.monotonic() - self.started) / AGE
        counter = False
        for line in (PAGES / f"{name}.prom").read_text().splitlines():
            if line.startswith("# TYPE"):
                counter = line.endswith(" counter") and "restarts" not in line
            elif counter and not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                line = f"{series} {float(value) * grown}"
            yield line


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = "\n".join([*self.server.page(self.path.strip("/")), ""]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
