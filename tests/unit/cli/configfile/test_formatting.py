"""`server config fmt`: laid out anew, with every comment, and the same meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.servers.configfile.formatting import formatted
from pynats_cli.servers.configfile.nats_reading import check_syntax
from pynats_common.config import ConfigError, plain

from tests.conformance.config.test_config_against_reference import GRAMMAR

WILD = """\
# top
listen: 0.0.0.0:4222   # behind


  // second
jetstream {   # opening
store_dir="/data/x" ; max_mem: 10MB , max_file 1G
   # last in it
}
TOKEN = "s3cr3t"
authorization = { token: $TOKEN, users = [ {user: a, permissions: {
publish: ["a.>", 'b'], sub = [a,b # c1
c  // c2
] } }
 # between
 {user b, pass $2a$11$abc}
] }
include "foo.conf" # inc
weird [ 1k, 127.0.0.1 ]
e {}
e2 [ ]
"""
TAME = """\
# top
listen: 0.0.0.0:4222  # behind

// second
jetstream {  # opening
  store_dir: "/data/x"
  max_mem: 10MB
  max_file: 1G
  # last in it
}
TOKEN: "s3cr3t"
authorization {
  token: $TOKEN
  users: [
    {
      user: a
      permissions {
        publish: ["a.>", 'b']
        sub: [
          a
          b  # c1
          c  // c2
        ]
      }
    }
    # between
    {
      user: b
      pass: $2a$11$abc
    }
  ]
}
include "foo.conf"  # inc
weird: [
  1k
  127.0.0.1
]
e {}
e2: []
"""


def test_a_file_is_laid_out_with_all_its_comments() -> None:
    assert formatted(WILD, "a.conf") == TAME


@pytest.mark.parametrize("text", GRAMMAR)
def test_all_that_can_be_read_keeps_its_meaning(text: str) -> None:
    try:
        before = check_syntax(text, "a.conf")
    except ConfigError as error:
        with pytest.raises(ConfigError) as raised:
            formatted(text, "a.conf")
        assert str(raised.value) == str(error)
        return
    once = formatted(text, "a.conf")
    assert plain(check_syntax(once, "a.conf")) == plain(before)
    assert formatted(once, "a.conf") == once


def test_json_stays_json() -> None:
    assert formatted('{"port": 1, "tls": {"timeout": 2}}', "a") == (
        '{\n  "port": 1,\n  "tls": {\n    "timeout": 2\n  }\n}\n'
    )


SCALARS = st.sampled_from(
    ["1", "-5", "10MB", "1k", "1.5", "true", "off", '"a b"', "'x'", "word", "127.0.0.1", "$VAR",
     "2016-05-04T18:53:41Z", '"\\x41"', "(\nraw\n)\n", "nats://h:1", "1h", "$2a$11$x"]
)  # fmt: skip
COMMENTS = st.sampled_from(["", " # c", "\n# c\n", "\n\n// d\n", "\n"])
KEYS = st.sampled_from(["a", "b", '"q k"', "'s'", "include_", "x.y", "$K"])


@st.composite
def values(draw: st.DrawFn, depth: int = 0) -> str:
    kind = draw(st.integers(0, 3 if depth < 3 else 1))
    if kind < 2:
        return draw(SCALARS)
    inner = draw(st.lists(values(depth + 1), max_size=4))
    if kind == 2:
        return "[" + "".join(f"{draw(COMMENTS)}\n{item}\n" for item in inner) + "]"
    return "{" + "".join(f"{draw(COMMENTS)}\n{draw(KEYS)}: {item}\n" for item in inner) + "}"


@given(st.lists(st.tuples(KEYS, st.sampled_from([": ", " = ", " "]), values(), COMMENTS)))
def test_random_files_keep_meaning_and_comments(
    entries: list[tuple[str, str, str, str]],
) -> None:
    text = "".join(f"{key}{sign}{value}{note}\n" for key, sign, value, note in entries)
    before = check_syntax(text, "a.conf")
    once = formatted(text, "a.conf")
    assert plain(check_syntax(once, "a.conf")) == plain(before)
    assert formatted(once, "a.conf") == once
    for sign in ("# c", "// d"):
        assert once.count(sign) == text.count(sign)
