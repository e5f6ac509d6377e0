"""Exports, imports, mappings and what belongs to them through the real server's `-t` and ours:
verdict, digest, place and words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.accounts import (
    config_rows_exports,
    config_rows_imports,
    config_rows_mappings,
    config_rows_repeated,
)
from tests.conformance.accounts.config_pinned import OURS, VARIES
from tests.conformance.accounts.config_texts import OFFERED, at_top, label
from tests.conformance.config.check import NAME, complaints, ours, theirs
from tests.support.process import PYNATS, ServerProcess, run_reference
from tests.support.records import Recorded

TEXTS = [
    *config_rows_exports.TEXTS,
    *config_rows_imports.TEXTS,
    *config_rows_mappings.TEXTS,
    *config_rows_repeated.TEXTS,
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
    repeated = [name for name, count in Counter(map(label, TEXTS)).items() if count > 1]
    assert repeated == []
    assert PINNED.keys() <= set(map(label, TEXTS))
    assert all(OFFERED)


@pytest.mark.parametrize("text", [t for t in TEXTS if label(t) not in PINNED], ids=label)
def test_same_verdict_and_words(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    (tmp_path / NAME).write_text(text)
    expected_code, expected = theirs(recorded, tmp_path)
    code, output = ours(tmp_path, monkeypatch)
    assert (code, output) == (expected_code, output), expected
    if code == 0:
        assert output == expected
    elif "a.conf:" not in expected:  # ours knows the place all the same
        words = (
            re.sub(r"^nats-server: (Parse error on line \d+: ')?", "", expected).strip().rstrip("'")
        )
        assert words in output
    elif "interface conversion" in expected:  # a panic of Go: no words, and a place nearby
        place = re.search(r"a\.conf:\d+:", expected)
        assert place is not None and place[0] in output, expected
    else:
        assert comparable(output) == comparable(expected)


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
