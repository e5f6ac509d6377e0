"""Configurations about log-ins through the real server's `-t` and ours: verdict, place, words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pynats_common.nkeys import Prefix

from tests.conformance.config.check import LINE, check_verdict, complaints, ours
from tests.support.records import Recorded
from tests.support.signing import key_of, public_key

ANN, BOB = public_key("ann"), public_key("bob")
SEED = key_of("ann").seed
ACCOUNT, SERVER = public_key("a", Prefix.ACCOUNT), public_key("s", Prefix.SERVER)
_KEYS = [
    ANN,
    ACCOUNT,
    SERVER,
    ANN.lower(),
    ANN[:-1],
    ANN[:-1] + ("A" if ANN[-1] != "A" else "B"),
    f"{ANN} ",
    "junk",
    '""',
    "5",
    "1.5",
    "true",
    "[]",
    "{}",
    f"[{ANN}]",
]
_ENTRIES = [
    f"{{nkey: {ANN}, user: a}}",
    f"{{nkey: {ANN}, password: p}}",
    f"{{nkey: {ANN}, pass: p}}",
    f"{{nkey: {ANN}, username: a, password: p}}",
    f'{{nkey: {ANN}, user: ""}}',
    '{nkey: "", user: a}',
    '{nkey: "", user: ""}',
    "{nkey: junk, user: a}",
    f"{{NKEY: {ANN}}}",
    f"{{nkey: {ANN}, colour: red}}",
    f"{{nkey: {ANN}, permissions: {{publish: a}}}}",
    f"{{nkey: {ANN}, permissions: {{read: a}}}}",
    f"{{nkey: {ANN}, permissions: 5}}",
    f"{{nkey: {ANN}, allowed_connection_types: [STANDARD]}}",
    f"{{nkey: {ANN}, allowed_connection_types: standard}}",
    f"{{nkey: {ANN}, allowed_connection_types: [FOO]}}",
    f"{{nkey: {ANN}, clients: 5}}",
    f"{{nkey: {ANN}, proxy_required: true}}",
    f"{{nkey: {ANN}, proxy_required: 1}}",
    "{user: a, proxy_required: true}",
    "{user: a, proxy_required: false}",
    "{user: a, proxy_required: yes}",
    '{user: a, proxy_required: "true"}',
    "{user: a, proxy_required: []}",
    "{proxy_required: true}",
    "{user: a, PROXY_REQUIRED: true}",
    "{user: a, allowed_connection_types: []}",
    "{user: a, allowed_connection_types: {}}",
    "{user: a, allowed_connection_types: [STANDARD, BAR, FOO]}",
    "{user: a, token: t}",
    "{user: a, password: 5}",
    "{user: a, password: true}",
    "{user: a, password: []}",
    "{user: true}",
    "{user: []}",
    "{user: a, user: b}",
    f"{{user: {ANN}}}",
    "{}",
]
_LISTS = [
    f"[{{nkey: {ANN}}}, {{nkey: {BOB}}}]",
    f"[{{nkey: {ANN}}}, {{nkey: {ANN}}}]",
    f"[{{nkey: {ANN}}}, {{user: {ANN}}}]",
    f"[{{user: {ANN}}}, {{nkey: {ANN}}}]",
    f"[{{nkey: {ANN}}}, {{user: a}}]",
    f"[{{nkey: {ANN}}}, {{user: a}}, {{user: a}}]",
    f"[{{nkey: {ANN}}}, 5 ]",
    f"{{nkey: {ANN}}}",
    f"[{ANN}]",
]
_BLOCKS = [
    "proxy_required: true",
    "proxy_required: false",
    "proxy_required: on",
    '"proxy_required": true',
    "user: a, proxy_required: true",
    "token: t, proxy_required: true",
    "user: a, password: b, token: t",
    "password: b",
    "password: b, token: t",
    "user: a, token: t",
    'user: "", token: t',
    'user: "", password: ""',
    "timeout: 0",
    "timeout: -1",
    "timeout: 60",
    "timeout: 60.5",
    "timeout: 61",
    "timeout: 1000",
    'timeout: "60s"',
    'timeout: "61s"',
    'timeout: "2m"',
    'timeout: "x"',
    'timeout: "5"',
    "timeout: 1m",
    "timeout: true",
    "timeout: []",
    "timeout: {}",
    'timeout: "-1s"',
    "timeout: 0.0001",
    "nkey: " + ANN,
    "no_auth_user: a",
    f"user: a, users: [{{nkey: {ANN}}}]",
    f"token: t, users: [{{nkey: {ANN}}}]",
    f"password: p, users: [{{nkey: {ANN}}}]",
    "user: a, users: []",
    "token: t, users: []",
]
_PROXIES = [
    "{}",
    "[]",
    "5",
    "true",
    '"x"',
    "{trusted: []}",
    "{trusted: {}}",
    "{trusted: 5}",
    "{trusted: true}",
    f"{{trusted: {ANN}}}",
    f"{{trusted: [{ANN}]}}",
    "{trusted: [5 ]}",
    "{trusted: [[]]}",
    f"{{trusted: [{{key: {ANN}}}]}}",
    f"{{trusted: [{{key: {ACCOUNT}}}]}}",
    f"{{trusted: [{{key: {SERVER}}}]}}",
    f"{{trusted: [{{public_key: {ANN}}}]}}",
    f"{{trusted: [{{key: {ANN}}}, {{key: {BOB}}}]}}",
    f"{{trusted: [{{key: {ANN}}}, {{key: {ANN}}}]}}",
    f"{{trusted: [{{key: {ANN}, colour: red}}]}}",
    "{trusted: [{key: junk}]}",
    "{trusted: [{key: 5}]}",
    '{trusted: [{key: ""}]}',
    "{trusted: [{key: junk}, {key: trash}]}",
    "{trusted: [{key: []}]}",
    f"{{TRUSTED: [{{KEY: {ANN}}}]}}",
    "{colour: red}",
    "{trusted: [], colour: red}",
    f"{{trusted: [{{key: {ANN}}}], trusted: []}}",
]
_MORE = [
    *(f"proxy_protocol: {value}\n" for value in ("true", "false", "on", "1", '"x"', "[]", "{}")),
    f"accounts {{A {{users: [{{nkey: {ANN}}}]}}}}\nauthorization {{proxy_required: true}}\n",
    f"accounts {{A {{nkey: {ANN}}}}}\n",
    f"accounts {{A {{nkey: {ACCOUNT}}}}}\n",
    f"no_auth_user: {ANN}\nauthorization {{users: [{{nkey: {ANN}}}]}}\n",
    f"no_auth_user: {ANN}\naccounts {{A {{users: [{{nkey: {ANN}}}]}}}}\n",
    "no_auth_user: 5\n",
    "no_auth_user: []\n",
    'no_auth_user: ""\n',
    "authorization: []\n",
    "authorization: x\n",
    "AUTHORIZATION {USERS: [{USER: a, PASSWORD: b}]}\n",
]
TEXTS = [
    *(f"\nauthorization {{\n  users: [\n    {{nkey: {key}}}\n  ]\n}}\n" for key in _KEYS),
    *(f"\nauthorization {{\n  users: [\n    {entry}\n  ]\n}}\n" for entry in _ENTRIES),
    *(f"\naccounts {{\n  A {{\n    users: {users}\n  }}\n}}\n" for users in _LISTS),
    *(f"\nauthorization {{\n  users: {users}\n}}\n" for users in _LISTS),
    *(f"\nauthorization {{\n  {block}\n}}\n" for block in _BLOCKS),
    *(f"\nproxies: {proxies}\n" for proxies in _PROXIES),
    *(f"\n{text}" for text in _MORE),
]
# Go's words, or an order that is that of Go's maps: only the line is compared.
_LOOSE = re.compile(
    r"Expected users field|user entry|Expected permissions to be|Nkey users do not take|got int64|"
    r"got \[\]|got map|got string|got bool|unsupported type|nil pointer|Not a valid public nkey|"
    r"unknown field|invalid connection types|invalid proxy key|User entry requires"
)


def test_there_are_enough() -> None:
    assert len(set(TEXTS)) == len(TEXTS) >= 130


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_configuration(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(text, tmp_path, monkeypatch, recorded, complaints, {_LOOSE: LINE})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("proxies { trusted: [{}] }\n", 'proxy trusted key "" is invalid'),
        (f"no_auth_user: {BOB}\nauthorization {{ users: [{{nkey: {ANN}}}] }}\n", "not present"),
        (f"no_auth_user: {BOB}\n", "users/nkeys are not defined"),
        # Nobody could ever sign for this one; the real server takes it.
        (f"authorization {{ users: [{{nkey: {ANN}A}}] }}\n", "Not a valid public nkey"),
        # Of these the real server says something random, of its own inside.
        *(
            (f"authorization {{ {key} }}\n", "must be a string")
            for key in ("user: 5", "token: 5", "token: []", "token: true")
        ),
    ],
)
def test_the_check_refuses_more(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.conf").write_text(text)
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1 and complaint in output


@pytest.mark.parametrize(
    "text",
    [
        f"authorization {{ users: [{{nkey: {SEED}}}] }}\n",
        f"proxies {{ trusted: [{{key: {SEED}}}] }}\n",
        f"accounts {{ A {{ users: [{{nkey: {SEED}}}] }} }}\n",
    ],
)
def test_a_seed_in_the_wrong_place_is_not_repeated(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.conf").write_text(text)
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1 and SEED not in output
