"""Configurations with TLS through the real server's `-t` and ours: same verdict, same place, and
the same complaint where the wording is meant to be the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import (
    COLUMN,
    LINE,
    NAME,
    check_verdict,
    complaints,
    ours,
    theirs,
)
from tests.conformance.tls import texts
from tests.support.records import Recorded, repeated
from tests.support.tls_files import write_tls_files

CASES = [
    *texts.WRONG_TYPES,
    *texts.FILES,
    *texts.LISTS,
    *texts.TIMES,
    *texts.OCSP,
    *texts.STORE,
    *texts.ELSEWHERE,
]
# Of these the real server accepts, or says nothing of the place; see docs/reference/behaviour.md.
STRICTER = {
    texts.pair("damaged-second.pem", "server-key.pem"): "x509: malformed certificate",
    "\nhttps_port: 70000\n": "https_port must be a port between -1 and 65535, got 70000",
}
_GO_TYPES = {
    "map[string]interface {}": "map",
    "[]interface {}": "array",
    "int64": "integer",
    "float64": "float",
    "bool": "boolean",
    "string": "string",
}
_LAST_COLUMN = re.compile(r"a\.conf:\d+:\d+(?!.*a\.conf:)")
_LOOSE = {
    # The real server names the type of a list or map, whatever it is, or Go's name of it.
    re.compile("unsupported type"): COLUMN,
    re.compile("wrong type: "): COLUMN,
    re.compile("unsupported ocsp mode|unsupported field string"): COLUMN,
    # Its words are those of parts of Go.
    re.compile("failed to parse private key|malformed certificate"): COLUMN,
    re.compile(r"unknown field \["): _LAST_COLUMN,
    re.compile(r"conversion error: "): _LAST_COLUMN,
    # Its place is that of one of the keys, which it takes in any order.
    re.compile("both 'cert_file' and"): LINE,
}


@pytest.fixture(scope="session")
def tls_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    write_tls_files(folder)
    return folder


def comparable(output: str) -> list[str]:
    """Places only once, and types without Go's names."""
    lines = []
    for line in complaints(output):
        line = re.sub(r"^a\.conf:\d+:\d+: (?=a\.conf:)", "", line)
        for go, name in _GO_TYPES.items():
            line = re.sub(rf"got {re.escape(go)}$", f"got {name}", line)
        lines.append(line)
    return lines


def test_every_text_is_there_once() -> None:
    assert repeated(CASES) == []
    assert len(CASES) > 170


@pytest.mark.parametrize("text", [text for text in CASES if text not in STRICTER], ids=str.strip)
def test_the_verdict_is_that_of_the_real_server(
    text: str, tls_folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(text, tls_folder, monkeypatch, recorded, comparable, _LOOSE)


@pytest.mark.parametrize("text", STRICTER, ids=str.strip)
def test_what_only_we_refuse(
    text: str, tls_folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    (tls_folder / NAME).write_text(text)
    assert theirs(recorded, tls_folder)[0] == 0
    code, output = ours(tls_folder, monkeypatch)
    assert code == 1
    assert STRICTER[text] in output
