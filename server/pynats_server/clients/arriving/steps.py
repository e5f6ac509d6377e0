"""What the parts of an arrival hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from pynats_server.core.client import ClientConnection

Step: TypeAlias = Callable[[ClientConnection], None]
MORE: Final = -1  # what a prologue's reader says when it needs more bytes
