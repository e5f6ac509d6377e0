"""Limits of what holds the event loop."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from pynats_cli.servers.checks import patterns
from pynats_cli.servers.checks.result import Result
from pynats_cli.signals import time_limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms")
YEARS = re.compile("(a+)+$")


@pytest.fixture
def alarms() -> Iterator[None]:
    """The alarm is the test's; there may be one of the test runner's."""
    timer = signal.setitimer(signal.ITIMER_REAL, 0)
    handler = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, *timer)


@pytest.mark.parametrize("others_s", [0.0, 600.0])
def test_a_pattern_that_takes_years(
    others_s: float, alarms: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "SEARCH_S", 0.02)
    before = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, others_s)
    result = Result(suite="message", name="m")
    patterns.require(YEARS, b"a" * 60 + b"b", "not there", result)
    assert result.criticals == ["regex took longer than 0.02s: (a+)+$"]
    assert signal.getsignal(signal.SIGALRM) == before
    assert (signal.getitimer(signal.ITIMER_REAL)[0] > 500) == (others_s > 0)


@pytest.mark.parametrize(("body", "criticals"), [(b"aa", []), (b"\xff", ["not there"])])
def test_other_patterns(body: bytes, criticals: list[str]) -> None:
    result = Result(suite="message", name="m")
    patterns.require(YEARS, body, "not there", result)
    assert result.criticals == criticals


def test_the_alarm_of_an_interrupt_is_kept(alarms: None) -> None:
    def impatient(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), time_limit(60):
        signal.signal(signal.SIGALRM, impatient)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        YEARS.search("a" * 60 + "b")
    assert signal.getsignal(signal.SIGALRM) is impatient
