"""`accounts` and what belongs to it through the real server's `-t` and ours: verdict, digest,
place and words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import CHECK, LINE, NAME, check_verdict, complaints, ours
from tests.support.process import run_reference
from tests.support.records import Recorded

# The key of an account's block, and what is wrong or right about it.
_JETSTREAM = [
    "true", "false", "enabled", "ENABLE", "disabled", "disable", "maybe", "5", "[]", "{}",
    "{ max_mem: 1, max_file: 2 }", "{ mem: 1, store: 2 }", "{ memory: 1k, disk: 2KB }",
    "{ max_memory: 1, max_store: 2 }", "{ max_disk: 1G }", "{ MAX_MEM: 1G }", "{ max_mem: -1 }",
    '{ max_mem: "1G" }', "{ max_mem: true }", "{ max_mem: 1.5 }", "{ max_mem: [] }",
    '{ max_file: "x" }', "{ max_streams: 1, max_consumers: 2 }", "{ streams: 1, consumers: 2 }",
    '{ max_streams: "5" }', '{ streams: "5" }', '{ max_consumers: "5" }', "{ consumers: true }",
    "{ max_bytes_required: true }", "{ max_stream_bytes: false }", "{ max_bytes: on }",
    "{ max_bytes_required: 1 }", '{ max_bytes: "true" }', "{ mem_max_stream_bytes: 1 }",
    "{ memory_max_stream_bytes: 1 }", "{ disk_max_stream_bytes: 1 }",
    "{ store_max_stream_bytes: 1 }", '{ mem_max_stream_bytes: "x" }',
    '{ disk_max_stream_bytes: "x" }', "{ max_ack_pending: 5 }", '{ max_ack_pending: "x" }',
    "{ cluster_traffic: system }", "{ cluster_traffic: owner }", '{ cluster_traffic: "" }',
    "{ cluster_traffic: other }", "{ cluster_traffic: OWNER }", "{ cluster_traffic: 5 }",
    "{ colour: red }", "{ max_storage: 5 }", "{ enabled: true }", "{ v: 5, max_mem: $v }",
    "{ R1: { max_mem: 1 } }", "{ R1: { max_mem: 1 }, R3: {} }", "{ tiers: { R1: {} } }",
]  # fmt: skip
_LIMITS = [
    "{}", "5", "[]", '"x"', "{ max_connections: 5 }", "{ max_conn: 5, max_subs: 6, max_pay: 7 }",
    "{ max_subscriptions: -1, max_payload: 0 }", "{ max_leafnodes: 1 }", "{ max_leafs: 1 }",
    '{ max_connections: "x" }', "{ max_subs: true }", "{ max_payload: 1.5 }", "{ max_conns: 5 }",
    "{ max_imports: 5 }", "{ v: 5, max_subs: $v }", "{ max_leafs: x }",
]  # fmt: skip
_USERS = [
    "[]", "[{user: a, password: p}]", "{user: a}", "5", "[a]", "[5 ]", "[{password: p}]",
    "[{user: a}, {user: a}]", "[{user: a}, {user: b}]", "[{user: a, colour: red}]", "[{user: 5}]",
    "[{username: a, pass: p, permissions: {publish: x}}]", "[{user: a, permissions: {read: x}}]",
    "[{user: a, permissions: {publish: 'a..b'}}]", "[{user: a, clients: [standard, mqtt]}]",
    "[{user: a, clients: carrier}]", "[{user: a}, {password: p}, {user: b}]",
    "[{user: a, password: $2a$11$abcdefghijklmnopqrstuv}]",
]  # fmt: skip
TEXTS = [
    *(f"\naccounts {{\n  A {{\n    jetstream: {value}\n  }}\n}}\n" for value in _JETSTREAM),
    *(f"\naccounts {{\n  A {{\n    limits: {value}\n  }}\n}}\n" for value in _LIMITS),
    *(f"\naccounts {{\n  A {{\n    users: {value}\n  }}\n}}\n" for value in _USERS),
    "\naccounts: []\n",
    "\naccounts {}\n",
    "\naccounts: [A]\n",
    "\naccounts: [A, B]\n",
    "\naccounts: [A, A]\n",
    "\naccounts: [A, A, B, B]\n",
    '\naccounts: ["$G"]\n',
    '\naccounts: ["$SYS"]\n',
    '\naccounts: [A, "$G", A]\n',
    "\naccounts: [5 ]\n",
    "\naccounts: [A, {}]\n",
    "\naccounts {A: 5}\n",
    "\naccounts {A: B}\n",
    "\naccounts {A: []}\n",
    "\naccounts {A: {}, B: {}}\n",
    "\naccounts {A: {}, A: {}}\n",
    "\naccounts {A {}, a {}}\n",
    "\naccounts {A {colour: red}}\n",
    "\naccounts {A {c: 5, limits {max_subs: $c}}}\n",
    "\naccounts {c: 5, A {limits {max_subs: $c}}}\n",
    "\naccounts {c {max_subs: 5}, A {limits: $c}}\n",
    "\naccounts {'A B' {}, \"C\" {}}\n",
    "\nACCOUNTS {A {Users: [{User: a}], LIMITS {MAX_SUBS: 5}, JetStream: on}}\n",
    "\naccounts {$G {}}\n",
    "\naccounts {'$G' {users: [{user: a}]}}\n",
    "\naccounts {$SYS {users: [{user: a, password: p}]}}\n",
    "\naccounts {'$SYS' {}, A {}}\n",
    "\naccounts {A {default_permissions: {publish: a}, users: [{user: a}]}}\n",
    "\naccounts {A {default_permissions: 5}}\n",
    "\naccounts {A {permissions: {publish: a}}}\n",
    "\naccounts {A {users: [{user: a}]}, B {users: [{user: b}]}}\n",
    "\naccounts {A {users: [{user: a}]}, B {limits {max_subs: 5}}}\nno_auth_user: a\n",
    "\nno_auth_user: a\naccounts {A {users: [{user: a}]}}\n",
    "\nno_auth_user: 5\naccounts {A {users: [{user: a}]}}\n",
    "\naccounts {A {users: [{user: a}]}}\nauthorization {users: [{user: b}]}\n",
    "\naccounts {A {}}\nauthorization {user: b, password: p}\n",
    "\naccounts {A {users: []}}\nauthorization {token: t}\n",
    "\naccounts {A {}}\nsystem_account: A\n",
    "\naccounts {A {}}\nsystem: A\n",
    "\naccounts {A {jetstream: true}, $SYS {}}\nsystem_account: $SYS\n",
    "\naccounts {A {}}\nsystem_account: 5\n",
    "\naccounts {A {imports: []}}\n",
    "\naccounts {A {exports: []}}\n",
    "\naccounts {A {mappings: {}}}\n",
    "\naccounts {A {maps: {}}}\n",
]


# Their order is that of Go's maps, or they go on after a Go panic: only the place is compared.
_LOOSE = re.compile(
    r"Expected users field|user entry|account limits to be|Expected permissions to be"
)


def _comparable(output: str) -> list[str]:
    # Theirs points at the end of the entry.
    return [re.sub(r"^a.conf:\S+ (?=User entry requires)", "", each) for each in complaints(output)]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_accounts(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(text, tmp_path, monkeypatch, recorded, _comparable, {_LOOSE: LINE})


# Complaints about users that stand in two places: which place is named follows, in the real
# server, the random order of its maps.
TWICE = {
    "\naccounts {A {users: [{user: a}]}, B {users: [{user: a}]}}\n": 'Duplicate user "a" detected',
    "\naccounts {A {users: [{user: a}]}}\nauthorization {users: [{user: a}]}\n": (
        'Duplicate user "a" detected'
    ),
    "\nauthorization {users: [{user: a}]}\naccounts {A {users: [{user: a}]}}\n": (
        'Duplicate user "a" detected'
    ),
    "\nauthorization {user: x}\naccounts {A {users: [{user: a}]}}\n": (
        "Can not have a single user/pass and accounts"
    ),
    "\naccounts {A {users: [{user: a}]}}\nauthorization {user: x}\n": (
        "Can not have a single user/pass and a users array"
    ),
    "\nauthorization {token: x}\naccounts {A {users: [{user: a}]}}\n": (
        "Can not have a token and accounts"
    ),
    "\naccounts {A {users: [{user: a}]}}\nauthorization {token: x}\n": (
        "Can not have a token and a users array"
    ),
}


@pytest.mark.parametrize("text", TWICE, ids=ascii)
def test_users_in_two_places(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    (tmp_path / NAME).write_text(text)

    def ask() -> dict[str, int | bool]:
        done = run_reference(*CHECK, folder=tmp_path)
        named = done.stderr.rstrip().endswith(tuple(TWICE.values()))
        return {"exit": done.returncode, "one of the complaints": named}

    assert recorded.of(ask) == {"exit": 1, "one of the complaints": True}
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1
    assert output.rstrip().endswith(TWICE[text])


# Where we refuse on purpose what the check of the real server lets pass.
STRICTER = {
    "accounts: A\n": "it would be ignored",
    "accounts: 5\n": "it would be ignored",
    "system_account: nope\n": "the server would not start",
    "accounts {A {}}\nsystem_account: B\n": "the server would not start",
    'system_account: "$G"\n': "two accounts in one",
    "jetstream: on\naccounts {$SYS {jetstream: on}}\n": "the server would not start",
    "jetstream: on\naccounts {A {jetstream: on}, B {}}\nsystem_account: A\n": (
        "the server would not start"
    ),
    "jetstream: on\naccounts {'a/b' {jetstream: on}}\n": "its folder would be in another's",
    "jetstream: on\naccounts {'..' {jetstream: on}}\n": "its folder would be the store's parent",
    'accounts: ["\\xff"]\n': "it can not be shown",
    'accounts {A {users: [{user: "\\xff"}]}}\n': "it can not be shown",
    "no_auth_user: b\naccounts {A {users: [{user: a}]}}\n": "the server would not start",
}


@pytest.mark.parametrize("text", STRICTER, ids=ascii)
def test_refused_with_one_line(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).write_text(text)
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1
    assert output.startswith("nats-server: ")
    assert output.count("\n") == 1
