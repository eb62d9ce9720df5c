"""Decorators, scikit-learn and ASGI: what is observed of a call, and that the call is as it was."""

import asyncio
import json

import numpy as np
import pandas as pd
import pytest
from books import closed
from conftest import compiled
from fake import Fake
from read import table
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from driftgauge import asgi, sklearn


@pytest.fixture
def sidecar():
    with Fake() as fake:
        yield fake


@pytest.fixture
def watching(monitor, sidecar):
    return monitor(target=sidecar.target)


def sent(monitor, sidecar):
    """All batches, once they are there."""
    assert monitor.flush(5), monitor.stats()
    return sidecar.batches


def outcomes(batches):
    names = compiled().Outcome.Name
    return [names(one) for batch in batches for one in batch.outcomes or [1] * batch.rows]


def test_a_decorated_function_is_observed(watching, sidecar):
    @watching.observed
    def predict(row):
        """Says."""
        return row["a"] > 1

    assert predict({"a": 1}) is False and predict(row={"a": 2}) is True
    assert (predict.__name__, predict.__doc__) == ("predict", "Says.")
    (batch,) = sent(watching, sidecar)
    assert table(batch)["a"][2] == [1, 2] and table(batch)["prediction"][2] == [False, True]
    assert len(batch.latency_micros) == 2


def test_a_decorated_method_says_where_what_is(watching, sidecar):
    class Model:
        @watching.observed(
            inputs="rows",
            prediction=lambda answer: answer["class"],
            score=lambda answer: answer["proba"],
            id=lambda self, request, rows: request,
        )
        def predict(self, request, rows):
            return {"class": "x", "proba": 0.75}

    assert Model().predict("order-1", {"a": 1})["class"] == "x"
    (batch,) = sent(watching, sidecar)
    assert list(batch.prediction_ids) == ["order-1"]
    assert {name: values for name, (_, _, values) in table(batch).items()} == {
        "a": [1],
        "prediction": ["x"],
        "score": [0.75],
    }


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError, "OUTCOME_CLIENT_ERROR"),
        (TimeoutError, "OUTCOME_TIMEOUT"),
        (asyncio.TimeoutError, "OUTCOME_TIMEOUT"),
        (RuntimeError, "OUTCOME_SERVER_ERROR"),
    ],
)
def test_exceptions_are_outcomes_and_go_on(watching, sidecar, error, outcome):
    @watching.observed(client_errors=[ValueError])
    def predict(row):
        raise error("no")

    @watching.observed(client_errors=[ValueError])
    async def later(row):
        raise error("no")

    with pytest.raises(error):
        predict({"a": 1})
    with pytest.raises(error):
        asyncio.run(later({"a": 1}))
    assert outcomes(sent(watching, sidecar)) == [outcome] * 2


def test_coroutines_are_awaited_and_a_thousand_at_once_are_observed(watching, sidecar):
    @watching.observed
    async def predict(row):
        await asyncio.sleep(0.02)
        return row["a"] * 2

    async def all_of_them():
        return await asyncio.gather(*(predict({"a": n}) for n in range(1_000)))

    assert asyncio.run(all_of_them()) == [n * 2 for n in range(1_000)]
    batches = sent(watching, sidecar)
    assert sum(batch.rows for batch in batches) == 1_000
    assert min(micros for batch in batches for micros in batch.latency_micros) >= 20_000


