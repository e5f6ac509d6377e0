"""Comparing a measured value with a warning and a critical threshold.

A threshold that was not given (None) takes no part. The reference reads a missing one as zero,
which makes one threshold alone alert on everything or be called invalid.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynats_cli.servers.checks.result import Status


class InvalidThresholds(ValueError):
    """The two thresholds contradict each other."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A pair of thresholds. None = not set."""

    warning: float | None = None
    critical: float | None = None

    @property
    def given(self) -> bool:
        return self.warning is not None or self.critical is not None

    def too_many(self, value: float) -> Status:
        """At or above a threshold is bad. Raises InvalidThresholds when critical < warning."""
        if _below(self.critical, self.warning):
            raise InvalidThresholds("invalid thresholds")
        if self.critical is not None and value >= self.critical:
            return Status.CRITICAL
        return _warn(self.warning is not None and value >= self.warning)

    def too_few(self, value: float) -> Status:
        """At or below a threshold is bad. Raises InvalidThresholds when critical > warning."""
        if _below(self.warning, self.critical):
            raise InvalidThresholds("invalid thresholds")
        return self.fewer(value)

    def fewer(self, value: float) -> Status:
        """At or below a threshold is bad, whichever of the two is larger."""
        if self.critical is not None and value <= self.critical:
            return Status.CRITICAL
        return _warn(self.warning is not None and value <= self.warning)

    def either_way(self, value: float) -> Status:
        """A critical threshold below the warning one turns the comparison round: too few.

        A warning threshold alone means too few as well, as in the reference.
        """
        if self.warning is not None and (self.critical is None or self.critical < self.warning):
            return self.fewer(value)
        return self.too_many(value)


def _below(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def _warn(bad: bool) -> Status:
    return Status.WARNING if bad else Status.OK
