"""A small fleet in which everything that can be watched is seen: the run that dashboards are proven and drawn with.

Three sidecars watch a model of flights (two pods of version 1, one of version 2 that gets some calls of version 1 too),
one of them also stands before a model server, takes events and watches vectors. Real flights of the winter come first,
as a thin history of eight days and then live; then summer comes, and at last something breaks upstream. Latency, errors,
kilometres for miles and what is rejected are made up; the flights are not.
"""

import json
import re
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field

import grpc
import numpy as np
import pyarrow.parquet as parquet

import push
from data import FLIGHTS_REFERENCE, FLIGHTS_TRAFFIC, write_csv
from events import half, post
from exporter_pages import ExporterPages
from prometheus import Prometheus
from push import Client, Field, batch, bits, refusal
from sidecar import ROOT, Sidecar, fetch, run_ok
from upstreams import Answering
from waiting import free_port, wait_for

NAMESPACE = "models"
PODS = ("flights-v1-7c9d5b8f6-2xkqn", "flights-v1-7c9d5b8f6-9wzlt", "flights-v2-58f7d6c9b-jm4vs")
RULES = ROOT / "deploy" / "prometheus"

TEXTS = ("carrier", "origin", "dest")
NUMBERS = ("distance", "hour", "dep_delay", "temp", "humid", "wind_speed", "precip", "pressure", "visib")
HOUR, DAY = 3_600, 86_400
HISTORY = 8 * DAY
WIDTH = 16
KILOMETRES = 1.609344


def flights(path, months=None):
    """Columns of flights: numbers as floats in which NaN is null, texts as they are."""
    table = parquet.read_table(path)
    if months:
        at = table["time"].to_numpy().astype("datetime64[M]").astype(int) % 12 + 1
        table = table.filter(np.isin(at, months))
    numeric = {name: table[name].to_numpy(zero_copy_only=False).astype(float) for name in (*NUMBERS, "score", "latency_us")}
    return {**numeric, **{name: np.array(table[name].to_pylist(), dtype=object) for name in TEXTS}}


def sampled(columns, rng, count):
    at = rng.integers(0, len(columns["score"]), count)
    return {name: values[at] for name, values in columns.items()}


def mixed(first, second):
    """Rows of both, one after the other: within a batch their order says nothing."""
    return {name: np.concatenate([first[name], second[name]]) for name in first}


@dataclass
class Story:
    """What the flights are like, from the beginning of the run (0) to its end (1)."""

    summer: tuple = (0.25, 0.55)
    breaks: float = 0.6

    def __post_init__(self):
        self.winter = flights(FLIGHTS_REFERENCE)
        self.july = flights(FLIGHTS_TRAFFIC, months=[7])
        known = set(self.winter["dest"])
        later = flights(FLIGHTS_TRAFFIC)
        unknown = np.array([dest not in known for dest in later["dest"]])
        self.new = {name: values[unknown] for name, values in later.items()}

    def rows(self, rng, count, at, version):
        begin, end = self.summer
        new = count // 25 if at >= self.breaks else 0
        hot = int((count - new) * min(1, max(0, (at - begin) / (end - begin))))
        rows = mixed(sampled(self.july, rng, hot), sampled(self.winter, rng, count - hot - new))
        rows = mixed(rows, sampled(self.new, rng, new))
        if at >= self.breaks:
            rows["distance"] = np.round(rows["distance"] * KILOMETRES)
            rows["visib"] = np.where(rng.random(count) < 0.3, np.nan, rows["visib"])
            rows["latency_us"] *= 2 + 30 * (rng.random(count) < 0.02)
        if version == "2":
            rows["score"] = rows["score"] ** 0.8
        return rows


def as_fields(rows):
    """Fields of the push API."""
    numbers = [Field(name, rows[name], present=~np.isnan(rows[name])) for name in NUMBERS]
    texts = [Field(name, list(rows[name]), layout="dictionary") for name in TEXTS]
    outputs = [
        Field("score", rows["score"], role="score"),
        Field("prediction", rows["score"] >= 0.5, role="prediction"),
    ]
    return [*numbers, *texts, *outputs]


