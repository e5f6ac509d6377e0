"""Cases that pynats-server does not pass yet, with the reason; to be emptied.

A case listed here that passes fails the run (strict), so the list cannot go stale.
"""

from __future__ import annotations

GAPS: dict[str, str] = {}
