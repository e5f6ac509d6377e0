"""Limits and reloads of accounts: what clients, monitoring and the log notice, as with the real
server."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conformance.accounts.rows import changes
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded
from tests.support.stage import Scenario, Stage, play


@pytest.mark.parametrize("scenario", changes.ROWS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: "\n".join(play(REFERENCE, scenario, tmp_path)))
    assert "\n".join(play(PYNATS, scenario, tmp_path)) == expected


def test_a_lower_maximum_of_connections_closes_the_newest(tmp_path: Path) -> None:
    told = play(PYNATS, changes.NEWEST, tmp_path)
    refused = "-ERR 'maximum account active connections exceeded'"
    assert told[told.index("> reload fewer") + 1 :] == [
        f"a < {refused}", "a < closed", f"a2 < {refused}", "a2 < closed",
    ]  # fmt: skip


# --- who has to go ---

ONE = "authorization { user: a, password: a }\n"
GUESTS = """
no_auth_user: g
authorization { users = [ { user: a, password: a }, { user: g } ] }
"""
# Configurations before and after, and how a client has logged in.
LOGIN = {"user": "a", "pass": "a"}
ENDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "another password": (ONE, ONE.replace("password: a", "password: b"), LOGIN),
    "another name": (ONE, ONE.replace("user: a", "user: b"), LOGIN),
    "a token instead": (ONE, "authorization { token: t }\n", LOGIN),
    "another token": (
        "authorization { token: t }\n", "authorization { token: u }\n", {"auth_token": "t"},
    ),
    "the user of a list": (GUESTS, GUESTS.replace("user: a", "user: b"), LOGIN),
    "another password in a list": (GUESTS, GUESTS.replace("password: a", "password: b"), LOGIN),
    "no guest": (GUESTS, GUESTS.replace("no_auth_user: g", "").replace(", { user: g }", ""), {}),
    "log-ins where there were none": ("debug: false\n", ONE, {}),
    "log-ins, for who has a name": ("debug: false\n", ONE, {"user": "x", "pass": "y"}),
}  # fmt: skip


def last_words(kind: str, folder: Path, name: str) -> list[str]:
    """What a client hears whose log-in a reload ends; it is closed then."""
    before, after, login = ENDS[name]
    with ServerProcess(kind, folder / kind, before) as server, RawClient(server.port) as client:
        client.read_info()
        options = {"verbose": False, **login}
        client.send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        client.fence()
        assert server.reload(after)
        client.fence()
        words = [line.decode() for line in client.received.split(b"\r\n")]
        return [word for word in words if word.startswith("-ERR")] + ["closed"] * client.closed


@pytest.mark.parametrize("name", ENDS)
def test_who_has_to_go_hears_what_the_real_server_says(
    name: str, recorded: Recorded, tmp_path: Path
) -> None:
    expected = recorded.of(lambda: last_words(REFERENCE, tmp_path, name))
    assert last_words(PYNATS, tmp_path, name) == expected


# --- what INFO says ---

LIMITED = """
accounts { L { users [ { user: a, password: a } ], limits { max_payload: 10 } } }
"""


def second_info(kind: str, folder: Path) -> str:
    with ServerProcess(kind, folder / kind, LIMITED) as server, RawClient(server.port) as client:
        client.send(b'CONNECT {"user":"a","pass":"a","protocol":1,"verbose":false}\r\nPING\r\n')

        def has_both() -> bool:
            client.read_some(0.1)
            return client.received.count(b"INFO ") > 1

        wait_until(has_both, "INFO", PATIENCE_S)
        text = bytes(client.received).split(b"INFO ")[2].split(b"\r\n")[0]
        info = json.loads(text)
        return json.dumps({key: info.get(key) for key in _FIELDS})


_FIELDS = ("max_payload", "connect_info", "remote_account")


def test_the_second_info_has_the_limits_of_the_account(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: second_info(REFERENCE, tmp_path))
    assert second_info(PYNATS, tmp_path) == expected


# --- what is refused ---

SHARED = """
accounts {
  A { users [ { user: a, password: a } ], exports [ { stream: s }, { service: q } ], MAPPED }
  B { users [ { user: b, password: b } ]
      imports [ { stream { account: A, subject: s } }, { service { account: A, subject: q } } ] }
  S { users [ { user: s, password: s } ] }
}
system_account: S
no_auth_user: a
"""
GOOD = SHARED.replace("MAPPED", "mappings { foo: bar }")
REFUSED = {
    "an export that is still imported": GOOD.replace("{ stream: s }, ", ""),
    "a service that is still imported": GOOD.replace(", { service: q }", ""),
    "an account that is still imported": GOOD.replace("A {", "C {").replace("foo: bar", "a: b"),
    "a mapping that is none": GOOD.replace("foo: bar", '"foo.*": "bar.$2"'),
    "another system account": GOOD.replace("system_account: S", "system_account: B"),
    "no system account": GOOD.replace("system_account: S", ""),
    "another guest": GOOD.replace("no_auth_user: a", "no_auth_user: b"),
    "another port": GOOD + "port: 1234",
    "another maximum of what is pending": GOOD + "max_pending: 1000000000",
    "another name": GOOD + "server_name: other",
    "an unknown key": GOOD + "nonsense: 1",
}


def refusal(kind: str, changed: str, folder: Path) -> list[str]:
    """The log's words, and whether everything works as before."""
    with ServerProcess(kind, folder / kind, GOOD) as server:
        scenario = Scenario("", GOOD, "b SUB s 1\na SUB bar 2\na PUB s | one\na PUB foo | mapped")
        with Stage(server.port, server.reload) as stage:
            before = stage.play(scenario)
            applied = server.reload(changed)
            found = re.findall(r"Failed to reload server configuration: (.*)", server.log())
            stage.told = []
            after = stage.play(Scenario("", GOOD, "a PUB s | two\na PUB foo | mapped"))
    # Of several faults it names one, and which is a matter of chance.
    said = re.sub(r"\S*server\.conf:", "server.conf:", found[0].split("; ")[0]) if found else ""
    said = re.sub(r"(not defined for) (stream|service)", r"\1 an", said)
    return [str(applied), said, *before, *after]


