"""Observations on their way: one request, sent again under its number until its fate is known."""

import hashlib
import random
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, Optional

from . import _wire
from ._batches import Batcher, Observation, Unusable, ids, is_one_row, pick
from ._wire import Batch
from ._words import worded

KNOWN_SCHEMAS = 256


class Piece(NamedTuple):
    """A batch without its schema, beside it."""

    schema_id: int
    schema: bytes
    batch: bytes


class Request:
    """Rows under one number."""

    def __init__(self, sequence: int, rows: int, oldest: float, pieces: list[Piece]) -> None:
        self.sequence = sequence
        self.rows = rows
        self.oldest = oldest
        self.pieces = pieces
        self.inline = False
        """Whether the sidecar has asked for the schemas."""
        self.maybe_taken = False
        """Whether some try ended without an answer, after it may have arrived."""


class Schemas:
    """The schemas that the sidecar has, as far as is known."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, None] = OrderedDict()

    def encode(self, request: Request) -> list[bytes]:
        """The batches, with the schemas that the sidecar lacks."""
        known = () if request.inline else self._known
        return [
            piece.batch if piece.schema_id in known else _wire.with_schema(piece.batch, piece.schema)
            for piece in request.pieces
        ]

    def sent(self, request: Request) -> None:
        for piece in request.pieces:
            self._known[piece.schema_id] = None
            self._known.move_to_end(piece.schema_id)
        while len(self._known) > KNOWN_SCHEMAS:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """After a failure another process may answer."""
        self._known.clear()


def pieces(
    batcher: Batcher, model: bytes, observations: Sequence[Observation], weight: float
) -> tuple[list[Piece], list[tuple[Observation, str]]]:
    """The batches of these observations; and those that cannot be encoded, with the reason."""
    try:
        return [_piece(model, batch, weight) for batch in batcher.batches(observations)], []
    except Exception:
        found: list[Piece] = []
        unusable: list[tuple[Observation, str]] = []
        for one in observations:
            try:
                found += [_piece(model, batch, weight) for batch in batcher.batches([one])]
            except Exception as error:
                sentence = str(error) if isinstance(error, Unusable) else worded(error)
                unusable.append((one, f"an observation cannot be encoded: {sentence}"))
        return found, unusable


def _piece(model: bytes, batch: Batch, weight: float) -> Piece:
    batch.weight = weight if weight > 1 else 0.0
    schema = _wire.schema(batch.fields)
    schema_id = int.from_bytes(hashlib.blake2b(schema, digest_size=8).digest(), "little") or 1
    return Piece(schema_id, schema, _wire.batch(model, schema_id, batch))


def is_kept(id: str, rate: float) -> bool:
    """Whether the row of this id is in a sample of this rate: in every process, and in every sample
    of a higher rate."""
    digest = hashlib.blake2b(_wire.utf8(id), digest_size=8).digest()
    return int.from_bytes(digest, "little") < rate * 2.0**64


def sample(one: Observation, rate: float) -> Optional[Observation]:
    """The rows of an observation that a sample of this rate has; None if it has none of them."""
    if rate >= 1.0:
        return one
    names = ids(one) if one.id is not None else None
    if names is None:
        kept = [index for index in range(one.rows) if random.random() < rate]
    else:
        kept = [index for index, name in enumerate(names) if is_kept(name, rate)]
    if len(kept) == one.rows:
        return one
    return None if not kept or is_one_row(one.inputs) else pick(one, kept)


def split(one: Observation, rows: int) -> list[Observation]:
    """An observation in parts of at most so many rows. Each part then counts as a call."""
    if one.rows <= rows or is_one_row(one.inputs):
        return [one]
    return [pick(one, range(start, min(start + rows, one.rows))) for start in range(0, one.rows, rows)]
