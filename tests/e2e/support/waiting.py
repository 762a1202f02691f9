"""Waiting with a deadline: a test says what must become true, never how long to sleep."""

import time

PATIENCE = 8.0  # seconds; generous, since a slow machine or a sanitizer build is no failure


def eventually(condition, within=PATIENCE, what=None):
    """Returns the first true value of `condition()`; fails when there is none in time."""
    deadline = time.monotonic() + within
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {within} s: {what or condition}; last value {value!r}"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def never(condition, during=0.3, what=None):
    """Fails as soon as `condition()` is true; for the few promises that say "never"."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        value = condition()
        assert not value, f"happened although it must not: {what or condition}; {value!r}"
        time.sleep(0.01)
