"""`driftgauge top`: one plain table in a pipe, a live one in a real terminal."""

import http.server
import json
import re
import signal
import threading

import pytest

from data import orders
from push import Client, batch
from sidecar import driftgauge, run_ok
from terminal import Terminal
from waiting import free_port

MODEL = "orders"
HOSTILE = "a\x1b[2J\x1b]0;owned\x07\u202eb"


@pytest.fixture
def watched(serve, orders_settings, rng):
    """A sidecar with rows in which `amount` has drifted."""
    sidecar = serve(orders_settings())
    push(sidecar, orders(rng, 2_000, shift=3))
    return sidecar


def push(sidecar, fields, model=MODEL):
    with Client(sidecar.push_address) as client:
        client.observe(batch(model, fields))
    sidecar.wait_for_rows(model, 2_000)
    sidecar.wait_for_next_evaluation()


@pytest.fixture
def terminal():
    """Opens terminals in which `top` runs."""
    opened = []

    def open_terminal(sidecar, *arguments, **options):
        to = sidecar.url if hasattr(sidecar, "url") else sidecar
        opened.append(Terminal("top", "--to", to, "--interval", "0.2", *arguments, **options))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


def features(text):
    """The first words of the lines of the table."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("feature"):
            break
    names = []
    for line in lines:
        if not line or line.startswith("? help"):
            break
        names.append(line.split()[0])
    return names


def test_in_a_pipe_one_plain_table_names_the_worst_feature_first(watched):
    said = run_ok("top", "--to", f"127.0.0.1:{watched.web_port}").stdout
    assert features(said)[0] == "amount", said
    assert set(features(said)) == {"amount", "items", "is_new", "country", "score"}
    amount = next(line for line in said.splitlines() if line.startswith("amount"))
    ratio = watched.page().value("driftgauge_feature_drift_ratio", model=MODEL, feature="amount", window="1h")
    assert ratio > 1 and f"{ratio:.2f}!" in amount and re.search(r"drift +\d+ s ", amount)
    assert "2000 rows received" in said and "0 shed" in said
    assert "\x1b" not in said
    by_name = run_ok("top", "--to", watched.url, "--once", "--sort", "name", "--lines", "2").stdout
    assert features(by_name)[:2] == ["amount", "country"] and "… 3 more" in by_name
    only = run_ok("top", "--to", watched.url, "--filter", "COUNT", "--model", MODEL, "--window", "1h").stdout
    assert features(only) == ["country"]
    for arguments, words in [(("--window", "7d"), "there is 1h"), (("--model", "nobody"), f"there is {MODEL}")]:
        refused = driftgauge("top", "--to", watched.url, *arguments)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert words in refused.stderr


def test_over_the_admin_socket(serve, tmp_path):
    socket = tmp_path / "admin.sock"
    serve({"web": {"admin_socket": str(socket)}})
    assert "no model has been seen yet" in run_ok("top", "--to", f"unix:{socket}").stdout


class Stranger(http.server.BaseHTTPRequestHandler):
    """Answers the status with whatever the server's `page` is."""

    def do_GET(self):
        status, body = self.server.page
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def stranger():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_who_does_not_answer_or_is_somebody_else_gets_a_sentence(stranger, watched):
    address = f"127.0.0.1:{stranger.server_port}"
    nobody = driftgauge("top", "--once", "--to", f"127.0.0.1:{free_port()}")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "driftgauge serve" in nobody.stderr and nobody.stderr.count("\n") == 1
    for page, words in [
        ((200, b"<html>\x1b[31m"), "no driftgauge"),
        ((200, b"[]"), "no driftgauge"),
        ((200, b""), "no driftgauge"),
        ((404, b"not here"), "/api/v1/status"),
        ((500, b"\x1b[31m"), "500"),
        ((200, b'{"version": "9\\u001b[31m", "models": [{"features": 1}]}'), "cannot read"),
    ]:
        stranger.page = page
        result = driftgauge("top", "--to", address)
        assert (result.returncode, result.stdout) == (1, ""), page
        assert words in result.stderr and "\x1b" not in result.stderr, result.stderr
    push_port = driftgauge("top", "--to", watched.push_address)
    assert push_port.returncode == 1 and "web port" in push_port.stderr
    for wrong in ("https://a:1", "a:b", ""):
        result = driftgauge("top", "--to", wrong)
        assert result.returncode == 2 and "HOST:PORT" in result.stderr
    # What is missing is left out.
    stranger.page = (200, b'{"version": "0.0.1", "models": [{"model": "m", "features": [{"feature": "f"}]}]}')
    assert features(run_ok("top", "--to", address).stdout) == ["f"]


