"""Acknowledgement and flow control subjects of both formats, and who is left out by the newer.

v1: `$JS.ACK.<stream>.<consumer>.…`, v2: `$JS.ACK.<domain>.<account hash>.<stream>.<consumer>.…`.
A pattern that names a stream stands at another token in v2.
"""

from __future__ import annotations

from collections.abc import Iterable

from pynats_common.subjects import subject_matches

_ENDS = {"$JS.ACK": "1.1.1.1.0", "$JS.FC": "Xy7a"}
_DOMAIN, _HASH, _STREAM, _CONSUMER = "_", "Ab3dEf9h", "STREAM", "CONSUMER"


def left_out(pattern: str, others: Iterable[str]) -> str:
    """For a pattern that takes v1 subjects, and none of it and the others the same of v2: what
    would. "" if nothing changes."""
    for prefix, end in _ENDS.items():
        if not pattern.startswith(f"{prefix}."):
            continue
        tokens = pattern.removeprefix(f"{prefix}.").split(".")
        stream = _named(tokens, 0, _STREAM)
        consumer = _named(tokens, 1, _CONSUMER)
        older = f"{prefix}.{stream}.{consumer}.{end}"
        newer = f"{prefix}.{_DOMAIN}.{_HASH}.{stream}.{consumer}.{end}"
        if subject_matches(pattern, older) and not any(
            subject_matches(each, newer) for each in (pattern, *others)
        ):
            return f"{prefix}.*.*.{'.'.join(tokens)}"
    return ""


def _named(tokens: list[str], index: int, otherwise: str) -> str:
    token = tokens[index] if index < len(tokens) else ">"
    return otherwise if token in ("*", ">") else token
