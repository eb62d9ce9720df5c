"""What the READMEs show works as it stands."""

import os
import subprocess
import sys

from conftest import CLIENT
from sidecar import ROOT, binary


def blocks(path):
    """The blocks of Python of a page."""
    return [part.split("\n```")[0] + "\n" for part in path.read_text().split("\n```python\n")[1:]]


def run(code, cwd, environment, **more):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env={**environment, **more}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quick_start_of_the_project(serve, environment, tmp_path):
    sidecar = serve()
    (code,) = [code for code in blocks(ROOT / "README.md") if code.startswith("import driftgauge\n")]
    said = run(code, tmp_path, environment, DRIFTGAUGE_TARGET=sidecar.push_address)
    assert "accepted=1000" in said
    sidecar.wait_for_rows("fraud", 1000, version="3")


def test_the_pieces_of_the_client_readme(serve, environment, tmp_path):
    sidecar = serve()
    first, functions, labels, books, profile = blocks(CLIENT / "README.md")
    assert books.startswith(">>> monitor.stats()")
    rows = 'import pandas, random\ntrain = pandas.DataFrame({"amount": [random.random() for _ in range(500)]})\n'
    rows += 'train["order_id"] = train["zip"] = range(500)\n'
    code = f"{first}\n{functions}\n{labels}\n{rows}\n{profile}\npredict(row)\nprint(monitor.flush(5), monitor.stats())"
    env = {"DRIFTGAUGE_TARGET": sidecar.push_address, "DRIFTGAUGE_BINARY": str(binary())}
    assert "accepted=5" in run(code, tmp_path, environment, **env)
    assert os.path.exists(tmp_path / "fraud.profile.json")


def test_books_are_named_in_the_readme():
    """Every number of the books, and every reason to drop a row."""
    import dataclasses

    from driftgauge import Stats, _books

    page = (CLIENT / "README.md").read_text()
    reasons = list(_books.REASONS)
    for name in [field.name for field in dataclasses.fields(Stats)] + reasons:
        assert f"`{name}`" in page, name
