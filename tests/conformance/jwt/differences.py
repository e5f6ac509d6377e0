"""Where ours differs from the real server on purpose, by the name of a test."""

from __future__ import annotations

AV = ["-ERR 'Authorization Violation'", "<closed by server>"]
_ONCE = "a field of a token occurs once: what is checked and what is used cannot differ"
_EXACT = "the names of fields are what they are"

# Tokens that ours refuses, and why.
REFUSED: dict[str, str] = {
    "body: large keys": _EXACT,
    "body: large keys within": _EXACT,
    "body: iss twice, good last": _ONCE,
    "body: iss in two spellings, good last": _ONCE,
    "body: exp in two spellings": _ONCE,
    "body: nats twice": _ONCE,
    "body: nats twice, null last": _ONCE,
    "body: nats in two spellings": _ONCE,
    "body: type twice": _ONCE,
    "body: deny twice": _ONCE,
    "body: pub twice": _ONCE,
    "body: invalid letters in the name": "a token is UTF-8",
}
# Values of claims that ours refuses where the real server takes them for nothing.
REFUSED_VALUES: dict[str, tuple[str, ...]] = {
    "user: nats.tags": ("nulls",),
    "account: nats.tags": ("nulls",),
    "account: nats.signing_keys": ("numbers", "nulls", "lists"),
}
_SHOWN = "who somebody is comes from the token, not from what else is said"
_SECRET = "a bearer's token opens the door: it is not shown, also where the role makes it one"

# Parts of an answer: theirs, ours, and why.
REPLACED: dict[str, tuple[str, str, str]] = {
    "sig: another key, too": ("authorized_user=<user v>", "authorized_user=<user u>", _SHOWN),
    "sig: junk for a key, too": ("authorized_user=junk", "authorized_user=<user u>", _SHOWN),
    "sig: user and password, too": ("authorized_user=x", "authorized_user=<user u>", _SHOWN),
    "sentinel: user and password": (
        "authorized_user=x", "authorized_user=<user sentinel>", _SHOWN),
    "sentinel: a key": ("authorized_user=<user u>", "authorized_user=<user sentinel>", _SHOWN),
    "sentinel: a key and a signature": (
        "authorized_user=<user u>", "authorized_user=<user sentinel>", _SHOWN),
    "role bearer": (" with its token", "", _SECRET),
    "scoped sentinel: nothing": (" with its token", "", _SECRET),
    "push: three chunks of junk": (
        "illegal base64 data at input byte 0", "not a JWT: its header cannot be decoded",
        "words of Go's library"),
    "push: version 1 in its body": (
        "claim failed V1 signature verification", "unsupported version of claims",
        "ours says what is wrong"),
    "push: more imports than it may": (
        "allowed by the operator the account contains more imports than allowed by the operator",
        "allowed by the operator", "once is enough"),
}  # fmt: skip


def expected(name: str, theirs: list[str]) -> list[str]:
    """What ours has to answer where the real server answers `theirs`."""
    if name in REFUSED:
        assert theirs != AV, f"{name} is no difference any more"
        return AV
    if name not in REPLACED:
        return theirs
    before, after, _ = REPLACED[name]
    assert any(before in line for line in theirs), f"{name} is no difference any more"
    return [line.replace(before, after) for line in theirs]
