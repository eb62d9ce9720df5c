"""What `observe` is given → what the sidecar reads."""

import datetime
import decimal
import enum
import uuid

import numpy as np
import pandas as pd
import pytest
from read import encoded, in_turn, table

NAN = float("nan")


def test_a_row_is_its_names_and_values(pb):
    (batch,) = encoded(({"amount": 12.5, "age": 3, "country": "DE", "new": True}, {"prediction": False, "score": 0.07}))
    assert table(batch) == {
        "amount": (pb.ROLE_FEATURE, pb.VALUE_TYPE_FLOAT64, [12.5]),
        "age": (pb.ROLE_FEATURE, pb.VALUE_TYPE_INT64, [3]),
        "country": (pb.ROLE_FEATURE, pb.VALUE_TYPE_STRING, ["DE"]),
        "new": (pb.ROLE_FEATURE, pb.VALUE_TYPE_BOOL, [True]),
        "prediction": (pb.ROLE_PREDICTION, pb.VALUE_TYPE_BOOL, [False]),
        "score": (pb.ROLE_SCORE, pb.VALUE_TYPE_FLOAT64, [0.07]),
    }


def test_rows_of_different_keys_share_a_batch_and_what_lacks_is_null():
    (batch,) = encoded({"a": 1.5, "b": "x"}, {"b": None, "c": 2}, {"a": NAN})
    values = {name: column for name, (_, _, column) in table(batch).items()}
    assert values["b"] == ["x", None, None] and values["c"] == [None, 2, None]
    assert values["a"][:2] == [1.5, None] and values["a"][2] != values["a"][2], "NaN is no null"


def test_a_field_that_is_always_null_is_not_made_up():
    (batch,) = encoded({"a": 1.0, "never": None})
    assert set(table(batch)) == {"a"}


@pytest.mark.parametrize("first", ["text", 7, 7.5, True])
def test_a_field_that_is_null_keeps_the_type_it_had(first):
    before, after = in_turn([{"a": 1.0, "b": first}], [{"a": 1.0, "b": None}])
    assert table(after)["b"] == (*table(before)["b"][:2], [None])


def test_whole_numbers_after_fractions_stay_fractions(pb):
    batches = in_turn([{"a": 1}], [{"a": 1.5}], [{"a": 2}], [{"a": True}])
    kinds = [table(batch)["a"][1] for batch in batches]
    assert kinds == [pb.VALUE_TYPE_INT64] + [pb.VALUE_TYPE_FLOAT64] * 3


def test_text_among_numbers_goes_into_a_batch_of_its_own():
    batches = encoded({"a": 1}, {"a": "one"}, {"a": 2}, {"a": None}, {"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": "two"})
    assert [table(batch)["a"][2] for batch in batches] == [[1, 2, None], ["one", "two"], [(1, 2)], [(1, 2, 3)]]


def test_thousands_of_rows_that_do_not_fit_together_are_no_problem():
    batches = encoded(*[{"v": [0.0] * width} for width in range(1, 1_500)])
    assert sum(batch.rows for batch in batches) == 1_499


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (np.float32(1.5), 1.5),
        (np.int8(-3), -3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (decimal.Decimal("1.25"), 1.25),
        (Colour.RED, "red"),
        (b"bytes", "bytes"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (np.arange(3.0), (0.0, 1.0, 2.0)),
        ([1, 2], (1.0, 2.0)),
        (2**70, float(2**70)),
        (10**400, float("inf")),
        ("\ud800", "?"),
    ],
)
def test_values_of_all_sorts(value, read):
    (batch,) = encoded({"a": value})
    assert table(batch)["a"][2] == [read]


def test_missing_of_pandas_is_null():
    (batch,) = encoded({"a": 1.0, "b": "x"}, {"a": pd.NA, "b": pd.NaT})
    assert table(batch)["a"][2] == [1.0, None] and table(batch)["b"][2] == ["x", None]


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", ">f4", ">i8"]
)
def test_a_matrix_is_one_block_of_its_own_type(pb, dtype):
    matrix = np.array([[1, 0, 3], [4, 5, 6]]).astype(dtype)
    batch, one = in_turn([np.asfortranarray(matrix)], [matrix[0]], features=["x", "y", "z"])
    assert len(batch.blocks) == 1 and not batch.columns
    kind = "VALUE_TYPE_" + matrix.dtype.name.upper()
    assert table(batch)["y"] == (pb.ROLE_FEATURE, pb.ValueType.Value(kind), matrix[:, 1].tolist())
    assert list(batch.call_rows) == [2] and one.rows == 1 and not one.call_rows


def test_rows_as_arrays_lists_and_frames_have_calls_ids_and_answers():
    several, batch, other = encoded(
        (np.array([[1, 2]]), {"prediction": ["q"], "id": ["6"], "latency": 0.0}),
        ([[1, "x"], [2, "y"]], {"prediction": ["a", "b"], "id": [7, 8], "latency": 0.25}),
        ((3, "z"), {"prediction": "c", "id": "9", "latency": 1e9}),
        ([{"input[0]": 4, "input[1]": None}], {"prediction": np.array([["d"]]), "id": ["10"], "latency": -1.0}),
    )
    assert list(several.prediction_ids) == ["6"] and table(several)["prediction"][2] == ["q"]
    assert table(batch)["input[1]"][2] == ["x", "y", "z"] and table(batch)["prediction"][2] == ["a", "b", "c"]
    assert list(batch.prediction_ids) == ["7", "8", "9"] and list(batch.call_rows) == [2, 1]
    assert list(batch.latency_micros) == [250_000, 2**32 - 1]
    assert table(other)["prediction"][2] == ["d"] and list(other.latency_micros) == [0]


