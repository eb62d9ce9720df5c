"""From the flights to the pager: real sidecar, generated rules, real Prometheus and Alertmanager, both generations."""

import json
import time

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

import alertmanager
import data
from alertmanager import Alertmanager
from prometheus import Prometheus
from replay import Replay
from sidecar import ROOT, run_ok
from waiting import wait_for
from webhook import Webhook

MODEL = "flights"
RATE = 400
WINDOWS = ["4s", "12s"]
COLUMNS = ["--label", "late", "--latency-column", "latency_us", "--score", "score", "--prediction", "prediction"]


def shuffled(table, path, rng):
    """So that each second has all weeks of the table in it: no drift but the one that is made."""
    pq.write_table(table.take(rng.permutation(table.num_rows)), path)
    return path


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    """Winter, which is the reference, and July; and the profile."""
    directory = tmp_path_factory.mktemp("flights")
    rng = np.random.default_rng(20130701)
    traffic = pq.read_table(data.FLIGHTS_TRAFFIC)
    july = traffic.filter(pc.equal(pc.month(traffic["time"]), 7))
    profile = directory / "flights.profile.json"
    run_ok("profile", data.FLIGHTS_REFERENCE, "--model", MODEL, "--label", "late", "--ignore", "latency_us", "-o", profile)
    return {
        "winter": shuffled(pq.read_table(data.FLIGHTS_REFERENCE), directory / "winter.parquet", rng),
        "july": shuffled(july, directory / "july.parquet", rng),
        "profile": profile,
    }


def quick_routes(webhook):
    """The shipped configuration with addresses of the test, and seconds where it has minutes."""
    routes = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "driftgauge-routes.yml").read_text())

    def hurry(route):
        route.update(group_wait="1s", group_interval="1s", repeat_interval="1h")
        for child in route.get("routes", []):
            hurry(child)

    hurry(routes["route"])
    for receiver in routes["receivers"]:
        name = receiver["name"].removeprefix("driftgauge-")
        if "slack_configs" in receiver:
            receiver["slack_configs"][0]["api_url"] = f"{webhook.url}/{name}"
        else:
            receiver.pop("email_configs", None)
            receiver["webhook_configs"] = [{"url": f"{webhook.url}/{name}", "send_resolved": True}]
    return yaml.safe_dump(routes)


class World:
    """A sidecar, the servers, and where their messages arrive."""

    def __init__(self, version, directory, sidecar, flights):
        self.sidecar, self.flights = sidecar, flights
        generated = directory / "generated"
        run_ok("generate", "--config.file", sidecar.config, "--output", generated)
        self.webhook = Webhook()
        self.alertmanager = Alertmanager(version, directory / "alertmanager", quick_routes(self.webhook))
        targets = [f"127.0.0.1:{sidecar.web_port}"]
        self.prometheus = Prometheus(
            version,
            directory / "prometheus",
            [{"job_name": "driftgauge", "static_configs": [{"targets": targets}]}],
            flags=["--rules.alert.resend-delay=2s"],
            more={
                "rule_files": [str(generated / "deploy" / "prometheus" / "*.yml")],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.alertmanager.address]}]}]},
            },
        )

    def start(self):
        self.alertmanager.start()
        self.prometheus.start()
        self.prometheus.wait_for('up{job="driftgauge"}', lambda up: up == 1)

    def close(self):
        self.prometheus.close()
        self.alertmanager.close()
        self.webhook.close()

    def replay(self, season):
        target = ["--to", self.sidecar.push_address, "--model", MODEL, "--rate", RATE, "--batch", "40"]
        return Replay(self.flights[season], *target, *COLUMNS)

    def states(self, **labels):
        """Alertmanager's states of the alerts with these labels: `active` or `suppressed`."""
        return {alert["status"]["state"] for alert in self.alertmanager.alerts(**labels)}


@pytest.fixture
def world(prometheus_version, tmp_path, serve, flights):
    if not alertmanager.server(prometheus_version):
        pytest.skip("this Alertmanager could not be fetched")
    settings = {"tick": "100ms", "windows": WINDOWS, "models": {MODEL: {"profile": str(flights["profile"])}}}
    made = World(prometheus_version, tmp_path, serve(settings), flights)
    try:
        yield made
    finally:
        made.close()


def test_drift_pages_by_name_and_resolves_and_a_killed_sidecar_pages(world):
    world.start()
    with world.replay("winter"):
        world.prometheus.wait_for(
            f'driftgauge_window_rows{{model="{MODEL}",window="12s"}}', lambda rows: rows > 8 * RATE
        )
        assert world.webhook.find("/pager", "firing", "") == []
        assert world.webhook.find("/chat", "firing", "") == []

    begun = time.time()
    with world.replay("july"):
        page = world.webhook.wait("/pager", "firing", "temp of flights", seconds=25)
        print(f"{page.came - begun:.1f} s from drift to page: {page}")
        assert page.came - begun < 15
        assert page.body["groupLabels"] == {"model": MODEL}
    ended = time.time()
    with world.replay("winter"):
        over = world.webhook.wait("/pager", "resolved", "temp of flights", seconds=40)
        print(f"{over.came - ended:.1f} s from the end of drift to the end of the page")
