"""Output that is generated from the tables: docs/reference/configuration.md and `--help`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import tomli
from pynats_common.serverkeys import load_keys
from pynats_server.core.sharing.responses import KINDS
from pynats_server.monitor.sharing import RESPONSE_TYPES
from pynats_server.options import Options, ResponseKind
from pynats_server.process.flag_table import FLAGS, Flag
from pynats_server.process.help_text import usage
from pynats_server.settings import TOP_LEVEL
from pynats_server.settings.blocks.sharing import RESPONSES
from pynats_server.settings.document import document
from pynats_server.settings.export import export
from pynats_server.settings.paths import get_path
from pynats_server.settings.schema import Setting, Table

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/reference/configuration.md"
KEYS = ROOT / "common/pynats_common/serverkeys/keys.json"


def rows(table: Table) -> Iterator[tuple[Table, Setting]]:
    for setting in table.settings:
        yield table, setting
        if setting.block is not None:
            yield from rows(setting.block)


def test_the_page_about_configuration_is_current() -> None:
    assert PAGE.read_text() == document(), "run `make docs`"


def test_the_keys_that_tools_know_are_current() -> None:
    """Fails also where nobody has said what kind of value a new reader reads."""
    assert json.loads(KEYS.read_text()) == export(), "run `make docs`"


def test_keys_from_elsewhere_are_only_those_that_are_not_here() -> None:
    elsewhere = tomli.loads(KEYS.with_name("elsewhere.toml").read_text())
    assert elsewhere.keys() & export().keys() == set()
    known = load_keys()
    for key in known.every():
        assert key.block is None or known.block_of(key) is not None, key


def test_every_row_has_a_place_in_the_options() -> None:
    for table, setting in rows(TOP_LEVEL):
        if setting.read is not None and setting.store is None:
            get_path(table.defaults(), setting.path)  # raises AttributeError where it has none


def test_kinds_of_responses_are_the_same_wherever_they_are_named() -> None:
    kinds = set(get_args(ResponseKind))
    assert set(RESPONSES.values()) == kinds  # what configurations say
    assert set(KINDS) == kinds  # what the data plane does
    assert set(RESPONSE_TYPES) == kinds  # what monitoring shows


def test_no_key_has_two_rows() -> None:
    for table in {id(table): table for table, _ in rows(TOP_LEVEL)}.values():
        keys = [key for s in table.settings for key in (s.name, *s.aliases)]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.names[-1])
def test_help_describes_every_flag(flag: Flag) -> None:
    (line,) = [line for line in usage("x").splitlines() if _names(line) == flag.spelled]
    shown = usage("x").split(line, 1)[1].split("\n")[1] if _description(line) == "" else line
    assert _description(shown)
    setting = TOP_LEVEL.find_path(flag.path) if flag.path else None
    if setting is not None and not flag.help:
        words = setting.help.split()
        assert " ".join(words[1:3]) in shown
        default = get_path(Options(), flag.path)
        assert ("(default" in shown) == (default not in (None, "", 0, False))


def _names(line: str) -> list[str]:
    words = [word.rstrip(",") for word in line[:37].split()]
    names = []
    for word in words:
        if not word.startswith("-"):
            break
        names.append(word)
    return names


def _description(line: str) -> str:
    return line[37:].strip() if len(line) > 37 and line[36] == " " else ""