def test_a_cancelled_call_is_none(watching, sidecar):
    @watching.observed
    async def predict(row):
        await asyncio.sleep(60)

    async def cancelled():
        task = asyncio.create_task(predict({"a": 1}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert closed(watching, 0).accepted == 0


def test_what_our_callbacks_raise_stays_here(watching):
    @watching.observed(prediction=lambda answer: answer["no such key"])
    def predict(row):
        return {}

    assert predict({"a": 1}) == {}
    assert "KeyError" in watching.stats().last_error
    assert closed(watching, 1).dropped_by["invalid"] == 1


def test_a_function_without_such_an_argument_says_so(watching):
    with pytest.raises(TypeError, match="no argument 'rows'"):

        @watching.observed(inputs="rows")
        def predict(row):
            return None


# ------------------------------------------------------------------------------------- scikit-learn


@pytest.fixture(scope="module")
def iris():
    frame, classes = load_iris(return_X_y=True, as_frame=True)
    return LogisticRegression(max_iter=500).fit(frame, classes), frame


def test_a_watched_estimator_predicts_as_before(watching, sidecar, iris):
    estimator, frame = iris
    model = sklearn.watch(estimator, watching)
    assert (model.predict(frame) == estimator.predict(frame)).all()
    assert (model.predict_proba(frame) == estimator.predict_proba(frame)).all()
    assert (model.classes_ == estimator.classes_).all() and "Logistic" in repr(model)
    (batch,) = sent(watching, sidecar)
    read = table(batch)
    assert list(read) == [*frame.columns, "prediction"]
    assert read["prediction"][2] == estimator.predict(frame).tolist()
    assert list(batch.call_rows) == [150] and len(batch.latency_micros) == 1


def test_scores_of_a_watched_estimator(watching, sidecar, iris):
    estimator, frame = iris
    two = LogisticRegression(max_iter=500).fit(frame, frame.iloc[:, 0] > 5.8)
    for one in (estimator, two):
        sklearn.watch(one, watching, methods=["predict_proba"]).predict_proba(frame)
    three_classes, two_classes = map(table, sent(watching, sidecar))
    assert three_classes["score[2]"][2] == pytest.approx(estimator.predict_proba(frame)[:, 2])
    assert two_classes["score"][2] == pytest.approx(two.predict_proba(frame)[:, 1])


def test_sparse_rows_are_observed_unless_they_are_huge(watching, sidecar, iris):
    estimator, frame = iris
    plain = LogisticRegression(max_iter=500).fit(frame.to_numpy(), estimator.predict(frame))
    sklearn.watch(plain, watching).predict(csr_matrix(frame.to_numpy()))
    (batch,) = sent(watching, sidecar)
    assert table(batch)["input[3]"][2] == frame.iloc[:, 3].tolist()

    class Huge:
        def predict(self, rows):
            return [0]

    assert sklearn.watch(Huge(), watching).predict(csr_matrix((10, 10_000_000))) == [0]
    assert closed(watching).dropped_by["invalid"] == 1


def test_an_estimator_that_fails_is_observed_failing(watching, sidecar, iris):
    model = sklearn.watch(iris[0], watching)
    with pytest.raises(ValueError):
        model.predict(np.zeros((2, 9)))
    assert outcomes(sent(watching, sidecar)) == ["OUTCOME_SERVER_ERROR"]
    with pytest.raises(ValueError, match="cannot be watched"):
        sklearn.watch(iris[0], watching, methods=["fit"])
    with pytest.raises(AttributeError):
        model.no_such_thing  # noqa: B018


# --------------------------------------------------------------------------------------------- ASGI


def call(app, body, path="/predict", method="POST", headers=(), parts=1):
    """What an ASGI server does for one request; returns what the application sent."""
    size = max(len(body) // parts, 1)
    pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    incoming = [
        {"type": "http.request", "body": piece, "more_body": index + 1 < len(pieces)}
        for index, piece in enumerate(pieces)
    ]
    sent = []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    asyncio.run(app(scope, receive, send))
    return sent


def answering(answer, status=200, parts=1):
    """An application that reads all and answers."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        for index in range(parts):
            piece = (
                body[index::parts]
                if parts == 1
                else body[index * len(body) // parts : (index + 1) * len(body) // parts]
            )
            await send({"type": "http.response.body", "body": piece, "more_body": index + 1 < parts})

    return app


def test_the_middleware_reads_bodies_in_parts_and_headers(watching, sidecar):
    app = asgi.DriftgaugeMiddleware(answering({"prediction": "x", "score": 0.5}, parts=3), watching)
    headers = [
        (b"x-request-id", b"order-1"),
        (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    messages = call(app, b'{"a": 1.5, "b": "x"}', headers=headers, parts=4)
    assert b"".join(message.get("body", b"") for message in messages) == b'{"prediction": "x", "score": 0.5}'
    (batch,) = sent(watching, sidecar)
    assert {name: values for name, (_, _, values) in table(batch).items()} == {
        "a": [1.5],
        "b": ["x"],
        "prediction": ["x"],
        "score": [0.5],
    }
    assert list(batch.prediction_ids) == ["order-1"] and len(batch.trace_ids[0]) == 16


@pytest.mark.parametrize(
    ("request_body", "answer", "values"),
    [
        ([[1, 2], [3, 4]], [0, 1], {"input[0]": [1, 3], "input[1]": [2, 4], "prediction": [0, 1]}),
        ({"instances": [{"a": 1}, {"a": 2}]}, {"predictions": [0, 1]}, {"a": [1, 2], "prediction": [0, 1]}),
        ({"a": 1}, 7, {"a": [1], "prediction": [7]}),
        ({"a": 1}, {"other": 7}, {"a": [1]}),
    ],
)
def test_bodies_of_common_forms_are_read(watching, sidecar, request_body, answer, values):
    call(asgi.DriftgaugeMiddleware(answering(answer), watching), json.dumps(request_body).encode())
    (batch,) = sent(watching, sidecar)
    assert {name: column for name, (_, _, column) in table(batch).items()} == values


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (204, None),
        (400, "CLIENT_ERROR"),
        (404, "CLIENT_ERROR"),
        (408, "TIMEOUT"),
        (429, "REJECTED"),
        (500, "SERVER_ERROR"),
        (503, "REJECTED"),
        (504, "TIMEOUT"),
    ],
)
def test_statuses_are_outcomes(watching, sidecar, status, outcome):
    call(asgi.DriftgaugeMiddleware(answering({"prediction": 1}, status), watching), b'{"a": 1}')
    assert outcomes(sent(watching, sidecar)) == [f"OUTCOME_{outcome or 'OK'}"]


def test_an_application_that_raises_is_observed_and_raises(watching, sidecar):
    async def app(scope, receive, send):
        await receive()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        call(asgi.DriftgaugeMiddleware(app, watching), b'{"a": 1}')
    assert outcomes(sent(watching, sidecar)) == ["OUTCOME_SERVER_ERROR"]


def test_what_an_application_does_after_its_answer_is_no_latency(watching, sidecar):
    inner = answering({"prediction": 1})

    async def app(scope, receive, send):
        await inner(scope, receive, send)
        await asyncio.sleep(0.3)

    call(asgi.DriftgaugeMiddleware(app, watching), b'{"a": 1}')
    (batch,) = sent(watching, sidecar)
    assert batch.latency_micros[0] < 200_000


def test_other_paths_and_methods_are_not_looked_at(watching):
    app = asgi.DriftgaugeMiddleware(answering({}), watching, paths=["/predict"])
    call(app, b'{"a": 1}', path="/other")
    call(app, b"", method="GET")
    assert closed(watching, 0).observed == 0


def test_what_cannot_be_read_passes_and_is_counted(watching):
    app = asgi.DriftgaugeMiddleware(answering({}), watching, max_body=100)
    for body in (b"no json", b'{"a": "' + b"x" * 200 + b'"}', b"7"):
        assert call(app, body)[-1]["body"] == b"{}"
    call(asgi.DriftgaugeMiddleware(answering(b"no json", 400), watching), b"no json")
    assert closed(watching, 2).dropped_by["invalid"] == 2


def test_what_is_read_can_be_chosen(watching, sidecar):
    def read(request, answer):
        return {"inputs": request["order"], "prediction": answer["verdict"]} if "order" in request else None

    app = asgi.DriftgaugeMiddleware(answering({"verdict": True}), watching, read=read)
    call(app, b'{"order": {"a": 1}}')
    call(app, b"{}")
    (batch,) = sent(watching, sidecar)
    assert table(batch)["prediction"][2] == [True] and batch.rows == 1


def test_a_frame_of_pandas_is_left_alone(watching, sidecar):
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    before = frame.copy()
    watching.observe(frame, prediction=[1, 2])
    sent(watching, sidecar)
    pd.testing.assert_frame_equal(frame, before)
