"""Regular expressions on what others have written."""

from __future__ import annotations

import re

from pynats_cli.servers.checks.result import Result
from pynats_cli.signals import time_limit

SEARCH_S = 2.0
"""How long one may look: some take years for a few letters, and hold all other checks."""


def require(pattern: re.Pattern[str], body: bytes, complaint: str, result: Result) -> None:
    """Adds a complaint if the pattern is not found, or takes too long."""
    text = body.decode("utf-8", "replace")
    try:
        with time_limit(SEARCH_S):
            found = pattern.search(text) is not None
    except TimeoutError:
        result.critical(f"regex took longer than {SEARCH_S:g}s: {pattern.pattern}")
        return
    if not found:
        result.critical(complaint)
