"""Waiting for a condition instead of sleeping."""

import socket
import time


def wait_for(condition, what, seconds=20, every=0.05):
    """What `condition` returns as soon as it is truthy; errors of a server that is not there yet count as false."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, AssertionError, ValueError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {last!r}")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
