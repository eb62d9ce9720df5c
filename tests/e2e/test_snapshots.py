"""Windows over restarts: what a crash at any moment loses, and what is done with files that do not fit."""

import contextlib
import random
import signal
import statistics
import subprocess
import threading
import time

import pytest
from data import orders
from push import Client, batch
from sidecar import Sidecar

MODEL = "orders"
INTERVAL = 0.2
# Seconds that a snapshot may take on a busy machine, and that a run lasts at most.
SLACK, LONGEST = 0.3, 1.4
KILLS, SIDECARS = 200, 4
ROWS = 20
IGNORED = "driftgauge_snapshot_ignored_total"
FAILURES = "driftgauge_snapshot_failures_total"
SUCCESS = "driftgauge_snapshot_last_success_timestamp_seconds"


def settings(folder):
    return {
        "tick": "100ms",
        "windows": ["1h"],
        "state": {"directory": str(folder), "snapshot_interval": f"{INTERVAL * 1000:.0f}ms"},
    }


def make(tmp_path, name="one"):
    folder = tmp_path / name
    state = folder / "state"
    state.mkdir(parents=True)
    return Sidecar(folder, settings(state)), state / "windows.snapshot"


def window_rows(sidecar):
    return int(sum(value for _, value in sidecar.page().all("driftgauge_window_rows", model=MODEL)))


def kill_again_and_again(sidecar, file, times, seed, fields, failures, ages):
    """Sends rows, one call after the other, and kills at a random moment; windows begin where some snapshot was."""
    chance = random.Random(seed)
    try:
        accepted = []  # (moment of the answer, rows in all windows by then)
        rows = 0
        for _ in range(times):
            sidecar.start()
            held = window_rows(sidecar)
            assert "panicked" not in sidecar.log
            if accepted:
                # What was answered well before the file was written is in it, on a busy machine as well.
                kept = [count for at, count in accepted if at < written - SLACK]
                assert max(kept, default=0) <= held <= rows, f"{kept[-1:]} <= {held} <= {rows}, seed {seed}"
            rows, accepted = held, [(0, held)]
            until = time.monotonic() + chance.uniform(0, LONGEST)
            with Client(sidecar.push_address) as client:
                while time.monotonic() < until:
                    client.observe(batch(MODEL, fields))
                    rows += ROWS
                    accepted.append((time.time(), rows))
                sidecar.process.kill()
                sidecar.process.wait()
            written = file.stat().st_mtime if file.exists() else 0
            ages += [time.time() - written] if written else []
    except BaseException as error:  # told by the test, which waits for all
        failures.append(error)
    finally:
        if sidecar.process and sidecar.process.poll() is None:
            sidecar.process.kill()
            sidecar.process.wait()


def test_kill_9_at_any_moment_tears_no_file_and_loses_no_older_rows(tmp_path, rng):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    fields, failures, ages = orders(rng, ROWS), [], []
    made = [make(tmp_path, f"s{at}") for at in range(SIDECARS)]
    sidecars = [sidecar for sidecar, _ in made]
    threads = [
        threading.Thread(target=kill_again_and_again, args=(sidecar, file, KILLS // SIDECARS, seed + at, fields, failures, ages))
        for at, (sidecar, file) in enumerate(made)
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{KILLS} kills in {time.monotonic() - begun:.0f} s")
    assert not failures, failures
    # As old as the interval at most, were it not for starts and a busy machine.
    print(f"the file was {statistics.median(ages):.2f} s old at the median, {max(ages):.2f} s at most")
    assert statistics.median(ages) <= INTERVAL + SLACK
    for sidecar in sidecars:
        assert "is damaged" not in sidecar.log
        assert sidecar.log.count("windows go on from the last snapshot") > KILLS // SIDECARS // 2


def ended(tmp_path, rng, rows):
    """A sidecar that has seen so many rows and come to an orderly end, and its file."""
    sidecar, file = make(tmp_path)
    sidecar.start()
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, rows)))
    sidecar.process.send_signal(signal.SIGTERM)
    assert sidecar.process.wait(10) == 0
    return sidecar, file


def test_an_orderly_end_loses_nothing(tmp_path, rng):
    sidecar, file = ended(tmp_path, rng, 1_000)
    assert file.stat().st_mode & 0o777 == 0o600
    sidecar.start()
    assert window_rows(sidecar) == 1_000
    page = sidecar.page()
    assert page.value(IGNORED, reason="damaged") == 0
    sidecar.process.kill()
    sidecar.process.wait()


def test_a_damaged_file_is_left_out_and_counted(tmp_path, rng):
    sidecar, file = ended(tmp_path, rng, 500)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    sidecar.start()
    page = sidecar.page()
    assert page.value(IGNORED, reason="damaged") == 1
    assert sidecar.log.count("the file is damaged") == 1
    sidecar.wait(lambda page: page.all(SUCCESS), "a new snapshot")
    sidecar.process.kill()
    sidecar.process.wait()


def test_without_room_it_counts_and_goes_on(tmp_path, rng):
    sidecar, file = make(tmp_path)
    # A folder in its place: not even root can replace it by a file.
    (file / "in the way").mkdir(parents=True)
    sidecar.start()
    page = sidecar.wait(lambda page: page.value(FAILURES) >= 2, "failures are counted")
    assert page.value(IGNORED, reason="unreadable") == 1
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 300)))
    sidecar.wait(lambda page: window_rows(sidecar) == 300, "rows are counted all the same")
    assert sidecar.log.count("the windows cannot be kept") == 1
    sidecar.process.kill()
    sidecar.process.wait()


@pytest.fixture
def disk(tmp_path):
    """A sidecar whose state is on a disk of its own, of 1 MiB; its file; and that disk."""
    sidecar, file = make(tmp_path)
    disk = file.parent
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    try:
        yield sidecar, file, disk
    finally:
        if sidecar.process and sidecar.process.poll() is None:
            sidecar.process.kill()
            sidecar.process.wait()
        subprocess.run(["umount", "-l", disk], check=True)


@contextlib.contextmanager
def full(disk):
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


@contextlib.contextmanager
def read_only(disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


@pytest.mark.parametrize("trouble", [full, read_only])
def test_a_disk_that_cannot_be_written_costs_nothing_but_the_newest_rows(disk, rng, trouble):
    sidecar, file, place = disk
    sidecar.start()
    with Client(sidecar.push_address) as client:
        client.observe(batch(MODEL, orders(rng, 300)))
        sidecar.wait(lambda _: window_rows(sidecar) == 300, "rows are counted")
        now = time.time()
        sidecar.wait(lambda page: page.all(SUCCESS) and page.value(SUCCESS) > now, "they are kept")
        with trouble(place):
            sidecar.wait(lambda page: page.value(FAILURES) >= 3, "failures are counted")
            kept = file.read_bytes()
            client.observe(batch(MODEL, orders(rng, 200)))
            page = sidecar.wait(lambda _: window_rows(sidecar) == 500, "rows are counted all the same")
            assert sidecar.log.count("the windows cannot be kept") == 1, "told once, not at each try"
            sidecar.process.send_signal(signal.SIGTERM)
            assert sidecar.process.wait(10) == 0
            assert file.read_bytes() == kept, "what was kept is as it was"
            assert not file.with_suffix(".tmp").exists()
            sidecar.start()
            assert window_rows(sidecar) == 300
            assert sidecar.page().value(IGNORED, reason="damaged") == 0
            sidecar.wait(lambda page: page.value(FAILURES) >= 1, "failures are counted again")
        sidecar.wait(lambda page: page.all(SUCCESS), "they are kept again")
        assert file.read_bytes() != kept