def outcomes(rng, count, failing):
    """How calls ended: a few fail in every way there is."""
    ways = [push.pb.OUTCOME_CLIENT_ERROR, push.pb.OUTCOME_SERVER_ERROR, push.pb.OUTCOME_TIMEOUT, push.pb.OUTCOME_REJECTED]
    failed = rng.random(count) < failing
    return [int(way) if bad else int(push.pb.OUTCOME_OK) for way, bad in zip(rng.choice(ways, count), failed)]


def observed(client, message):
    """Sends rows until there is room for them."""

    def taken():
        try:
            return client.observe(message)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                return None
            raise

    return wait_for(taken, "room in the queue")


def parcels(rng, count):
    """What a price is asked for."""
    return {"weight": rng.gamma(2, 2, count), "width": rng.normal(40, 8, count), "height": rng.normal(20, 5, count)}


def priced(path, body):
    """A model server of three numbers, which now and then fails."""
    (said,) = json.loads(body)["inputs"]
    if "data" not in said:
        return {"model_name": "prices", "outputs": []}
    rows = np.reshape(said["data"], said["shape"])
    if rows[0, 0] > 8:
        return (503 if rows[0, 0] > 11 else 400), {"error": "no price"}
    price = {"name": "price", "datatype": "FP64", "shape": [len(rows), 1], "data": (2 + rows[:, 0]).tolist()}
    return {"model_name": "prices", "outputs": [price]}


