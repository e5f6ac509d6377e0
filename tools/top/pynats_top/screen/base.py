"""What all screens of the program have in common."""

from __future__ import annotations

from textual.events import Key
from textual.screen import Screen


class TopScreen(Screen[None], inherit_bindings=False):
    """Nothing has the focus: the app hands each key to the screen that is shown when its turn
    comes, so that keys that were typed ahead do what they would have done later."""

    AUTO_FOCUS = None
    _left = False

    def take(self, key: Key) -> bool:
        """Whether the key was for a question, not for a binding."""
        return False

    def leave(self) -> None:
        """Back to the screen below; once."""
        if not self._left:
            self._left = True
            self.dismiss(None)
