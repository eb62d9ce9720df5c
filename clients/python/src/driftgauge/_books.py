"""What became of every row, counted so that it adds up."""

from dataclasses import dataclass, field

QUEUE_FULL, OUTDATED, FAILED = "queue_full", "outdated", "failed"
UNKNOWN, INVALID, CLOSED = "unknown", "invalid", "closed"
REASONS = (QUEUE_FULL, OUTDATED, FAILED, UNKNOWN, INVALID, CLOSED)


@dataclass(frozen=True)
class Stats:
    """What became of the rows that were handed over, at one moment.

    `sent = accepted + rejected + dropped` and `observed = sent + sampled_out + pending`, exactly.
    After `close`, `pending` is 0.
    """

    observed: int
    """Rows handed to `observe`."""
    pending: int
    """Rows whose fate is not known yet: in the queue, or on their way."""
    sampled_out: int
    """Rows left out because the sidecar asked for a sample; the weight of the others stands for them."""
    sent: int
    """Rows that are settled: accepted, rejected or dropped."""
    accepted: int
    """Rows that the sidecar says it took."""
    rejected: int
    """Rows that the sidecar says it will never take."""
    dropped: int
    """Rows that were given up; `dropped_by` says why."""
    failed: int
    """Of `dropped`, rows that were tried at least once."""
    unknown: int
    """Of `failed`, rows that may have arrived all the same: no try was answered. The sidecar has
    taken at least `accepted` and at most `accepted + unknown` rows."""
    dropped_by: dict[str, int]
    """`dropped` by reason: queue_full, outdated (waited too long while the sidecar was away), failed
    (tried, and surely not taken), unknown, invalid (cannot be encoded), closed."""
    last_error: str
    """The last sentence about something that went wrong."""


@dataclass
class Books:
    """Counts of rows; whoever holds them keeps others out meanwhile."""

    observed: int = 0
    sampled_out: int = 0
    accepted: int = 0
    rejected: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))

    def settled(self) -> int:
        return self.accepted + self.rejected + sum(self.dropped.values())

    def lost_here(self) -> int:
        """Dropped rows, without those that may have arrived."""
        return sum(self.dropped.values()) - self.dropped[UNKNOWN]

    def stats(self, last_error: str) -> Stats:
        settled = self.settled()
        return Stats(
            observed=self.observed,
            pending=self.observed - self.sampled_out - settled,
            sampled_out=self.sampled_out,
            sent=settled,
            accepted=self.accepted,
            rejected=self.rejected,
            dropped=sum(self.dropped.values()),
            failed=self.dropped[FAILED] + self.dropped[UNKNOWN],
            unknown=self.dropped[UNKNOWN],
            dropped_by=dict(self.dropped),
            last_error=last_error,
        )
