"""Where our answers differ from the real server's on purpose, and why: case id -> reason."""

from __future__ import annotations

_NIL = "the real server tells an empty list from none, which JSON objects elsewhere do not show"
_STARRED = (
    "the real server takes a token that only begins with a wildcard for one, and so refuses "
    "subjects that no message can share"
)
_SPACED = "the real server takes subjects for republish that no message can have"
_NUL = "no subject of this broker has null bytes: they would end up in other programs' C strings"
_DAY = "the real server reads this offset but fails to store what it read"
_HIGH = (
    "the real server takes first sequences that its files cannot hold: the messages are gone after "
    "the next start, or the server ends with the second one"
)
_TWO_WAYS = "the real server takes a stream named before one that leads to it for a cycle"

DIFFERENCES = {
    'field {"name":"S","first_seq":18446744073709551615} #45': _HIGH,
    **{f"create first_seq {2**63}{mode}": _HIGH for mode in ("", " pedantic")},
    **{f"create first_seq {2**64 - 1}{mode}": _HIGH for mode in ("", " pedantic")},
    "create two ways to one stream": _TWO_WAYS,
    'kind {"name":"S","placement":{"tags":[]}} #36': _NIL,
    "create again empty placement tags": _NIL,
    "create again empty sources": _NIL,
    r"create subject 'a\x00b'": _NUL,
    r"create subject '\x00'": _NUL,
    "create overlap in itself *a.* b.*": _STARRED,
    "create overlap in itself b.* *a.*": _STARRED,
    "create overlap of streams *a.* b.*": _STARRED,
    "create overlap in itself >x.* y.*": _STARRED,
    "create overlap in itself y.* >x.*": _STARRED,
    "create overlap of streams >x.* y.*": _STARRED,
    "create republish a b to c": _SPACED,
    "create republish a b to c pedantic": _SPACED,
    "create republish a to b c": _SPACED,
    "create republish a to b c pedantic": _SPACED,
    "create republish a..b to ": _SPACED,
    "create republish a..b to  pedantic": _SPACED,
    "time +24:00": _DAY,
    "time -23:60": _DAY,
}
