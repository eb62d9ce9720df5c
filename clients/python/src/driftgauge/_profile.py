"""A profile of a DataFrame, made by the program itself: there is one implementation."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

Names = Union[str, Sequence[str], None]


class ProfileError(RuntimeError):
    """The profile was not made; the sentence says why."""


def profile_dataframe(
    frame: Any,
    path: "Union[str, os.PathLike[str]]",
    *,
    model: Optional[str] = None,
    prediction: Names = None,
    score: Names = None,
    label: Names = None,
    time_column: Optional[str] = None,
    id: Names = None,
    ignore: Names = None,
    segment: Names = None,
    categorical: Names = None,
    kind: Optional[Mapping[str, str]] = None,
    importance: Optional[Mapping[str, float]] = None,
    binary: Optional[str] = None,
    timeout: Optional[float] = None,
) -> str:
    """Writes the profile of a pandas DataFrame to `path`, and returns what the program says of it.

    The arguments are the flags of `driftgauge profile`. The program is `binary`, else
    `$DRIFTGAUGE_BINARY`, else `driftgauge` on the PATH. The rows go through a temporary file that
    only this user can read: Parquet if pyarrow or fastparquet is there, else CSV, which keeps no
    types (a text column of digits is then numbers).

    Raises ProfileError.
    """
    program = _program(binary)
    output = Path(path).resolve()
    if not hasattr(frame, "to_csv"):
        raise ProfileError(f"a profile is made of a pandas DataFrame, not of a {type(frame).__name__}")
    with tempfile.TemporaryDirectory(prefix="driftgauge-") as directory:
        data = _write(frame, Path(directory))
        command = [program, "profile", str(data), "--output", str(output)]
        if model is not None:
            command += ["--model", model]
        if time_column is not None:
            command += ["--time-column", time_column]
        flags = {"prediction": prediction, "score": score, "label": label, "id": id}
        flags.update(ignore=ignore, segment=segment, categorical=categorical)
        for flag, names in flags.items():
            for name in [names] if isinstance(names, str) else names or ():
                command += [f"--{flag}", name]
        for flag, pairs in (("kind", kind), ("importance", importance)):
            for name, value in (pairs or {}).items():
                command += [f"--{flag}", f"{name}={value}"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise ProfileError(f"{program} profile took more than {timeout} s") from None
        except (OSError, subprocess.SubprocessError) as error:
            raise ProfileError(f"{program} cannot be run: {error}") from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"ended with {done.returncode}"
        raise ProfileError(f"{program} profile: {said}")
    return done.stdout + done.stderr


def _program(binary: Optional[str]) -> str:
    given = binary or os.environ.get("DRIFTGAUGE_BINARY")
    found = shutil.which(given or "driftgauge")
    if found is None and given:
        raise ProfileError(f"{given} is no program that can be run")
    if found is None:
        raise ProfileError(
            "there is no driftgauge on the PATH: install the program, or say where it is with "
            "binary=... or $DRIFTGAUGE_BINARY"
        )
    return found


def _write(frame: Any, directory: Path) -> Path:
    path = directory / "rows.parquet"
    try:
        frame.to_parquet(path, index=False)
        return path
    except ImportError:
        path = directory / "rows.csv"
        frame.to_csv(path, index=False)
        return path
    except Exception as error:
        raise ProfileError(f"the DataFrame cannot be written as Parquet: {error}") from error
