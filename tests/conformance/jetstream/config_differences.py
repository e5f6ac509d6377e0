"""Where our answers differ from the real server's on purpose: case id -> our answer, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """Our answer to the last request of a case, in the form of `shorten`."""

    why: str
    ours: dict[str, Any]


def _refused(why: str, description: str) -> Difference:
    """An invalid configuration."""
    error = {"code": 500, "err_code": 10052, "description": description}
    return Difference(why, {"error": error})


def _made(why: str, **config: Any) -> Difference:
    """A stream with these fields instead of those of a plain one."""
    return Difference(why, {"config": config})


def _starred(*subjects: str, **more: Any) -> Difference:
    why = (
        "the real server takes a token that only begins with a wildcard for one, and so refuses "
        "subjects that no message can share"
    )
    return _made(why, subjects=list(subjects), **more)


def _spaced(src: str, dest: str) -> Difference:
    return _refused(
        "the real server takes subjects for republish that no message can have",
        f"stream configuration for republish with transform from '{src}' to '{dest}' not valid",
    )


def _hour(text: str) -> Difference:
    description = f'invalid JSON: parsing time "{text}": time zone offset hour out of range'
    return Difference(
        "the real server reads this offset but fails to store what it read",
        {"error": {"code": 400, "err_code": 10025, "description": description}},
    )


_EMPTY = _made(
    "the real server tells an empty list from none, which JSON objects elsewhere do not show"
)
_NUL = _refused(
    "no subject of this broker has null bytes: they would end up in other programs' C strings",
    "invalid subject",
)
_HIGH = _refused(
    "the real server takes first sequences that its files cannot hold: the messages are gone after "
    "the next start, or the server ends with the second one",
    "first sequence can not be beyond 4611686018427387903",
)

DIFFERENCES: dict[str, Difference] = {
    'field {"name":"S","first_seq":18446744073709551615} #45': _HIGH,
    **{f"create first_seq {2**63}{mode}": _HIGH for mode in ("", " pedantic")},
    **{f"create first_seq {2**64 - 1}{mode}": _HIGH for mode in ("", " pedantic")},
    'kind {"name":"S","placement":{"tags":[]}} #36': _EMPTY,
    "create again empty placement tags": _EMPTY,
    "create again empty sources": _EMPTY,
    r"create subject 'a\x00b'": _NUL,
    r"create subject '\x00'": _NUL,
    "create overlap in itself *a.* b.*": _starred("*a.*", "b.*"),
    "create overlap in itself b.* *a.*": _starred("b.*", "*a.*"),
    "create overlap of streams *a.* b.*": _starred("b.*", no_ack=True),
    "create overlap in itself >x.* y.*": _starred(">x.*", "y.*"),
    "create overlap in itself y.* >x.*": _starred("y.*", ">x.*"),
    "create overlap of streams >x.* y.*": _starred("y.*", no_ack=True),
    **{f"create republish a b to c{mode}": _spaced("a b", "c") for mode in ("", " pedantic")},
    **{f"create republish a to b c{mode}": _spaced("a", "b c") for mode in ("", " pedantic")},
    **{f"create republish a..b to {mode}": _spaced("a..b", "") for mode in ("", " pedantic")},
    "time +24:00": _hour("2020-01-01T00:00:00+24:00"),
    "time -23:60": _hour("2020-01-01T00:00:00-23:60"),
}
