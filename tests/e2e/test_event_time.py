"""Rows may bring their own time: the clock `event`."""

import numpy as np
import pytest

from data import orders
from push import Client, Field, batch

MODEL = "orders"
MARCH = 1_362_096_000
"""1 March 2013, 00:00 UTC."""
HOUR = 3_600


@pytest.fixture
def pushed(serve, orders_settings):
    sidecar = serve(orders_settings(clock="event", windows=["1h", "1d"]))
    with Client(sidecar.push_address) as client:
        yield sidecar, client


def rows_at(fields, seconds, offsets=()):
    """Rows of one moment, or of `offsets` seconds from it."""
    message = batch(MODEL, fields, time_offset_micros=[round(offset * 1e6) for offset in offsets])
    message.base_time.FromSeconds(round(seconds))
    return message


def windows(page):
    return {labels["window"]: rows for labels, rows in page.all("driftgauge_window_rows", model=MODEL)}


def untimely(page):
    return {labels["reason"]: rows for labels, rows in page.all("driftgauge_untimely_rows_total", model=MODEL)}


def test_windows_follow_the_time_of_the_rows(pushed, rng):
    sidecar, client = pushed
    spread = np.linspace(0, 0.8 * HOUR, 500)
    client.observe(rows_at(orders(rng, 500), MARCH, spread))
    page = sidecar.wait_for_rows(MODEL, 500)
    assert windows(page) == {"1h": 500, "1d": 500}
    client.observe(rows_at(orders(rng, 300), MARCH + 3 * HOUR))
    page = sidecar.wait_for_rows(MODEL, 800)
    assert windows(page) == {"1h": 300, "1d": 800}
    throughput = page.value("driftgauge_throughput_rows_per_second", model=MODEL, window="1d")
    assert throughput == pytest.approx(800 / (3 * HOUR), rel=0.05)
    # When the last row came is told in wall time all the same.
    assert page.value("driftgauge_last_row_timestamp_seconds", model=MODEL) > MARCH + 10 * 365 * 86_400


def test_a_late_row_goes_where_it_belongs_and_a_too_late_one_is_left_out(pushed, rng):
    sidecar, client = pushed
    client.observe(rows_at(orders(rng, 100), MARCH))
    client.observe(rows_at(orders(rng, 50), MARCH - 5 * HOUR))
    page = sidecar.wait_for_rows(MODEL, 150)
    assert windows(page) == {"1h": 100, "1d": 150}
    client.observe(rows_at(orders(rng, 30), MARCH - 40 * HOUR))
    page = sidecar.wait(lambda page: untimely(page)["too_old"] == 30, "rows that are too old")
    assert windows(page) == {"1h": 100, "1d": 150}


def test_a_row_from_the_far_future_does_not_move_the_clock(pushed, rng):
    sidecar, client = pushed
    client.observe(rows_at(orders(rng, 100), MARCH))
    client.observe(rows_at(orders(rng, 20), MARCH + 1_000 * 86_400))
    page = sidecar.wait(lambda page: untimely(page)["too_new"] == 20, "rows that are too new")
    assert windows(page) == {"1h": 100, "1d": 100}


def test_time_that_stands_still_lets_nothing_expire(serve, orders_settings, rng):
    sidecar = serve(orders_settings(clock="event", windows=["2s"]))
    with Client(sidecar.push_address) as client:
        client.observe(rows_at(orders(rng, 200), MARCH))
        sidecar.wait_for_rows(MODEL, 200)
        start = sidecar.page().value("driftgauge_last_evaluation_timestamp_seconds")
        later = sidecar.wait(
            lambda page: page.value("driftgauge_last_evaluation_timestamp_seconds") > start + 2.5, "2.5 s of wall time"
        )
        assert windows(later) == {"2s": 200}
        client.observe(batch(MODEL, [Field("amount", np.zeros(1))]))
    assert sidecar.page().accounts()["received"] == 201