@dataclass
class Showcase:
    """Sidecars, what they are sent, and each Prometheus that scrapes them; a context."""

    directory: object
    versions: tuple = ("3.5",)
    seed: int = 20130508
    rows_a_second: int = 60
    tick: str = "2s"
    quick: str = "2s"
    """How often the rules are evaluated, instead of every few minutes."""
    stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stack.close()
            raise

    def __exit__(self, *_):
        self.stack.close()

    def start(self):
        self.rng = np.random.default_rng(self.seed)
        self.story = Story()
        self.profile = self.directory / "flights.profile.json"
        roles = ("--label", "late", "--time-column", "time", "--ignore", "latency_us")
        run_ok("profile", FLIGHTS_REFERENCE, "--model", "flights", *roles, "-o", self.profile)
        known = parcels(self.rng, 5_000)
        known["price"] = 2 + known["weight"]
        rows = write_csv([Field(name, values) for name, values in known.items()], self.directory / "parcels.csv")
        run_ok("profile", rows, "--model", "prices", "--score", "price", "-o", self.directory / "prices.profile.json")
        self.upstream = self.stack.enter_context(Answering(priced))
        self.forward, self.events = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.sidecars = [self.sidecar(number) for number in range(len(PODS))]
        self.clients = [self.stack.enter_context(Client(sidecar.push_address)) for sidecar in self.sidecars]
        for client, fields in zip(self.clients, (self.small_history, self.small_history, self.history)):
            fields(client)
        for sidecar in self.sidecars:
            sidecar.wait(lambda page: page.value("driftgauge_queue_rows") == 0, "the history is folded in", seconds=180)
        self.pages = self.stack.enter_context(ExporterPages())
        self.servers = {version: self.scraping(version) for version in self.versions}
        return self

    # --------------------------------------------------------------------------------- sidecars

    def settings(self, number, significance=4.75, series=20_000):
        everything = {
            "clock": "event",
            "tick": self.tick,
            "windows": ["5m", "1h", "1d"],
            "references": ["profile", "seasonal", "previous", "versions"],
            "metrics": {"detail": "full"},
            "learning": {"rows": 1_000},
            "drift": {"significance": significance},
            "web": {"enable_lifecycle": True, "max_series": series},
            "models": {"flights": {"profile": str(self.profile)}},
        }
        if number == 0:
            state = self.directory / "state"
            state.mkdir(exist_ok=True)
            everything["state"] = {"directory": str(state), "snapshot_interval": "1s"}
        if number == 1:
            everything |= {"limits": {"batch_rows": 400}, "queue": {"rows": 400}}
        if number == 2:
            everything["models"]["prices"] = {"profile": str(self.directory / "prices.profile.json")}
            everything["forward"] = {"listen_address": self.forward, "upstream": self.upstream.address, "call_bytes": "16KiB"}
            everything["http"] = {"listen_address": self.events, "pairing": "1s"}
        return everything

    def sidecar(self, number):
        made = Sidecar(self.directory / PODS[number], self.settings(number))
        self.stack.callback(made.close)
        return made.start()

    def scraping(self, version):
        """A real Prometheus with the rules and alerts of deploy/, which only do not take their time."""
        labels = [{"namespace": NAMESPACE, "pod": pod, "container": "driftgauge", "node": "node-a"} for pod in PODS]
        targets = [
            {"targets": [f"127.0.0.1:{sidecar.web_port}"], "labels": labels}
            for sidecar, labels in zip(self.sidecars, labels)
        ]
        jobs = [{"job_name": "driftgauge", "static_configs": targets}, *self.pages.jobs()]
        made = Prometheus(version, self.directory / f"prometheus-{version}", jobs)
        files = []
        for path in sorted(RULES.glob("driftgauge-*.yml")):
            text = re.sub(r"^(\s*(?:interval|for|keep_firing_for): ).*$", rf"\g<1>{self.quick}", path.read_text(), flags=re.M)
            files.append(made.directory / path.name)
            files[-1].write_text(text)
        config = made.directory / "prometheus.yml"
        document = json.loads(config.read_text())
        document["global"]["evaluation_interval"] = self.quick
        config.write_text(json.dumps({**document, "rule_files": [str(path) for path in files]}))
        self.stack.callback(made.close)
        return made.start()

    # ---------------------------------------------------------------------------------- traffic

    def flights(self, client, version, count, at=0.0, since=0.0, until=0.0, failing=0.01):
        """Sends flights whose times are spread from `since` to `until` seconds ago."""
        rows = self.story.rows(self.rng, count, at, version)
        message = batch("flights", as_fields(rows), version=version)
        message.base_time.FromMicroseconds(int(1e6 * (time.time() - since)))
        message.time_offset_micros.extend(np.linspace(0, 1e6 * (since - until), count).astype(int).tolist())
        slower = 1.3 if version == "2" else 1.0
        message.latency_micros.extend((slower * rows["latency_us"]).astype(int).tolist())
        message.outcomes.extend(outcomes(self.rng, count, failing))
        observed(client, message)

    def small_history(self, client, versions=("1",)):
        """Eight days of a few flights an hour: what is usual at this hour, and the window before."""
        for ago in range(HISTORY, 0, -HOUR):
            for version in versions:
                self.flights(client, version, 150, since=ago, until=ago - HOUR)

    def history(self, client):
        self.small_history(client, versions=("2", "1"))
        for ago in range(2 * DAY, 0, -HOUR):
            self.vectors(client, 100, 0.0, since=ago)

    def vectors(self, client, count, shift, since=0.0):
        """Searches: a vector in two clusters, which move apart."""
        side = self.rng.random(count) < 0.5
        values = self.rng.normal(0, 1, (count, WIDTH)) + np.where(side[:, None], 2.0, -2.0)
        values[:, : WIDTH // 2] += shift
        clicks = Field("results", self.rng.poisson(8 + 4 * shift, count).astype(float))
        message = batch("search", [clicks], version="2026-11")
        message.schema.fields.add(name="query", type=push.pb.VALUE_TYPE_FLOAT32, width=WIDTH)
        message.columns.add(field=1, fixed=values.astype("<f4").tobytes(), validity=bits(np.ones(count)))
        message.base_time.FromMicroseconds(int(1e6 * (time.time() - since)))
        message.latency_micros.extend(self.rng.lognormal(8, 0.5, count).astype(int).tolist())
        observed(client, message)

    def prices(self, count, heavier):
        """Calls through the proxy; columns have no names, so that those of the profile are taken by their position."""
        for _ in range(count):
            rows = parcels(self.rng, 20)
            rows["weight"] *= heavier
            self.priced(20, data=np.stack(list(rows.values()), axis=1).round(3).ravel().tolist())

    def priced(self, rows, **tensor):
        said = {"inputs": [{"name": "parcel", "datatype": "FP64", "shape": [rows, 3], **tensor}]}
        url = f"http://{self.forward}/v2/models/prices/infer"
        request = urllib.request.Request(url, json.dumps(said).encode(), {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=10).read()  # who leaves before the end has cancelled the call
        except urllib.error.HTTPError as error:
            error.read()

    def loans(self, first, count):
        """Events of a logger; now and then a request stays alone."""
        for call in range(first, first + count):
            amounts = [round(value, 2) for value in self.rng.lognormal(9, 0.5, 20)]
            said = {"inputs": [{"name": "amount", "datatype": "FP64", "shape": [20, 1], "data": amounts}]}
            paid = {"name": "granted", "datatype": "INT64", "shape": [20], "data": [int(a < 9_000) for a in amounts]}
            post(self.events, *half("request", call, said, model="loans"))
            if call % 40:
                post(self.events, *half("response", call, {"outputs": [paid]}, model="loans"))

    def tick_of(self, at, second):
        """One second of the run."""
        rows = self.rows_a_second
        failing = 0.04 if at >= self.story.breaks else 0.01
        for client, version, count in (
            (self.clients[0], "1", rows),
            (self.clients[1], "1", int(rows * 0.9)),
            (self.clients[2], "2", rows // 2),
            (self.clients[2], "1", rows // 6),
        ):
            self.flights(client, version, count, at, since=1.0, failing=failing)
        self.vectors(self.clients[2], max(10, rows // 4), 0.0 if at < 0.5 else 1.5)
        self.prices(2, 1.0 if at < 0.5 else 1.3)
        self.loans(10**6 + 4 * second, 4)

    def run(self, seconds, before=0):
        """The whole story, from winter to the day on which everything goes wrong; more of the winter before it."""
        began, second = time.monotonic() + before, -before
        incidents = {0.3: self.reload, 0.45: self.rebaseline, 0.62: self.burst, 0.65: self.refused}
        while (at := (time.monotonic() - began) / seconds) < 1:
            self.tick_of(max(0, at), second)
            for due in [due for due in incidents if due <= at]:
                incidents.pop(due)()
            second += 1
            time.sleep(max(0, began + second - time.monotonic()))
        for happens in incidents.values():
            happens()

    # -------------------------------------------------------------------------------- incidents

    def reload(self):
        """New settings: on the first pod then some that are not good, on the second with too few series."""
        for number, sidecar in enumerate(self.sidecars):
            fewer = {"series": int(sidecar.page().value("driftgauge_series")) - 20} if number == 1 else {}
            sidecar.write(self.settings(number, significance=5, **fewer))
            sidecar.reload()
        self.sidecars[0].wait(reloaded, "the new settings")
        self.sidecars[0].config.write_text("windows: [never]")
        self.sidecars[0].reload()

    def rebaseline(self):
        """What is searched now is usual from now on."""
        url = f"{self.sidecars[2].url}/api/v1/rebaseline?model=search&window=1h&by=showcase"
        answer = fetch(url, method="POST")
        assert answer.status == 200, answer.text

    def burst(self):
        """More at once than the queue of the second pod holds."""
        fields = as_fields(self.story.rows(self.rng, 400, 0.0, "1"))
        message = batch("flights", fields, version="1")
        client = self.clients[1]
        calls = [client.stub.Observe.future(client.request(message), timeout=20) for _ in range(12)]
        assert any(call.exception() for call in calls), "the queue never was full"

    def refused(self):
        """What cannot be looked at: each way once."""
        client = self.clients[1]
        nameless = batch("", as_fields(self.story.rows(self.rng, 50, 0.0, "1")))
        for call in (lambda: client.observe(nameless), lambda: client.raw(b"\xff\xff\xff")):
            error = refusal(call)
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        post(self.events, *half("request", 10**9, b"{", model="loans"))
        self.priced(1, parameters={"shared_memory_region": "elsewhere", "shared_memory_byte_size": 24})
        self.priced(2_000, data=[1.0] * 6_000)
        self.flights(client, "1", 50, since=40 * DAY, until=39 * DAY)


def reloaded(page):
    return page.value("driftgauge_config_last_reload_successful") == 1
