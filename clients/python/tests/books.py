"""What must hold of a monitor's numbers, always."""


def assert_balanced(stats, observed=None):
    assert stats.sent == stats.accepted + stats.rejected + stats.dropped, stats
    assert stats.observed == stats.sent + stats.sampled_out + stats.pending, stats
    assert stats.dropped == sum(stats.dropped_by.values()), stats
    assert stats.unknown <= stats.failed <= stats.dropped, stats
    assert stats.pending >= 0, stats
    if observed is not None:
        assert stats.observed == observed, stats


def closed(monitor, observed=None, deadline=10.0):
    """The final numbers: nothing is pending any more."""
    monitor.close(deadline)
    stats = monitor.stats()
    assert_balanced(stats, observed)
    assert stats.pending == 0, stats
    return stats