@pytest.mark.parametrize("name", REFUSED)
def test_a_reload_that_cannot_be_is_refused_as_a_whole(
    name: str, recorded: Recorded, tmp_path: Path
) -> None:
    expected = recorded.of(lambda: "\n".join(refusal(REFERENCE, REFUSED[name], tmp_path)))
    assert "\n".join(refusal(PYNATS, REFUSED[name], tmp_path)) == expected


# --- what monitoring says ---

STREAMS = """
jetstream { store_dir: "@FOLDER@/js" }
accounts {
  A { jetstream: WHETHER, users [ { user: a, password: a } ] }
  B { jetstream: enabled, users [ { user: b, password: b } ] }
}
"""


def looked_at(kind: str, folder: Path) -> list[str]:
    with ServerProcess(
        kind, folder / kind, STREAMS.replace("WHETHER", "enabled"), monitor=True
    ) as server:
        found = [_asked(server, "/healthz?account=A"), _accounts(server)]
        assert server.reload(STREAMS.replace("WHETHER", "disabled"))
        found += [_asked(server, "/healthz?account=A"), _accounts(server)]
        assert server.reload(STREAMS.replace("WHETHER", "disabled").replace("A {", "C {"))
        found += [_asked(server, "/healthz?account=B"), _accounts(server)]
    return found


def _asked(server: ServerProcess, path: str) -> str:
    try:
        with urllib.request.urlopen(server.monitor_url + path, timeout=PATIENCE_S) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.read().decode()}"


def _accounts(server: ServerProcess) -> str:
    found = json.loads(_asked(server, "/accountz").partition(" ")[2])
    return " ".join(sorted(found["accounts"]))


def test_an_account_without_jetstream_or_without_itself_is_gone_from_monitoring(
    recorded: Recorded, tmp_path: Path
) -> None:
    expected = recorded.of(lambda: "\n".join(looked_at(REFERENCE, tmp_path)))
    assert "\n".join(looked_at(PYNATS, tmp_path)) == expected
