"""Records of error codes: those that are known, and files of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pynats_cli.errors import CliError
from pynats_cli.reference.errorcodes.records import (
    ErrorRecord,
    faults_of,
    known,
    matching,
    next_code,
    read_file,
    write_file,
)
from pynats_common.api_errors import ERRORS
from pynats_server.jetstream.errors import api_error


def test_every_error_of_our_server_is_known_with_its_words_and_name() -> None:
    found = {item.error_code: item for item in known()}
    assert set(found) == set(ERRORS)
    for number, item in found.items():
        raised = api_error(number)
        assert (item.code, item.description) == (raised.code, raised.description)
        assert re.fullmatch(r"JS[A-Za-z0-9]+", item.constant), number
    assert faults_of(known()) == []


def test_matching_looks_at_code_name_and_texts() -> None:
    def codes(pattern: str, order: str = "code", reverse: bool = False) -> list[int]:
        search = re.compile(pattern, re.IGNORECASE)
        return [item.error_code for item in matching(known(), search, order, reverse)]

    assert codes("duplicate") == [10136, 10140, 10158, 10201, 10216]
    assert codes("^10059$") == [10059]
    assert codes("stream not found", reverse=True) == [10059]
    assert codes("duplicate", "http")[-1] == 10158
    assert codes("duplicate", reverse=True) == [10216, 10201, 10158, 10140, 10136]
    assert codes("nothing like this") == []


def test_a_file_is_written_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "errors.json"
    path.write_text(json.dumps([{"constant": "A", "code": 400, "error_code": 10_001,
                                 "description": "x {err}"}]))  # fmt: skip
    path.chmod(0o640)
    records = read_file(str(path))
    write_file(str(path), records)
    assert read_file(str(path)) == records and next_code(records) == 10_002
    assert path.stat().st_mode & 0o777 == 0o640


def test_faults_are_named() -> None:
    twice = [ErrorRecord("A", 400, 10_001, "x"), ErrorRecord("A", 400, 10_001, "y")]
    assert faults_of(twice) == [
        "error code 10001 is there more than once", "constant A is there more than once"
    ]  # fmt: skip
    assert faults_of([ErrorRecord("A", 0, 1, "")]) == [
        "1 failed: error codes may not be below 10000, code is required, description is required"
    ]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"code": "x"}]', '[{"description": 1}]', '[{"code": true}]']
)
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "errors.json"
    path.write_text(text)
    with pytest.raises(CliError, match=re.escape(str(path))):
        read_file(str(path))
