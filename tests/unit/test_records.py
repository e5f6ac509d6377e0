"""The text of records, and what the modes do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import process
from tests.support.fuzzing import examples
from tests.support.process import REFERENCE, ServerFailed, server_command
from tests.support.record_text import parse, parse_answer, render, render_answer
from tests.support.records import (
    CHECK,
    RECORD,
    REPLAY,
    Recorded,
    RecordFile,
    RecordMissing,
    RecordOutdated,
    RecordTexts,
)

_SCALARS = st.none() | st.booleans() | st.integers() | st.text()
_ANSWERS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_CASES = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.isprintable)
_FIELDS = st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), _ANSWERS)
# A value of each form, and what looks like a line of the file itself.
_ODD: dict[str, Any] = {
    "text": "a\n\n=== b\n| c\n  d\\x41\\\r\u2028\ud800\n",
    "backslashes": "\\ \\\\ \\r\\x \\\0 \\\\\\",
    "empty": "",
    "key": {"text": "x: 1\ny:\n", "long": ["word" * 9] * 9, "none": None, "empty": {}},
    "no keys": {"a b": {"c": ["=== d"] * 40}},
    "\\a / b": ["\n"],
}


def _text(version: str, answers: dict[str, Any]) -> str:
    return render(version, {case: render_answer(answer) for case, answer in answers.items()})


@pytest.mark.parametrize("case", _ODD)
def test_odd_answers_come_back(case: str) -> None:
    version, answers = parse(_text("x 1.0", _ODD))
    assert version == "x 1.0"
    assert parse_answer(answers[case]) == _ODD[case]
    assert parse(_text("x 1.0", {case: _ODD[case]}))[1] == {case: answers[case]}


@settings(max_examples=examples(30))
@given(st.dictionaries(_CASES, _ANSWERS | _FIELDS, max_size=4))
def test_any_answers_come_back(records: dict[str, Any]) -> None:
    text = _text("server 1.2.3", records)
    version, answers = parse(text)
    assert version == "server 1.2.3"
    assert {case: parse_answer(answer) for case, answer in answers.items()} == records
    assert text.isprintable() or set(filter(lambda char: not char.isprintable(), text)) == {"\n"}


def test_lines_are_short_and_in_order() -> None:
    text = _text("x 1.0", {"b": 1, "a": {"key": [{"name": "n" * 30}] * 5}})
    assert text.index("=== a") < text.index("=== b")
    assert max(map(len, text.splitlines())) <= 100


def test_a_name_is_one_line() -> None:
    with pytest.raises(ValueError, match="printable"):
        _text("x 1.0", {"a\nb": 1})


def _asking(file: RecordFile, mode: str, version: str = "x 1", whole: bool = False) -> Recorded:
    return Recorded(file, "case", mode, lambda: version, whole)


@pytest.fixture
def file(tmp_path: Path) -> RecordFile:
    return RecordFile.of_module(tmp_path / "test_it.py")


def _never() -> Any:
    raise AssertionError("the reference was asked")


def test_what_was_recorded_is_replayed(file: RecordFile) -> None:
    recording = _asking(file, RECORD)
    assert recording.of(lambda: {"a": (1, 2)}) == {"a": [1, 2]}
    assert recording.of(lambda: "x", "part") == "x"
    recording.end(passed=True)
    replaying = _asking(file, REPLAY)
    assert replaying.of(_never) == {"a": [1, 2]}
    assert replaying.of(_never, "part") == "x"
    replaying.end(passed=True)


def test_what_is_not_recorded_fails(file: RecordFile) -> None:
    for mode in (REPLAY, CHECK):
        with pytest.raises(RecordMissing, match="make record"):
            _asking(file, mode).of(_never)


def test_a_record_that_is_no_longer_true_fails(file: RecordFile) -> None:
    recording = _asking(file, RECORD)
    recording.of(lambda: "one\ntwo")
    recording.end(passed=True)
    _asking(file, CHECK).of(lambda: "one\ntwo")
    with pytest.raises(RecordOutdated, match=r"-\| two\n\+\| three"):
        _asking(file, CHECK).of(lambda: "one\nthree")


def test_records_nobody_asks_for_are_noticed_and_removed(file: RecordFile) -> None:
    recording = _asking(file, RECORD)
    recording.of(lambda: 1)
    recording.of(lambda: 2, "old")
    recording.end(passed=True)
    replaying = _asking(file, REPLAY)
    replaying.of(_never)
    replaying.end(passed=False)  # it may have stopped before
    with pytest.raises(RecordOutdated, match="old"):
        replaying.end(passed=True)
    recording = _asking(file, RECORD)
    recording.of(lambda: 3)
    recording.end(passed=True)
    assert file.read().records == {"case": render_answer(3)}
    with pytest.raises(RecordOutdated, match="case"):
        file.drop_stale({"other"}, REPLAY)
    file.drop_stale({"other"}, RECORD)
    assert not file.path.exists()


def test_another_version_takes_over_whole_files_only(file: RecordFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text(_text("x 1", {"case": 1, "other": 2}))
    newer = _asking(file, RECORD, "x 2")
    newer.of(lambda: 5)
    with pytest.raises(RecordOutdated, match="whole module"):
        newer.end(passed=True)
    newer = _asking(file, RECORD, "x 2", whole=True)
    newer.of(lambda: 5)
    newer.end(passed=True)
    assert file.read() == RecordTexts("x 2", {"case": render_answer(5)})


def test_the_reference_does_not_start_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "reference_allowed", False)
    with pytest.raises(ServerFailed, match="make record"):
        server_command(REFERENCE)


def test_every_file_of_records_has_its_module() -> None:
    tests = Path(__file__).parent.parent
    files = list(tests.rglob("records/*.txt"))
    assert files
    for path in files:
        module = path.parent.parent / f"{path.stem}.py"
        assert module.exists(), f"{path}: its module is gone"
        assert "recorded" in module.read_text(), f"{path}: its module does not ask for it"
