"""Exports, imports, mappings and what belongs to them through the real server's `-t` and ours:
verdict, digest, place and words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.accounts.configurations import (
    exports,
    imports,
    mappings,
    repetitions,
)
from tests.conformance.accounts.configurations.pinned import OURS, VARIES
from tests.conformance.accounts.configurations.texts import OFFERED, at_top, label
from tests.conformance.config.check import NAME, check_verdict, complaints, ours
from tests.support.process import PYNATS, ServerProcess, run_reference
from tests.support.records import Recorded, repeated

TEXTS = [
    *exports.TEXTS,
    *imports.TEXTS,
    *mappings.TEXTS,
    *repetitions.TEXTS,
]
PINNED = VARIES | OURS

# Go's names of types, and of functions that read numbers, instead of ours; a slip of the pen.
_GO = (
    (re.compile(r"map\[string\]interface \{\}"), "map"),
    (re.compile(r"\[\]interface \{\}"), "array"),
    (re.compile(r"\bint64\b"), "integer"),
    (re.compile(r"\bfloat64\b"), "float"),
    (re.compile(r"\bgot bool\b"), "got boolean"),
    (re.compile(r"\bTtrace\b"), "Trace"),
    (re.compile(r'strconv\.Atoi: parsing "(.*?)": [a-z ]+'), r'"\1" is not a number'),
)
# What the real server places at the end of a map or array, which we place at its beginning.
_AT_THE_END = re.compile(
    r"^(a\.conf:\d+):\d+(?=: (?:(?:Export|Import) Items should be|Duplicate service import subject"
    r"|Missing weight|Expected an entry for the mapping))"
)


def comparable(output: str) -> list[str]:
    for pattern, instead in _GO:
        output = pattern.sub(instead, output)
    return sorted(_AT_THE_END.sub(r"\1", line) for line in complaints(output))


def test_labels_are_unique() -> None:
    assert repeated(map(label, TEXTS)) == []
    assert PINNED.keys() <= set(map(label, TEXTS))
    assert all(OFFERED)


@pytest.mark.parametrize("text", [t for t in TEXTS if label(t) not in PINNED], ids=label)
def test_same_verdict_and_words(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(text, tmp_path, monkeypatch, recorded, comparable)


@pytest.mark.parametrize("text", [t for t in TEXTS if label(t) in PINNED], ids=label)
def test_same_words_each_time_where_theirs_vary_or_ours_are_stricter(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_text(text)
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1
    assert output == f"nats-server: {PINNED[label(text)]}\n"


@pytest.mark.reference
@pytest.mark.parametrize("text", [t for t in TEXTS if label(t) in VARIES], ids=label)
def test_ours_is_one_of_their_answers(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_text(text)
    _, output = ours(tmp_path, monkeypatch)
    asked = [comparable(run_reference("-t", "-c", NAME, folder=tmp_path).stderr) for _ in range(60)]
    assert comparable(output) in asked


@pytest.mark.parametrize(("depth", "is_refused"), [(1000, False), (1026, True)])
def test_chains_of_accounts_are_followed_so_far(
    depth: int, is_refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real server says so, too, where the random order of its maps makes a search that deep."""
    lines = ["accounts {", "A0 { exports: [{service: s}] }"]
    for number in range(1, depth):
        wanted = f"{{service: {{account: A{number - 1}, subject: s}}}}"
        lines.append(f"A{number} {{ exports: [{{service: s}}], imports: [{wanted}] }}")
    (tmp_path / NAME).write_text("\n".join([*lines, "}"]))
    code, output = ours(tmp_path, monkeypatch)
    refusal = 'Error adding service import "s": search cycle depth exhausted\n'
    assert code == int(is_refused)
    assert output.endswith(refusal) == is_refused


def test_check_start_and_reload_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = []
    for text in TEXTS[::7]:
        (tmp_path / NAME).write_text(text)
        code, output = ours(tmp_path, monkeypatch)
        assert ours(tmp_path, monkeypatch, ("-c", NAME))[1] == (output if code else "")
        if code:
            faulty.append((text, output.removeprefix("nats-server: ").rstrip("\n")))
    assert len(faulty) > 50
    with ServerProcess(PYNATS, tmp_path / "server", at_top("mappings: {a: b}")) as server:
        for text, output in faulty:
            before = len(server.log())
            assert not server.reload(text), text
            told = server.log()[before:].replace(str(server.config_path), NAME)
            shown = output.replace("\n", "; ")  # the log has one line
            assert f"Failed to reload server configuration: {shown}\n" in told
