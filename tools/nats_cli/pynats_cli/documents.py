"""JSON objects in what others sent or wrote: anything else is an error, or nothing."""

from __future__ import annotations

import json
from typing import Any

from pynats_cli.errors import CliError


def maybe_object(data: bytes | str) -> dict[str, Any] | None:
    """The JSON object of a text; None when it is something else, or nested too deep."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def object_of(data: bytes | str, complaint: str) -> dict[str, Any]:
    """The JSON object of a text. Raises CliError with the complaint when it is something else."""
    found = maybe_object(data)
    if found is None:
        raise CliError(complaint)
    return found
