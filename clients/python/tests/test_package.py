"""The package: Python 3.9 reads it, type checkers know it, a wheel of it holds what it must and no more."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import CLIENT

SOURCES = sorted((CLIENT / "src").rglob("*.py"))
BIN = Path(sys.executable).parent


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=110, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_syntax_is_that_of_python_3_9(path):
    ast.parse(path.read_text(), feature_version=(3, 9))


def test_nothing_of_a_newer_python_is_called():
    run(BIN / "vermin", "-q", "-t=3.9-", "--no-tips", "--violations", CLIENT / "src")


def test_types_and_lints_are_clean(tmp_path):
    run(BIN / "mypy", "--cache-dir", tmp_path, cwd=CLIENT)
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=CLIENT)
    run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=CLIENT)


def test_a_wheel_is_all_that_is_needed(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "src"):
        (source / name).symlink_to(CLIENT / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, source)
    (wheel,) = tmp_path.glob("driftgauge-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith("driftgauge-")}
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        said = archive.read(metadata).decode()
    expected = {f"driftgauge/{path.name}" for path in SOURCES} | {"driftgauge/py.typed"}
    assert names == expected
    needs = [line for line in said.splitlines() if line.startswith("Requires")]
    assert needs == ["Requires-Python: >=3.9", "Requires-Dist: grpcio>=1.48"]
    run(*pip, "install", "-q", "--no-deps", "--no-index", "--target", tmp_path / "site", wheel)
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import driftgauge; print(driftgauge.__file__)"
    assert str(tmp_path / "site") in run(sys.executable, "-I", "-c", code)


def test_stubs_of_the_proto_live_beside_the_package(tmp_path):
    """Whoever has generated `driftgauge.ingest.v1` may use both."""
    (tmp_path / "driftgauge" / "ingest").mkdir(parents=True)
    (tmp_path / "driftgauge" / "ingest" / "stubs.py").write_text("here = True")
    code = "import driftgauge.ingest.stubs as stubs, driftgauge; print(stubs.here, driftgauge.Monitor)"
    assert run(sys.executable, "-c", code, env={"PYTHONPATH": f"{CLIENT / 'src'}:{tmp_path}"}).startswith("True")
