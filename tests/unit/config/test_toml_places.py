"""Where the keys of a TOML text are, for complaints about them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pynats_common.config import NodeValue, parse_toml, toml_places

TEXT = """\
port = -1  # a = 1
"http" = "h:1"

[accounts.A]
users = [{user = "a", password = "p.q = 1"}, {user = "b"}]
limits.max_conn = 1
[accounts.B]
  users = [
    {user = "c"},
    {user='d', 'password'='it is'},
  ]
[[more]]
user = 1
[[more]]
user = 2
"""


def _places(value: NodeValue, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, node in value.items():
            yield f"{path}{key}", str(node.position).partition(":")[2]
            yield from _places(node.value, f"{path}{key}.")
    elif isinstance(value, list):
        for number, node in enumerate(value):
            yield from _places(node.value, f"{path}{number}.")


def test_every_key_has_its_place() -> None:
    assert dict(_places(parse_toml(TEXT, file="f"))) == {
        "port": "1:1",
        "http": "2:1",
        "accounts": "4:2",
        "accounts.A": "4:11",
        "accounts.A.users": "5:1",
        "accounts.A.users.0.user": "5:11",
        "accounts.A.users.0.password": "5:23",
        "accounts.A.users.1.user": "5:47",
        "accounts.A.limits": "6:1",
        "accounts.A.limits.max_conn": "6:8",
        "accounts.B": "7:11",
        "accounts.B.users": "8:3",
        "accounts.B.users.0.user": "9:6",
        "accounts.B.users.1.user": "10:6",
        "accounts.B.users.1.password": "10:16",
        "more": "12:3",
        "more.0.user": "13:1",
        "more.1.user": "15:1",
    }


def test_the_text_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted:
        looks = 0

        def finditer(self, text: str) -> Iterator[re.Match[str]]:
            self.looks += 1
            return pattern.finditer(text)

    pattern, counted = toml_places._KEY, Counted()
    monkeypatch.setattr(toml_places, "_KEY", counted)
    parse_toml("".join(f"[a.b{number}]\nc = 1\n" for number in range(100)))
    assert counted.looks == 1