def test_without_features_values_are_numbered():
    (batch,) = encoded(np.zeros((1, 2)))
    assert list(table(batch)) == ["input[0]", "input[1]"]


def test_a_frame_keeps_types_and_says_missing_is_null(pb):
    frame = pd.DataFrame(
        {
            "f4": np.array([1.5, NAN], "f4"),
            "i8": [1, 2],
            "text": ["x", None],
            "category": pd.Categorical(["u", None]),
            "nullable": pd.array([1, None], dtype="Int64"),
            "when": [pd.Timestamp("2026-01-02"), pd.NaT],
            3: [True, False],
        }
    )
    (batch,) = encoded((frame, {"prediction": pd.Series([1, 0], index=[5, 6])}), (frame, {"prediction": [0, 0]}))
    read = table(batch)
    assert read["f4"] == (pb.ROLE_FEATURE, pb.VALUE_TYPE_FLOAT32, [1.5, None] * 2)
    assert read["i8"][1:] == (pb.VALUE_TYPE_INT64, [1, 2] * 2)
    assert read["text"][2] == ["x", None] * 2 and read["category"][2] == ["u", None] * 2
    assert read["nullable"][1:] == (pb.VALUE_TYPE_INT64, [1, None] * 2)
    assert read["when"][2] == ["2026-01-02 00:00:00", None] * 2
    assert read["3"][1:] == (pb.VALUE_TYPE_BOOL, [True, False] * 2)
    assert read["prediction"][2] == [1, 0, 0, 0]


def test_a_series_is_a_row():
    (batch,) = encoded(pd.Series({"a": 1.0, "b": "x"}))
    assert table(batch)["b"][2] == ["x"]


def test_scores_of_classes_are_named_as_the_sidecar_names_them():
    def scores(*given):
        (batch,) = encoded(*((np.zeros((len(np.atleast_2d(one)), 1)), {"score": one}) for one in given))
        return {name: values for name, (_, _, values) in table(batch).items() if name != "input[0]"}

    two = np.array([[0.1, 0.9], [0.6, 0.4]])
    assert scores(two) == {"score": [0.9, 0.4]}
    three = np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
    assert scores(three) == {"score[0]": [0.1, 0.3], "score[1]": [0.2, 0.3], "score[2]": [0.7, 0.4]}
    many = np.array([[0.0] * 10 + [0.5], [NAN] * 10 + [0.5]])
    assert scores(many) == {"score[max]": [0.5, None]}
    (batch,) = encoded((np.zeros(1), {"score": [0.2, 0.8]}), (np.zeros(1), {"score": np.array([0.3])}))
    assert table(batch)["score"][2] == [0.8, 0.3]


def test_several_predictions_by_name(pb):
    (batch,) = encoded(
        ({"a": 1}, {"prediction": {"class": "x", "amount": 2.0}}), ({"a": 1}, {"prediction": {"class": "y"}})
    )
    assert table(batch)["class"] == (pb.ROLE_PREDICTION, pb.VALUE_TYPE_STRING, ["x", "y"])
    assert table(batch)["amount"][2] == [2.0, None]


def test_roles_are_given_or_in_the_name(pb):
    row = {"score": 0.5, "label": True, "country": "DE"}
    (batch,) = encoded((row, {"score": 0.75}), roles={"country": "segment"})
    assert {name: role for name, (role, _, _) in table(batch).items()} == {
        "label": pb.ROLE_LABEL,
        "country": pb.ROLE_SEGMENT,
        "score": pb.ROLE_SCORE,
    }
    assert table(batch)["score"][2] == [0.75], "what is said of the answer counts"


def test_outcomes_times_and_trace_ids(pb):
    batch, _ = encoded(
        ({"a": 1}, {"outcome": "timeout", "trace_id": "0af7651916cd43dd8448eb211c80319c"}),
        ({"a": 1}, {"trace_id": "nonsense"}),
        ({"a": 1}, {"latency": 1.0}),
    )
    assert list(batch.outcomes) == [pb.OUTCOME_TIMEOUT, pb.OUTCOME_OK]
    assert list(batch.trace_ids) == [bytes.fromhex("0af7651916cd43dd8448eb211c80319c"), b""]
    assert abs(batch.base_time.ToSeconds() - datetime.datetime.now().timestamp()) < 60


@pytest.mark.parametrize(
    ("inputs", "more", "sentence"),
    [
        (np.zeros(3), {}, "a row has 3 values, but the monitor was told 2 features"),
        (np.zeros((2, 2)), {"prediction": [1, 2, 3]}, "prediction has 3 entries for 2 rows"),
        (np.zeros((2, 2)), {"id": "one"}, "id has 1 entries for 2 rows"),
        ([1, 2], {"outcome": "fine"}, "there is no outcome 'fine'"),
        ([[1, 2], [3, "x"]], {}, "values of int and str in one field"),
        ([[1, 2], [3]], {}, "different numbers of values"),
        (np.zeros((2, 2)), {"score": [[0.1, 0.9], [0.5]]}, "different numbers of entries"),
    ],
)
def test_what_cannot_be_encoded_says_why_and_takes_nobody_along(inputs, more, sentence):
    unusable = []
    batches = encoded((inputs, more), (np.ones(2), {}), features=["x", "y"], unusable=unusable)
    assert [batch.rows for batch in batches] == [1]
    ((one, said),) = unusable
    assert sentence in said
