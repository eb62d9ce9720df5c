"""From the flights to the pager: real sidecar, generated rules, real Prometheus and Alertmanager, both generations."""

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
        run_ok("generate", "--config.file", sidecar.config, "--fleet-from", WINDOWS[-1], "--output", generated)
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
        """Prometheus takes five seconds to find its targets; nobody is told that until then there is none."""
        self.prometheus.start()
        self.prometheus.wait_for('up{job="driftgauge"}', lambda up: up == 1)
        self.prometheus.wait_for('count(ALERTS{alertname="DriftgaugeAbsent"}) or vector(0)', lambda found: found == 0)
        self.alertmanager.start()

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
    webhook = world.webhook
    world.start()
    with world.replay("winter"):
        rows = f'driftgauge_window_rows{{model="{MODEL}",window="12s"}}'
        world.prometheus.wait_for(rows, lambda found: found > 8 * RATE)
        assert webhook.messages == []

    begun = time.time()
    with world.replay("july"):
        page = webhook.wait("/pager", "firing", "temp of model flights", seconds=30)
        assert page.came - begun < 15
        # One cause, one page: what it goes with is in the same conversation, and the chat is not told again.
        wait_for(
            lambda: world.states(alertname="FeatureDrift", feature="temp", severity="warning") == {"suppressed"},
            "the warning of what pages is suppressed",
        )
    ended = time.time()
    drift = {"FeatureDrift", "ScoreDrift", "PredictionDrift", "ManyFeaturesDrift"}
    with world.replay("winter"):
        over = webhook.wait("/pager", "resolved", "temp of model flights", seconds=40, since=ended)
    pages = [message for message in webhook.messages if message.path == "/pager"]
    assert all(message.body["groupLabels"] == {"model": MODEL} and message.names <= drift for message in pages), pages
    for message in webhook.messages:
        assert not message.says("error expanding template"), message

    before = len(webhook.messages)
    killed = time.time()
    world.sidecar.kill()
    down = webhook.wait("/pager", "firing", "No sidecar of model flights answers", seconds=40)
    assert world.states(alertname="DriftgaugeDown", severity="warning") == {"suppressed"}
    told = webhook.messages[before:]
    assert {name for message in told for name in message.names} == {"DriftgaugeDown"}, told
    assert not [message for message in told if message.says("does not answer")], told
    print(
        f"drift to page {page.came - begun:.1f} s, end of drift to its end {over.came - ended:.1f} s, "
        f"kill to page {down.came - killed:.1f} s"
    )
