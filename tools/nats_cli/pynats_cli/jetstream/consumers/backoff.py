"""Times between deliveries of a message that grow with each try."""

from __future__ import annotations

from pynats_cli.errors import CliError


def linear_backoff(steps: int, least_ns: int, most_ns: int) -> list[int]:
    """`steps` times from `least_ns` that grow evenly towards `most_ns`. Raises CliError."""
    if steps < 1:
        raise CliError("--backoff-steps must be at least 1")
    if not 0 <= least_ns < most_ns:
        raise CliError("--backoff-max must be greater than --backoff-min")
    return [least_ns + index * (most_ns - least_ns) // steps for index in range(steps)]
