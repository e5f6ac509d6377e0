"""How many consumers there are."""

from __future__ import annotations


class Tally:
    """A count, of an account or of the whole server: `whole` counts along."""

    def __init__(self, whole: Tally | None = None) -> None:
        self.count = 0
        self._whole = whole

    def add(self, delta: int) -> None:
        """Counts here and for the whole."""
        self.count += delta
        if self._whole is not None:
            self._whole.add(delta)
