"""Errors in words."""


def worded(error: BaseException) -> str:
    """What went wrong; never raises, whatever an error of the caller's does when it is asked."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