def test_names_cannot_steer_the_terminal(stranger, terminal):
    window = {"window": HOSTILE, "state": HOSTILE, "drift": [{"reference": HOSTILE, "ratio": 2.0}]}
    feature = {"feature": HOSTILE, "role": HOSTILE, "shape": HOSTILE, "windows": [window]}
    model = {"model": HOSTILE, "version": HOSTILE, "windows": [{"window": HOSTILE}], "features": [feature]}
    document = {"version": HOSTILE, "models": [model]}
    stranger.page = (200, json.dumps(document).encode())
    address = f"127.0.0.1:{stranger.server_port}"
    said = run_ok("top", "--to", address, "--filter", HOSTILE).stdout
    assert "a\\u{1b}[2J" in said
    assert all(c.isprintable() or c == "\n" for c in said), repr(said)
    live = terminal(address, columns=300)
    live.wait(lambda text: "a\\u{1b}[2J" in text, "the name is spelt out")
    assert b"owned\x07" not in live.raw and b"]0;owned" in live.raw
    assert b"\x1b]0;" not in live.raw and "\u202e".encode() not in live.raw


def test_the_live_table_follows_keys_and_the_size(watched, terminal):
    live = terminal(watched)
    live.wait(lambda text: features(text)[:1] == ["amount"], "the drifted feature is first")
    assert "drift" in live.text and "driftgauge" in live.lines[0] and "? help" in live.lines[-1]
    amount = next(y for y, line in enumerate(live.lines) if line.startswith("amount"))
    cells = live.screen.buffer[amount].values()
    assert any(cell.fg != "default" and cell.bold for cell in cells), "drift is coloured"

    live.press("<")
    live.wait(lambda text: features(text) == sorted(features(text)) and "sort:name" in text, "sorted by name")
    live.press("w")
    live.wait(lambda text: "[1h]" in text and "window:1h" in text, "one window is chosen")
    live.press("/scq\x7f")
    live.wait(lambda text: features(text) == ["score"] and "names with: sc" in text, "letters filter")
    live.press("\r")
    live.wait(lambda text: "filter:sc" in text, "the filter stays")
    live.press("\x1b")
    live.wait(lambda text: len(features(text)) == 5, "the filter is gone")
    live.press("?")
    live.wait(lambda text: "scroll by a page" in text, "the help")
    live.press("?")
    live.wait(lambda text: len(features(text)) == 5, "back")

    live.resize(60, 8)
    text = live.wait(lambda text: "? help" in live.lines[7] and " of 5" not in live.lines[0], "it fits")
    assert features(text)[:1] == ["amount"], text
    live.resize(60, 4)
    live.wait(lambda text: "? help" in live.lines[3], "it fits still")
    live.press("\x1b[6~\x1b[B\x1b[F")
    live.wait(lambda text: "score" in text, "the end is reached")
    live.resize(1, 1)
    live.resize(140, 40)
    live.wait(lambda text: len(features(text)) == 5 and "? help" in live.lines[39], "it is whole again")

    live.press("q")
    assert live.ended() == 0
    assert live.is_restored()
    assert "panicked" not in live.raw.decode(errors="replace")


def test_without_colour_nothing_is_lost(watched, terminal):
    live = terminal(watched, env={"NO_COLOR": "1"})
    text = live.wait(lambda text: features(text)[:1] == ["amount"], "the drifted feature is first")
    assert "!" in next(line for line in text.splitlines() if line.startswith("amount"))
    assert {cell.fg for line in live.screen.buffer.values() for cell in line.values()} == {"default"}


def test_a_sidecar_that_goes_and_comes_back(watched, terminal):
    live = terminal(watched)
    live.wait(lambda text: features(text)[:1] == ["amount"], "the table")
    watched.kill()
    text = live.wait(
        lambda text: "cannot connect" in text and features(text)[:1] == ["amount"],
        "it says that the sidecar is away, and the last figures stay",
    )
    assert "old" in text and "asking again" in text
    watched.start()
    live.wait(lambda text: "cannot connect" not in text and "0 rows received" in text, "it is back")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(terminal, number):
    live = terminal(f"127.0.0.1:{free_port()}")
    live.wait(lambda text: "asking again every 0.2 s" in text, "nobody answers, and it goes on")
    assert not live.is_restored()
    live.signal(number)
    assert live.ended() == 0
    assert live.is_restored()


def test_ctrl_c_ends_it(terminal):
    live = terminal(f"127.0.0.1:{free_port()}")
    live.wait(lambda text: "cannot connect" in text, "it runs")
    live.press("\x03")
    assert live.ended() == 0
    assert live.is_restored()
