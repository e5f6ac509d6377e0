"""What a configuration says of JWTs of accounts: the same verdicts and complaints as the real
server's `-t`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import (
    COLUMN,
    LINE,
    NAME,
    PANIC,
    check_verdict,
    complaints,
    ours,
    theirs,
)
from tests.support.account_jwts import (
    STRANGER,
    SYSTEM,
    account_token,
    key,
    operator_token,
)
from tests.support.records import Recorded, repeated

SIGNS = {
    "@SYSTEM@": SYSTEM.public_key,
    "@SYSTEM_JWT@": account_token(SYSTEM),
    "@A@": key("a"),
    "@A_JWT@": account_token("a"),
    "@EXPIRED_JWT@": account_token("a", change=lambda claims: setattr(claims, "exp", 1)),
    "@FOREIGN_JWT@": account_token("a", signer=STRANGER),
    "@OPERATOR_JWT@": operator_token(),
}


def block(text: str) -> str:
    return f"\nresolver: {{{text}}}\n"


def full(text: str) -> str:
    return block(f"type: full, dir: './jwt', {text}")


def cache(text: str) -> str:
    return block(f"type: cache, dir: './jwt', {text}")


def preload(text: str) -> str:
    return f"\nresolver: MEMORY\nresolver_preload: {text}\n"


CASES = [
    *(f"\nresolver: {text}\n" for text in (
        "MEMORY", "MEM", "mem", "Memory", "FOO", "5", "[]", "{}", "true", '""', "1.5",
        'URL("http://127.0.0.1:1/jwt/v1/accounts/")', "URL(http://127.0.0.1:1/jwt/v1/accounts/)",
        'url("https://127.0.0.1:1/")', '"http://127.0.0.1:1"', 'URL("http://127.0.0.1:1") x',
        'URL("::bad")', "URL('http://127.0.0.1:1')", "URL ( http://127.0.0.1:1 )",
        'URL("http://me:secret@127.0.0.1:1/")',
    )),
    "\naccount_resolver: MEMORY\n",
    "\naccounts_resolver: MEMORY\n",
    "\nRESOLVER: MEMORY\n",
    "\nresolver: MEMORY\naccount_resolver: MEM\n",
    *(block(text) for text in (
        "type: full", "type: full, dir: './jwt'", "type: FULL, dir: './jwt'",
        "type: Cache, dir: './jwt'",
        "type: cache", "type: MEM", "type: memory", "type: mem, limit: 4, ttl: 1h, dir: x",
        "type: foo, dir: x", "dir: './jwt'", "type: 5, dir: './jwt'", "type: full, dir: 5",
        "type: full, dir: ''", "type: full, dir: './a.conf'", "type: full, dir: [x]",
    )),
    *(full(text) for text in (
        "allow_delete: 5", "allow_delete: true", "allow_delete: true, hard_delete: true",
        "hard_delete: true", "hard_delete: false", "hard_delete: 'x'", "limit: 5", "limit: -5",
        "limit: 0", "limit: x", "ttl: 1h", "interval: 2m", "interval: 1s", "interval: 5",
        "interval: x", "interval: '2m'", "interval: '-2m'", "timeout: 2s", "timeout: x",
        "timeout: 5", "timeout: '-1s'", "timeout: '0s'", "timeout: true", "timeout: '1.5s'",
    )),
    *(cache(text) for text in (
        "ttl: 1h", "ttl: 5", "ttl: x", "ttl: ''", "ttl: '0s'", "allow_delete: true",
        "allow_delete: false", "hard_delete: true", "hard_delete: false", "limit: 2", "limit: -2",
        "interval: 1s", "interval: 2m", "timeout: 1s",
    )),
    "\nresolver_preload: {}\n",
    "\nresolver_preload: {@SYSTEM@: @SYSTEM_JWT@}\n",
    *(preload(text) for text in (
        "{}", "[]", "5", "{foo: bar}", "{foo: @A_JWT@}", "{@A@: @A_JWT@}", "{@SYSTEM@: @A_JWT@}",
        "{@A@: 5}", "{@A@: junk}", "{@A@: @EXPIRED_JWT@}", "{@A@: @FOREIGN_JWT@}",
        "{@A@: @A_JWT@, @SYSTEM@: @OPERATOR_JWT@}", "{@A@: @A_JWT@, @A@: @A_JWT@}",
    )),
]  # fmt: skip
# Where we refuse what the check of the real server lets pass.
STRICTER = {
    full("allow_delet: true"): "it would be ignored",
    block("type: mem, foo: 4"): "it would be ignored",
    cache("ttl: '-1h'"): "the server would not start",
    "\nresolver: URL()\n": "the server would not start",
    '\nresolver: URL("ftp://127.0.0.1:1/")\n': "the server would not start",
    "\nresolver: URL(nourl)\n": "the server would not start",
    "\nresolver: URL\n": "the server would not start",
}
# Of its check, too, but only where the thread that does is faster than the end of the process.
PANICS = {cache("ttl: '-1h'")}
LOOSE = {PANIC: COLUMN, re.compile("wrong type"): COLUMN, re.compile("invalid duration"): LINE}


def filled(text: str) -> str:
    for sign, value in SIGNS.items():
        text = text.replace(sign, value)
    return text


def _comparable(output: str) -> list[str]:
    """Without the second complaint, about the folder that has no name."""
    return [line for line in complaints(output) if ": mkdir " not in line]


def test_names_are_unique() -> None:
    assert repeated(CASES) == []


@pytest.mark.parametrize("text", CASES, ids=ascii)
def test_resolvers(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(filled(text), tmp_path, monkeypatch, recorded, _comparable, LOOSE)


@pytest.mark.parametrize("text", STRICTER, ids=ascii)
def test_what_only_we_refuse(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    (tmp_path / NAME).write_text(filled(text))
    if text not in PANICS:
        assert theirs(recorded, tmp_path)[0] == 0
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1
    assert COLUMN.search(output)
