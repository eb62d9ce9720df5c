"""The commands, as people and scripts call them: exit codes, and sentences for bad input."""

import gzip
import json
import os
import pty
import re
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import data
from push import Field
from sidecar import binary, driftgauge, environment, run_ok
from waiting import free_port

COMMANDS = ("serve", "profile", "compare", "replay", "check", "demo", "top")


def sentence(result, *words):
    """A failed command has said why on standard error, in few lines, with these words."""
    assert result.returncode != 0, result.stdout
    said = result.stderr + result.stdout
    assert said.strip() and len(said) < 2_000, said
    for word in words:
        assert word in said, f"{word!r} is not in: {said}"
    assert "RUST_BACKTRACE" not in said and "Os {" not in said, said


@pytest.fixture
def write(tmp_path):
    def make(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


@pytest.fixture
def made(tmp_path, rng):
    """300 made-up orders as a file, and its profile."""
    rows = data.write_csv(data.orders(rng, 300), tmp_path / "orders.csv")
    run_ok("profile", rows, "-o", tmp_path / "orders.profile.json", "--score", "score")
    return tmp_path / "orders.profile.json", rows


def test_help_and_version():
    top = run_ok("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", top, re.MULTILINE), f"{command} is not in:\n{top}"
        assert "Usage" in run_ok(command, "--help").stdout
    assert re.match(r"driftgauge \d+\.\d+\.\d+", run_ok("--version").stdout)
    nothing = driftgauge()
    assert nothing.returncode == 2
    assert "Usage" in nothing.stderr
    sentence(driftgauge("frobnicate"), "frobnicate")


# ------------------------------------------------------------------------------------- profile


def test_the_same_rows_in_every_format_give_the_same_cells(tmp_path, rng):
    fields = data.orders(rng, 2_000)
    by_name = data.by_name(fields)
    by_name["amount"].present = np.arange(2_000) % 10 != 3
    plain = data.write_csv(fields, tmp_path / "rows.csv")
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    columns = {}
    for field in fields:
        mask = None if field.present is None else ~np.asarray(field.present)
        columns[field.name] = pa.array(field.values, mask=mask)
    table = pa.table(columns)
    for codec in ("none", "snappy", "gzip", "lz4", "brotli", "zstd"):
        pq.write_table(table, tmp_path / f"{codec}.parquet", compression=codec)
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    (tmp_path / "rows.jsonl").write_text(lines)
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    halves = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    pq.write_table(table.slice(0, 700), halves[0])
    pq.write_table(table.slice(700), halves[1])

    inputs = [[path] for path in sorted(tmp_path.iterdir()) if path not in halves] + [halves]
    assert len(inputs) == 11
    hashes = {}
    for paths in inputs:
        run_ok("profile", *paths, "-o", tmp_path / "out.json", "--score", "score")
        hashes["+".join(path.name for path in paths)] = json.loads((tmp_path / "out.json").read_text())["hash"]
    assert len(set(hashes.values())) == 1, hashes


def test_a_profile_is_readable_and_has_no_rows(made, tmp_path):
    profile = json.loads(made[0].read_text())
    assert (profile["format"], profile["format_version"], profile["rows"]) == ("driftgauge-profile", 1, 300)
    kinds = {feature["name"]: (feature["kind"], feature["role"]) for feature in profile["features"]}
    assert kinds == {
        "amount": ("numeric", "feature"),
        "items": ("integer", "feature"),
        "is_new": ("boolean", "feature"),
        "country": ("categorical", "feature"),
        "score": ("numeric", "score"),
    }
    for feature in profile["features"]:
        cells = feature["cells"]
        assert sum(cells["rows"]) == feature["values"] == 300
        # At least 20 rows a cell on average.
        assert len(cells["rows"]) <= 16 or feature["kind"] == "categorical" or len(cells["rows"]) <= feature["distinct"]
        assert cells["probabilities"] == pytest.approx(np.array(cells["rows"]) / 300)
    assert profile["provenance"]["inputs"] == [{"name": "orders.csv", "rows": 300}]
    assert str(tmp_path) not in made[0].read_text()
    # Twice the same but for the time that it was made.
    run_ok("profile", made[1], "-o", tmp_path / "again.json", "--score", "score")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["features"] == profile["features"] and again["hash"] == profile["hash"]


def test_flags_and_settings_say_what_a_column_is(tmp_path, rng, write):
    rows = data.write_csv(
        [Field("zip", rng.integers(10_000, 10_010, 500)), Field("y", rng.random(500)), Field("key", np.arange(500))],
        tmp_path / "rows.csv",
    )
    said = {"models": {"shop": {"features": {"y": {"role": "prediction"}, "key": {"role": "id"}}}}}
    settings = write("settings.yaml", json.dumps(said))
    out = tmp_path / "out.json"
    run_ok("profile", rows, "-o", out, "--model", "shop", "--categorical", "zip", "--config.file", settings)
    features = {feature["name"]: feature for feature in json.loads(out.read_text())["features"]}
    assert features["zip"]["kind"] == "categorical"
    assert features["y"]["role"] == "prediction"
    assert features.get("key", {"role": "id"})["role"] == "id"


def test_progress_is_drawn_on_a_terminal_only(tmp_path):
    piped = run_ok("profile", data.REFERENCE, "-o", tmp_path / "piped.json")
    assert "\r" not in piped.stderr and "\x1b" not in piped.stderr
    ours, theirs = pty.openpty()
    command = [binary(), "profile", data.REFERENCE, "-o", tmp_path / "terminal.json"]
    env = {key: value for key, value in environment().items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65_536):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(30) == 0
    assert b"\x1b[" in seen or b"\r" in seen.replace(b"\r\n", b"")
    assert b"checking" in seen or b"learning" in seen


def test_a_missing_file(tmp_path):
    sentence(driftgauge("profile", tmp_path / "nowhere.csv"), "nowhere.csv")
    assert not list(tmp_path.iterdir())


def test_a_broken_parquet_file(write, tmp_path, rng):
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"x": rng.random(5_000)}), whole)
    content = whole.read_bytes()
    for name, bad in {
        "cut.parquet": content[: len(content) // 2],
        "text.parquet": b"this is no parquet file at all",
        "header.parquet": content[:4] + bytes(40) + content[44:],
        "footer.parquet": content[:-12] + b"\xff\xff\xff\x7f" + content[-8:],
        "empty.parquet": b"",
    }.items():
        sentence(driftgauge("profile", write(name, bad), "-o", tmp_path / "out.json"), name)
    assert not (tmp_path / "out.json").exists()


def test_a_ragged_csv_file(write):
    path = write("ragged.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n")
    sentence(driftgauge("profile", path), "ragged.csv", "line 3", "2 cells")


@pytest.mark.parametrize(
    "name, content", [("head.csv", "a,b\n"), ("empty.csv", ""), ("empty.jsonl", ""), ("blank.jsonl", "\n\n")]
)
def test_no_rows(write, name, content):
    sentence(driftgauge("profile", write(name, content)), name if "head" not in name else "row")


def test_duplicate_column_names(write):
    sentence(driftgauge("profile", write("twice.csv", "a,b,a\n1,2,3\n")), '"a"')


def test_json_that_is_none(write):
    path = write("rows.jsonl", '{"a": 1}\n{"a": 2\n{"a": 3}\n')
    sentence(driftgauge("profile", path), "rows.jsonl", "line 2")


def test_columns_that_do_not_fit_together(write):
    one, two = write("one.csv", "a,b\n1,2\n"), write("two.csv", "a,c\n1,2\n")
    sentence(driftgauge("profile", one, two), "two.csv")


def test_a_column_that_is_not_there(write):
    sentence(driftgauge("profile", write("rows.csv", "a,b\n1,2\n"), "--score", "nothing"), "nothing", "a")


def test_a_folder_that_is_not_there(write, tmp_path):
    path = write("rows.csv", "a,b\n1,2\n3,4\n")
    sentence(driftgauge("profile", path, "-o", tmp_path / "no" / "folder.json"), "folder.json")


def test_a_constant_and_an_all_null_column_are_reported(tmp_path, rng):
    rows = "c,n,x\n" + "".join(f"7,,{value}\n" for value in rng.random(500))
    (tmp_path / "rows.csv").write_text(rows)
    result = run_ok("profile", tmp_path / "rows.csv", "-o", tmp_path / "out.json")
    assert "constant" in result.stderr
    assert "no usable value" in result.stderr or "null" in result.stderr
    features = {feature["name"]: feature for feature in json.loads((tmp_path / "out.json").read_text())["features"]}
    assert features["c"]["cells"]["rows"] == [0, 500, 0]
    assert features["n"]["missing"]["null"] == 500


def test_a_hundred_thousand_distinct_texts_keep_memory_and_profile_small(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("id,x\n" + "".join(f"customer-{number:08},{number % 7}\n" for number in range(100_000)))
    result = run_ok("profile", path, "-o", tmp_path / "out.json")
    profile = tmp_path / "out.json"
    features = {feature["name"]: feature for feature in json.loads(profile.read_text())["features"]}
    assert features["id"]["kind"] == "high_cardinality"
    assert len(features["id"]["cells"]["rows"]) == 64
    assert features["id"]["distinct"] == pytest.approx(100_000, rel=0.05)
    assert "customer-0" not in profile.read_text()
    assert profile.stat().st_size < 10_000
    assert "id" in result.stderr


# ------------------------------------------------------------------------------------- compare


def test_compare_prints_a_table_and_fails_on_drift_only_if_asked(car_loan_profile, tmp_path):
    same = data.cut(data.ANALYSIS, 0, 5_000, tmp_path / "same.csv")
    drifted = data.cut(data.ANALYSIS, 25_000, 30_000, tmp_path / "drifted.csv")
    quiet = run_ok("compare", car_loan_profile, same, "--fail-on-drift")
    assert "DRIFT" not in quiet.stdout
    loud = run_ok("compare", car_loan_profile, drifted)
    lines = loud.stdout.splitlines()
    names = [line.split()[0] for line in lines[1:] if "DRIFT" in line]
    assert set(names) == data.DRIFTED
    assert all("DRIFT" in line for line in lines[1 : 1 + len(names)]), "the worst come first"
    failed = driftgauge("compare", car_loan_profile, drifted, "--fail-on-drift")
    assert failed.returncode not in (0, 1)
    assert failed.stdout == loud.stdout


def test_compare_says_when_there_are_too_few_rows(car_loan_profile, tmp_path):
    few = data.cut(data.ANALYSIS, 25_000, 25_050, tmp_path / "few.csv")
    result = run_ok("compare", car_loan_profile, few, "--format", "json", "--fail-on-drift")
    for feature in json.loads(result.stdout)["features"]:
        assert feature["drift_ratio"] is None
        assert feature["state"] == "too_few_rows"
    assert "too few rows" in run_ok("compare", car_loan_profile, few).stdout


def test_compare_of_several_files_is_that_of_all_their_rows(car_loan_profile, tmp_path):
    whole = data.cut(data.ANALYSIS, 24_000, 26_000, tmp_path / "whole.csv")
    parts = [data.cut(data.ANALYSIS, at, at + 500, tmp_path / f"{at}.csv") for at in range(24_000, 26_000, 500)]
    found = []
    for paths in ([whole], parts):
        report = json.loads(run_ok("compare", car_loan_profile, *paths, "--format", "json").stdout)
        means = {f["feature"]: (f.pop("mean"), f.pop("stddev")) for f in report["features"] if f["mean"] is not None}
        together = {drift["kind"]: drift.pop("ratio") for drift in report["model_drift"]}
        sums = [f["distance"].pop(name, 0) for f in report["features"] for name in ("mean_shift", "wasserstein")]
        found.append((report, means, together, sums))
    assert found[0][0] == found[1][0]
    assert found[0][2] == pytest.approx(found[1][2], rel=1e-9)
    assert found[0][3] == pytest.approx(found[1][3], rel=1e-9)
    assert found[0][1].keys() == found[1][1].keys()
    for name, (mean, stddev) in found[0][1].items():  # but for the order of addition
        assert found[1][1][name] == (pytest.approx(mean, rel=1e-12), pytest.approx(stddev, rel=1e-12))


def test_compare_of_what_is_no_profile(made, write, tmp_path):
    profile, rows = made
    sentence(driftgauge("compare", tmp_path / "nowhere.json", rows), "nowhere.json")
    sentence(driftgauge("compare", write("x.json", "{}"), rows), "x.json", "driftgauge profile")
    sentence(driftgauge("compare", write("y.json", "no json"), rows), "y.json")
    edited = write("edited.json", profile.read_text().replace('"items"', '"goods"'))
    sentence(driftgauge("compare", edited, rows), "edited.json", "hash")
    newer = write("newer.json", profile.read_text().replace('"format_version": 1', '"format_version": 99'))
    sentence(driftgauge("compare", newer, rows), "99", "upgrade")
    sentence(driftgauge("compare", profile, tmp_path / "nowhere.csv"), "nowhere.csv")


# --------------------------------------------------------------------------------------- check


def test_check_accepts_what_serve_accepts_and_says_what_it_costs(made, write):
    profile, _ = made
    good = write("good.yaml", f"windows: [5m, 1h]\nmodels:\n  orders:\n    profile: {profile.name}\n")
    result = run_ok("check", good)
    assert re.search(r"\d+ series", result.stdout), result.stdout
    assert "MiB" in result.stdout


@pytest.mark.parametrize(
    "text, place, words",
    [
        ("windows: [5m]\nwindoes: [5m]\n", 2, ["windoes"]),
        ("tick: soon\n", 1, ["soon"]),
        ("windows:\n  - 5m\n - 1h\n", 3, []),
        ("web:\n  max_series: many\n", 2, ["many"]),
        ("web:\n  max_series: 1\n", 2, ["web.max_series is 1", "100"]),
        ("models:\n  orders:\n    profile: nowhere.profile.json\n", 3, ["models.orders.profile", "nowhere.profile.json"]),
        ("models:\n  orders:\n    features:\n      amount: {role: king}\n", 4, ["king"]),
    ],
)
def test_check_points_at_the_line(write, text, place, words):
    result = driftgauge("check", write("settings.yaml", text))
    sentence(result, "settings.yaml", *words)
    said = result.stdout + result.stderr
    assert re.search(rf"settings\.yaml:{place}\b|line {place}\b", said), said
    key, value = (part.strip(" -") for part in text.splitlines()[place - 1].partition(":")[::2])
    assert key in said and value.strip("{}").partition(": ")[2] in said, "the offending line is shown"


def test_check_of_a_missing_file_and_of_a_broken_profile(write, made, tmp_path):
    sentence(driftgauge("check", tmp_path / "nowhere.yaml"), "nowhere.yaml")
    profile, _ = made
    write("broken.profile.json", profile.read_text()[:500])
    result = driftgauge("check", write("s.yaml", "models:\n  orders:\n    profile: broken.profile.json\n"))
    sentence(result, "broken.profile.json")


# --------------------------------------------------------------------------------------- serve


def test_a_port_that_is_taken(serve):
    first = serve()
    second = serve(start=False)
    second.web_port = first.web_port
    second.start(wait=False)
    assert second.process.wait(15) == 1
    assert str(first.web_port) in second.log


def test_flags_that_make_no_sense():
    sentence(driftgauge("serve", "--web.listen-address", "nonsense"), "nonsense")
    sentence(driftgauge("serve", "--tick", "soon"), "soon")
    sentence(driftgauge("serve", "--no-such-flag"), "--no-such-flag")


def test_log_lines_are_logfmt_or_json(serve):
    logfmt = serve(arguments=["--log.level", "debug"])
    assert re.match(r"time=\S+ level=\w+ ", logfmt.log.splitlines()[0])
    as_json = serve(arguments=["--log.format", "json"])
    first = json.loads(as_json.log.splitlines()[0])
    assert first["level"].lower() == "info"


def piped_to_head(*command):
    """The exit code of a command whose reader goes after the first line."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([binary(), *command], stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60)
    finally:
        os.close(writer)
    assert done.stderr == b"", done.stderr
    return done.returncode


def test_a_reader_that_has_read_enough_is_no_failure_of_what_is_only_shown(serve, made, tmp_path):
    sidecar = serve()
    assert piped_to_head("generate") == 0
    assert piped_to_head("generate", "driftgauge-rules.yml") == 0
    assert piped_to_head("top", "--once", "--to", sidecar.url) == 0
    profile, rows = made
    assert piped_to_head("compare", profile, rows) == 1, "nobody has read the verdict"
    assert piped_to_head("generate", "--check", "-o", tmp_path / "empty") == 1, "files differ"
    assert piped_to_head("generate", "-o", tmp_path / "all") == 0
    assert len([f for f in (tmp_path / "all").rglob("*") if f.is_file()]) == len(run_ok("generate").stdout.splitlines())


def test_generate_says_what_it_cannot_do(tmp_path):
    sentence(driftgauge("generate", "--error-objective", "0.1"), "--error-objective 0.1", "0.9306", "14.4")
    sentence(driftgauge("generate", "--latency-objective", "0.93"), "--latency-objective 0.93", "0.9306")
    run_ok("generate", "--error-objective", "0.9306")
    for url in ("runbook.md", "ftp://a/b", "https://a/{b}", "https://a/b c", "https://a/b\n", "https://a/b#c", "https://"):
        sentence(driftgauge("generate", "--runbook-url", url), "--runbook-url", "http")
    run_ok("generate", "--runbook-url", "http://wiki.example/driftgauge?page=1")
    sentence(driftgauge("generate", ""), "which file", "lists")
    a_file = tmp_path / "file"
    a_file.write_text("mine")
    for check in ((), ("--check",)):
        sentence(driftgauge("generate", "-o", a_file, *check), "is a file", "folder")
    assert a_file.read_text() == "mine"


def test_generate_that_fails_midway_says_what_it_has_written(tmp_path):
    paths = run_ok("generate").stdout.splitlines()
    blocked = tmp_path / paths[2]
    blocked.mkdir(parents=True)
    failed = driftgauge("generate", "-o", tmp_path)
    sentence(failed, f"2 of {len(paths)} files", paths[2])
    assert failed.stdout.splitlines() == [str(tmp_path / path) for path in paths[:2]]


@pytest.mark.parametrize(
    "command",
    [
        ("generate", "--error-objective", "-1"),
        ("generate", "--latency-bound", "-0.5"),
        ("top", "--interval", "-2"),
        ("replay", "rows.csv", "--speed", "-1"),
        ("serve", "--web.max-series", "-1"),
    ],
)
def test_a_negative_number_is_taken_as_the_value_of_its_flag(command):
    refused = driftgauge(*command)
    sentence(refused, command[-2], command[-1])
    assert "unexpected argument" not in refused.stderr, refused.stderr


def test_rebaseline_without_a_sidecar_says_what_to_do():
    url = f"http://127.0.0.1:{free_port()}"
    sentence(driftgauge("rebaseline", "--model", "m", "--url", url), url[7:], "driftgauge serve", "--url")
