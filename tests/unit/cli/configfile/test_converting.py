"""`server config convert`: the same values in another form, with comments where it has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.servers.configfile.converting import convert, form_of
from pynats_cli.servers.configfile.tree import Branch, Entry, Item, Leaf, Row, Value
from pynats_common.config import ConfigError, parse, parse_toml, plain

TOML = """\
# top
port = 4222 # client port

max_payload = "8MB"  # big
server_tags = [ # open
  "a", # first
  # before b
  "b",
]

# about js
[jetstream] # on
store_dir = "/data"
# limits follow
[jetstream.limits]
duplicate_window = "2m"

[accounts.A]
users = [ { user = "a", password = "x#y" } ]
# end of A

[[leafnodes.remotes]]
url = "nats://a"
# remote 2
[[leafnodes.remotes]]
url = "nats://b" # b
# the end
"""
NATS = """\
# top
port: 4222  # client port

max_payload: 8MB  # big
server_tags: [  # open
  a  # first
  # before b
  b
]

# about js
jetstream {  # on
  store_dir: "/data"
  # limits follow
  limits {
    duplicate_window: "2m"
  }
}

accounts {
  A {
    users: [
      {
        user: a
        password: "x#y"
      }
    ]
  }
}
# end of A

leafnodes {
  remotes: [
    {
      url: nats://a
    }
    # remote 2
    {
      url: nats://b  # b
    }
  ]
}
# the end
"""


def test_toml_becomes_nats_with_its_comments() -> None:
    assert convert(TOML, "a.toml", "toml", "nats", {}).text == NATS


def test_the_way_through_yaml_loses_nothing() -> None:
    yaml = convert(TOML, "a.toml", "toml", "yaml", {}).text
    assert "  - a  # first\n  # before b\n  - b\n" in yaml
    # The bracket that "# open" stood behind is not there, but its line is.
    assert convert(yaml, "a.yaml", "yaml", "nats", {}).text == NATS


def test_nats_and_back_through_toml() -> None:
    toml = convert(NATS, "a.conf", "nats", "toml", {}).text
    assert plain(parse_toml(toml)) == plain(parse(NATS))
    for comment in ("top", "client port", "first", "before b", "limits follow", "b", "the end"):
        assert f"# {comment}\n" in toml


def test_variables_and_includes_are_replaced_and_told(tmp_path: Path) -> None:
    (tmp_path / "inner.conf").write_text("# inner\nport: $PORT\n")
    text = "TOKEN: abc\nauthorization { token: $TOKEN }\ninclude inner.conf\n"
    done = convert(text, str(tmp_path / "a.conf"), "nats", "toml", {"PORT": "4333"})
    assert plain(parse_toml(done.text)) == {"authorization": {"token": "abc"}, "port": 4333}
    assert "# inner" in done.text
    assert done.notes == [
        "variables are replaced by their values: TOKEN",
        "included files are part of the result: inner.conf",
    ]


def test_a_variable_without_a_value_is_an_error_with_its_place() -> None:
    with pytest.raises(ConfigError) as raised:
        convert("\nport: $NOPE\n", "a.conf", "nats", "yaml", {})
    assert str(raised.value) == "a.conf:2:1: variable reference for 'NOPE' can not be found"


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("x: 1\na { y: $x }\n", {}, 1),
        ("a { x: 2, b { y: $x } }\nx: 1\n", {}, 2),
        ("a { y: $X }\n", {"X": "$Y", "Y": "3"}, 3),
        ("a { y: $2b$11$abc }\n", {}, "$2b$11$abc"),
        ("a { y: $x }\nx: 1\n", {"x": "5"}, 5),
    ],
)
def test_variables_are_looked_up_as_the_server_does(
    text: str, environ: dict[str, str], value: object
) -> None:
    done = json.loads(convert(text, "a.conf", "nats", "json", environ).text)
    assert done["a"].get("b", done["a"])["y"] == value
    # The parser of the server agrees.
    parsed = plain(parse(text, environ=environ)["a"].value)
    assert isinstance(parsed, dict)
    assert parsed == done["a"]


@pytest.mark.parametrize("environ", [{}, {"A": "$B", "B": "$A"}])
def test_variables_in_a_circle_are_an_error(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="can not be found"):
        convert("A: $B\nB: $A\n", "a.conf", "nats", "json", environ)


@pytest.mark.parametrize(
    ("text", "form", "place"),
    [
        ("a = \n", "toml", "a:1:5"),
        ("a: [1\nb: 2\n", "yaml", "a:2:2"),
        ("a: ~\n", "yaml", "a:1:4"),
        ("x: {\n", "nats", "a:2:1"),
    ],
)
def test_errors_have_their_place(text: str, form: str, place: str) -> None:
    with pytest.raises(ConfigError) as raised:
        convert(text, "a", form, "json", {})
    assert str(raised.value).startswith(place)


def test_json_has_no_comments_and_says_so() -> None:
    done = convert("# one\nport: 1 # two\n", "a.conf", "nats", "json", {})
    assert json.loads(done.text) == {"port": 1}
    assert done.notes == ["2 comments have no place in JSON"]


def test_forms_by_the_name_of_the_file() -> None:
    names = ("x.conf", "x.TOML", "x.yml", "x.yaml", "x.json", "x")
    assert [form_of(name) for name in names] == ["nats", "toml", "yaml", "yaml", "json", "nats"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
LEAVES = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e6, 1e6, width=32)
)
# A quote of each kind in one name is more than the grammar has a way to write.
NAMES = st.text(st.characters(codec="ascii", exclude_characters="\0'\"\\"), min_size=1, max_size=8)


def _tree(value: object) -> Value:
    if isinstance(value, dict):
        return Branch([Entry(name=name, value=_tree(inner)) for name, inner in value.items()])
    if isinstance(value, list):
        return Row([Item(value=_tree(inner)) for inner in value])
    assert isinstance(value, (str, bool, int, float))
    return Leaf(value)


@given(
    st.dictionaries(
        NAMES.filter(lambda name: name.isprintable()),
        st.recursive(
            LEAVES,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(NAMES.filter(str.isprintable), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_any_values_survive_each_form(value: dict[str, object]) -> None:
    text = json.dumps(value)
    from pynats_cli.servers.configfile.nats_writing import write_nats

    tree = _tree(value)
    assert isinstance(tree, Branch)
    nats = write_nats(tree)
    for form in ("toml", "yaml", "json"):
        # `convert` itself refuses a result that reads as anything else.
        convert(nats, "a.conf", "nats", form, {})
    assert json.loads(text) == json.loads(convert(nats, "a", "nats", "json", {}).text)
