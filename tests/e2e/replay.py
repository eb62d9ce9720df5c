"""`driftgauge replay` as a running client, and what it says at its end."""

import re
import subprocess

from sidecar import binary, environment

SUMMARY = re.compile(
    r"sent (?P<sent>\d+) rows in (?P<requests>\d+) requests.*?"
    r"accepted (?P<accepted>\d+), rejected (?P<rejected>\d+), lost (?P<lost>\d+) "
    r"\(retries (?P<retries>\d+), of them for rows already accepted (?P<duplicate>\d+)\)",
    re.DOTALL,
)


class Replay:
    """A replay that runs beside the test."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [binary(), "replay", *map(str, arguments)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def finish(self, seconds=60):
        """The exit code and the sums that it printed; every row is accounted for."""
        out, err = self.process.communicate(timeout=seconds)
        print(out, err)
        assert "panicked" not in err, err
        found = SUMMARY.search(out)
        assert found, f"no summary in {out!r}, {err!r}"
        sums = {name: int(number) for name, number in found.groupdict().items()}
        assert sums["sent"] == sums["accepted"] + sums["rejected"] + sums["lost"], sums
        return self.process.returncode, sums
