"""The grammar alone: values, places, variables, includes, properties."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_common.config import ConfigError, parse, plain, read_document
from pynats_common.config.parser import NESTING_MAX

from tests.support.fuzzing import examples


def _plain(text: str, **environ: str) -> Any:
    return plain(parse(text, environ=environ))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("Off", False),
        ("42", 42),
        ("-42", -42),
        ("1k", 1000),
        ("1kb", 1024),
        ("2GiB", 2 * 2**30),
        ("1e", 10**18),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("1.2.3.4:5", "1.2.3.4:5"),
        ("1h", "1h"),
        ("word", "word"),
        ("'raw\\n'", "raw\\n"),
        ('"tab\\t\\x41\\xc3\\xa9"', "tab\tAé"),
        ("(\nline\n)", "\nline\n"),
        ("2016-05-04T18:53:41Z", datetime(2016, 5, 4, 18, 53, 41, tzinfo=UTC)),
        ("$2a$10$hash/./x", "$2a$10$hash/./x"),
        ("$2b$10$hash/./x", "$2b$10$hash/./x"),
        ("$2y$10$hash/./x", "$2y$10$hash/./x"),
        ("[a, 1, [true], {b: c}]", ["a", 1, [True], {"b": "c"}]),
        ("{a {b {c: d}}}", {"a": {"b": {"c": "d"}}}),
        ("nats://h:1/#x", "nats://h:1/#x"),
    ],
)
def test_values(text: str, value: object) -> None:
    found = _plain(f"key: {text}\n")["key"]
    assert (type(found), found) == (type(value), value)


def test_a_variable_that_looks_like_a_hash_goes_before_it() -> None:
    assert _plain("2b$10$x: yes\na { b: $2b$10$x }\n")["a"] == {"b": True}
    assert _plain("b: $2b$10$x\n", **{"2b$10$x": "word"}) == {"b": "word"}


def test_what_is_no_name_of_a_variable_is_not_told() -> None:
    with pytest.raises(ConfigError) as refused:
        parse("a: 1\npassword: $ecret!pa$$word\n")
    assert "ecret" not in str(refused.value) and "on line 2 can not be found" in str(refused.value)
    with pytest.raises(ConfigError, match=r"variable reference for 'NAME_1\.x-y'"):
        parse("password: $NAME_1.x-y\n")


def test_places_of_keys_and_elements() -> None:
    entries = parse("a: 1\n  b {\n\tc: [x,\n  'y']\n}\n", file="f.conf")
    inner = entries["b"].value
    assert isinstance(inner, dict)
    items = inner["c"].value
    assert isinstance(items, list)
    places = [str(n.position) for n in (entries["a"], entries["b"], inner["c"], *items)]
    assert places == ["f.conf:1:1", "f.conf:2:3", "f.conf:3:2", "f.conf:3:6", "f.conf:4:4"]


def test_variables_are_found_outwards_then_in_the_environment() -> None:
    text = "v: outer\nm {v: inner, a: $v, n {b: $v}}\nc: $v\nd: $E\n"
    assert _plain(text, E="[1k , x]", v="never") == {
        "v": "outer",
        "m": {"v": "inner", "a": "inner", "n": {"b": "inner"}},
        "c": "outer",
        "d": [1000, "x"],
    }


def test_a_variable_marks_what_it_names() -> None:
    entries = parse("v: 1\nw: 2\na: $v\n")
    assert (entries["v"].used, entries["w"].used) == (True, False)


def test_environment_cycle_is_refused() -> None:
    with pytest.raises(ConfigError, match="variable reference cycle for 'A'"):
        _plain("x: $A", A="$B", B="$A")


def test_values_do_not_show_in_representations() -> None:
    assert "s3cret" not in repr(parse("password: s3cret"))


def test_nesting_has_a_limit() -> None:
    assert _plain("a: " + "[" * NESTING_MAX + "]" * NESTING_MAX)
    with pytest.raises(ConfigError, match="levels deep"):
        parse("a: " + "[" * 100_000)
    with pytest.raises(ConfigError, match="levels deep"):
        parse("a " + "{a " * 100_000)


def test_include_is_relative_and_places_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/one.conf").write_text("x: 1\ninclude two.conf\n")
    (tmp_path / "d/two.conf").write_text("\ny: 2\n")
    main = tmp_path / "main.conf"
    main.write_text("m { include d/one.conf; z: 3 }\n")
    document = read_document(main)
    assert plain(document.entries) == {"m": {"x": 1, "y": 2, "z": 3}}
    inner = document.entries["m"].value
    assert isinstance(inner, dict)
    assert str(inner["y"].position) == f"{tmp_path / 'd/two.conf'}:2:1"


def test_include_cycle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("include b.conf\n")
    (tmp_path / "b.conf").write_text("x: 1\ninclude ./a.conf\n")
    with pytest.raises(ConfigError, match=r"b\.conf:2:1: .*includes itself"):
        read_document(tmp_path / "a.conf")


def test_error_in_an_included_file_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("include b.conf\n")
    (tmp_path / "b.conf").write_text("x: 1\ny: .5\n")
    with pytest.raises(
        ConfigError, match=r"b\.conf:2:4: Parse error: Floats must start with a digit"
    ):
        read_document(tmp_path / "a.conf")


def test_toml_gives_the_same_tree_and_digest(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'port = 4222\n[authorization]\ntimeout = 1.5\n[[authorization.users]]\nuser = "a"\n'
        '[[authorization.users]]\nuser = "b"\n'
    )
    (tmp_path / "a.conf").write_text(
        "port: 4222\nauthorization {timeout: 1.5, users: [{user: a}, {user: b}]}\n"
    )
    toml, conf = read_document(tmp_path / "a.toml"), read_document(tmp_path / "a.conf")
    assert plain(toml.entries) == plain(conf.entries)
    assert toml.digest == conf.digest
    auth = toml.entries["authorization"]
    assert isinstance(auth.value, dict) and isinstance(auth.value["users"].value, list)
    second = auth.value["users"].value[1].value
    assert isinstance(second, dict)
    assert (auth.position.line, second["user"].position.line) == (2, 7)


def test_toml_errors_have_a_place(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("port = 1\nhost = \n")
    with pytest.raises(ConfigError, match=r"a\.toml:2:8: "):
        read_document(tmp_path / "a.toml")


_scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
)
_json = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcXYZ_ 9-.$", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcxyz_", min_size=1, max_size=6), _json, max_size=5))
@settings(max_examples=examples(200))
def test_json_means_itself(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, ensure_ascii=False)
    # The grammar knows fewer escapes than JSON, so texts that need others are left out.
    if any(escape in text for escape in ("\\u", "\\b", "\\f")):
        return
    assert _plain(text) == tree


_PIECES = [*"ab1k.-=:{}[]()\"'\\$#/;, \t\r\n\0é2016T-Z", "include ", "a: ", "b {", "$a"]
_soup = st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)


@given(_soup)
@settings(max_examples=examples(500))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except ConfigError as error:
        assert error.position is not None
        assert 1 <= error.position.line <= text.count("\n") + 1
