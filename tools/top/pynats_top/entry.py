"""The stand-alone program `pynats-top`."""

from __future__ import annotations

import sys


def main() -> None:
    """Says that there is nothing yet."""
    sys.exit("pynats-top: not there yet")
