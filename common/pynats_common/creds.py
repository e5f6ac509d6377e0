"""Creds files: a JWT and the seed that proves its owner, in one decorated text.

Blocks begin with at least three dashes; the label names the kind. Reading accepts what the
client libraries accept: CRLF, more or fewer dashes, a bare JWT, a bare seed line, and what editors
leave: a byte order mark, comments in another encoding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pynats_common.nkeys import KeyPair, Prefix, from_seed

# 1 MiB is the limit of a JWT; a creds file is only slightly larger.
CREDS_CHARS_MAX = 2 * 1024 * 1024

_BLOCK = re.compile(
    r"^[ \t]*-{3,}[^\r\n]*-{3,}[ \t]*\r?\n\s*([\w\-.=]+)\s*?\r?\n"
    r"[ \t]*-{3,}[^\r\n]*-{3,}[ \t]*\r?$",
    re.MULTILINE,
)
_BARE_JWT = re.compile(r"[\w\-]+\.[\w\-]+\.[\w\-]+={0,2}")
_SEED_LINE = re.compile(r"^[ \t]*(S[OAUNCX][A-Z2-7]{56})[ \t]*\r?$", re.MULTILINE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOTICE = (
    "************************* IMPORTANT *************************\n"
    "NKEY Seed printed below can be used to sign and prove identity.\n"
    "NKEYs are sensitive and should be treated as secrets.\n"
)


class CredsError(ValueError):
    """The text is not a creds file, or a part is missing."""


@dataclass(frozen=True, slots=True)
class Creds:
    """A JWT with its seed. The representation hides the seed."""

    jwt: str
    key_pair: KeyPair

    @property
    def seed(self) -> str:
        return self.key_pair.seed


def decode_text(data: bytes) -> str:
    """Text of a file with a JWT or a key. Both are ASCII: the encoding of the rest does not
    matter."""
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def decorate_jwt(token: str, kind: str) -> str:
    """`token` between the BEGIN and END lines for `kind` (user, account, activation, …)."""
    label = kind.upper()
    return f"-----BEGIN NATS {label} JWT-----\n{token}\n------END NATS {label} JWT------\n"


def decorate_seed(pair: KeyPair) -> str:
    """The seed with its notice: the end of a creds file."""
    label = pair.prefix.label.upper()
    return (
        f"{_NOTICE}\n-----BEGIN {label} NKEY SEED-----\n{pair.seed}\n"
        f"------END {label} NKEY SEED------\n\n{'*' * 61}\n"
    )


def encode_creds(token: str, pair: KeyPair, kind: str = "user") -> str:
    """Text of a creds file."""
    return f"{decorate_jwt(token, kind)}\n{decorate_seed(pair)}"


def _blocks(text: str) -> list[str]:
    if len(text) > CREDS_CHARS_MAX:
        raise CredsError("creds text is too long")
    # Adjacent blocks may share a dashed line in hand-made files: search, then step past the body.
    found, at = [], 0
    while match := _BLOCK.search(text, at):
        found.append(match.group(1))
        at = match.end()
    return found


def extract_jwt(text: str) -> str:
    """The JWT of a creds file, of a decorated JWT, or `text` itself when it is a bare JWT."""
    for body in _blocks(text):
        if body.count(".") == 2:
            return body
    stripped = text.strip()
    if _BARE_JWT.fullmatch(stripped):
        return stripped
    raise CredsError("no JWT found: expected a NATS JWT or a creds file")


def extract_key_pair(text: str) -> KeyPair:
    """The key of a creds file or of a decorated or bare seed. Raises CredsError, NkeyError."""
    for body in _blocks(text):
        if re.fullmatch(r"S[OAUNCX][A-Z2-7]+", body):
            return from_seed(body)
    match = _SEED_LINE.search(text)
    if match is None:
        raise CredsError("no nkey seed found")
    return from_seed(match.group(1))


def decode_creds(text: str, *expected: Prefix) -> Creds:
    """Both parts of a creds file. With `expected`, the seed must be of one of these kinds."""
    pair = extract_key_pair(text)
    if expected and pair.prefix not in expected:
        raise CredsError(f"seed is a {pair.prefix.label} seed")
    return Creds(extract_jwt(text), pair)
