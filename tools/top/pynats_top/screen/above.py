"""A screen that stands above the main one."""

from __future__ import annotations

from textual.screen import Screen


class Above(Screen[None], inherit_bindings=False):
    """Is left once: keys that were typed ahead must not take the main one away, too."""

    AUTO_FOCUS = None
    _left = False

    def leave(self) -> None:
        """Back to the screen below."""
        if not self._left:
            self._left = True
            self.dismiss(None)
