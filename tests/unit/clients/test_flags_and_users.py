"""Users on the command line beside those of the configuration: as in the real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.auth import ConnectOptions, Hello, Verdict
from pynats_server.auth.chain import Chain
from pynats_server.process.flags import parse_command_line

from tests.support.signing import public_key

USER, TOKEN = ("--user", "a", "--pass", "b"), ("--auth", "T")
SINGLE = "authorization { user: c, password: c }\n"
USERS = "authorization { users: [{ user: c, password: c }] }\n"
KEYS = f"authorization {{ users: [{{ nkey: {public_key('ann')} }}] }}\n"
SAID = {
    "nothing": {},
    "c": {"user": "c", "password": "c"},
    "a": {"user": "a", "password": "b"},
    "token": {"auth_token": "T"},
    "token and c": {"auth_token": "T", "user": "c", "password": "c"},
    "token and a": {"auth_token": "T", "user": "a", "password": "b"},
}
ANY_TOKEN = ["token", "token and c", "token and a"]


@pytest.mark.parametrize(
    ("text", "flags", "admitted"),
    [
        (USERS, USER, ["c", "token and c"]),  # the flags are lost
        (SINGLE, USER, ["a", "token and a"]),
        ("authorization { token: c }\n", USER, []),
        ("", USER, ["a", "token and a"]),
        (USERS, TOKEN, ["c", "token", "token and c"]),  # both
        (SINGLE, TOKEN, ANY_TOKEN),
        ("authorization { token: c }\n", TOKEN, ANY_TOKEN),
        ("", (*TOKEN, *USER), ANY_TOKEN),  # the user is lost
        (KEYS, TOKEN, ANY_TOKEN),
        (KEYS, USER, ["a", "token and a"]),
        ("", ("--pass", "b"), list(SAID)),  # a password alone is none
    ],
)
def test_who_comes_in(
    text: str, flags: tuple[str, ...], admitted: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "s.conf"
    path.write_text(text)
    found = parse_command_line([*flags, "-c", str(path)]).options
    assert found is not None
    chain = Chain(found, "guest-1")
    let_in = [
        name
        for name, says in SAID.items()
        if isinstance(chain.verify(Hello(ConnectOptions(**says))), Verdict)  # type: ignore[arg-type]
    ]
    assert let_in == admitted
