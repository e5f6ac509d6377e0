"""The short way through a configuration: it is taken, and leads to the same end."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_common.config import ConfigError, NodeValue, ordinary, parse
from pynats_common.config.scanner import Scanner

from tests.support.fuzzing import examples

_NEVER = re.compile("(?!)")
_PIECES = [
    *"a1.-=:{}[]()\"'\\$#/;, \t\r\n\v\x85é\udcc3",
    *("-12", "1k", "1.5", "1.2.3.4", "1#", "9" * 18, "9" * 19, "٣"),
    *("a: ", '"k": ', "'k' ", "a b", '"x"', "'x'", '"x\\t"', '"\\xc3\\xa9"', "w/x", "on", "Off"),
    *("$a", "$E", "$2a$", "include ", "include: ", "includes ", "#c\n", "//c\n", ", ", "\n", " }"),
]
_soup = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)
_around = st.sampled_from(["{}", "m {{{}}}", "m [{}]", "m {{\n{}\n}}", "m [\n{}\n]", "m [{{{}}}]"])


def _outcome(text: str) -> Any:
    """The tree with places and marks, or the complaint."""
    try:
        return _shown(parse(text, file="f", environ={"E": "[1k , x]"}, include=lambda *_: {}))
    except ConfigError as error:
        return str(error)


def _shown(value: NodeValue) -> Any:
    if isinstance(value, dict):
        return {
            key: (str(node.position), node.used, _shown(node.value)) for key, node in value.items()
        }
    if isinstance(value, list):
        return [(str(node.position), node.used, _shown(node.value)) for node in value]
    return type(value), value


@given(_around, _soup)
@settings(max_examples=examples(800))
def test_ordinary_items_mean_what_the_scanner_says(around: str, soup: str) -> None:
    text = around.format(soup)
    short = _outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordinary, "MAP_ITEM", _NEVER)
        patch.setattr(ordinary, "ARRAY_ITEM", _NEVER)
        assert short == _outcome(text)


@pytest.mark.parametrize(
    "text",
    [
        "accounts {\n  A { users = [ { user: u, password: 'p' }, {user: \"v\"} ] # two\n }\n}\n",
        '{"accounts": {"A": {"users": [{"user": "u", "password": "p"}], "n": [1, -2, true]}}}',
        "accounts: {\n # all\n A: {\n  // one\n  mappings = { a.*: b, c.>: [ 'd' ] }\n\n  }\n}\n",
    ],
)
def test_ordinary_files_need_the_scanner_for_the_outermost_map_only(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[str] = []

    def counted(scanner: Scanner, *, inner: bool) -> tuple[str, int, bool]:
        found = read_key(scanner, inner=inner)
        scanned.append(found[0])
        return found

    read_key = Scanner.read_key
    monkeypatch.setattr(Scanner, "read_key", counted)
    monkeypatch.setattr(Scanner, "read_scalar", lambda scanner: pytest.fail("a scalar"))
    parse(text)
    assert scanned == ["accounts"]
