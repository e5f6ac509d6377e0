"""`auth_callout` through the real server's `-t` and ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pynats_common.nkeys import Prefix
from pynats_server.options import AccountOptions, AuthCallout, Authorization, Options, User
from pynats_server.server.server import Server, ServerError
from pynats_server.settings import startup_warnings

from tests.conformance.config.check import COLUMN, LINE, NAME, check_verdict, ours
from tests.support.callout import ISSUER, SERVICE_CURVE, key
from tests.support.records import Recorded

_I = ISSUER.public_key
_U = key(Prefix.USER).public_key
_BLOCKS = [
    f"issuer: {_I}, account: AUTH, auth_users: [auth]",
    f"issuer: {_I}, acc: AUTH, users: [auth], key: {SERVICE_CURVE.public_key}",
    f"ISSUER: {_I}, Account: AUTH, Auth_Users: [auth]",
    f"issuer: {_I}, account: AUTH, auth_users: [{_U}]",
    f"issuer: {_I}, account: AUTH, auth_users: [nobody]",
    f"issuer: {_I}, account: AUTH, auth_users: [auth, auth]",
    f"issuer: {_I}, auth_users: [auth]",
    f"issuer: {_I}, account: NOPE, auth_users: [auth]",
    f'issuer: {_I}, account: "", auth_users: [auth]',
    f'issuer: {_I}, account: "$G", auth_users: [auth]',
    f'issuer: {_I}, account: "$SYS", auth_users: [auth]',
    f"issuer: {_I}, account: 5, auth_users: [auth]",
    "",
    "account: AUTH",
    f"issuer: {_I}",
    f"issuer: {_I}, auth_users: []",
    f"issuer: {_I}, auth_users: auth",
    f"issuer: {_I}, auth_users: {{}}",
    f"issuer: {_I}, auth_users: [5 ]",
    'issuer: "", auth_users: [auth]',
    "issuer: ABC, auth_users: [auth]",
    f"issuer: {_U}, auth_users: [auth]",
    "issuer: 12, auth_users: [auth]",
    f"issuer: {_I}, auth_users: [auth], xkey: abc",
    f"issuer: {_I}, auth_users: [auth], xkey: {_U}",
    f'issuer: {_I}, auth_users: [auth], xkey: ""',
    f"issuer: {_I}, auth_users: [auth], allowed_accounts: [APP]",
    f"issuer: {_I}, auth_users: [auth], allowed_accounts: []",
    f"issuer: {_I}, auth_users: [auth], allowed_accounts: [APP, NOPE]",
    f'issuer: {_I}, auth_users: [auth], allowed_accounts: ["$G"]',
    f"issuer: {_I}, auth_users: [auth], allowed_accounts: APP",
    f"issuer: {_I}, auth_users: [auth], foo: 1",
]
_ACCOUNTS = "accounts { AUTH { users: [ {user: auth, password: auth} ] }, APP { } }\n"
TEXTS = [
    *(f"{_ACCOUNTS}authorization {{ auth_callout {{ {block} }} }}\n" for block in _BLOCKS),
    f"{_ACCOUNTS}authorization {{ auth_hook {{ {_BLOCKS[0]} }} }}\n",
    f"authorization {{ auth_callout {{ {_BLOCKS[0]} }} }}\n{_ACCOUNTS}",
    "\nauthorization { auth_callout: true }\n",
    "\nauthorization { auth_callout: 5 }\n",
    '\nauthorization { auth_callout: "x" }\n',
    f"authorization {{ user: auth, password: x, auth_callout {{ {_BLOCKS[6]} }} }}\n",
    f"authorization {{ token: x, auth_callout {{ {_BLOCKS[6]} }} }}\n",
    f"authorization {{ users: [{{user: auth}}], auth_callout {{ {_BLOCKS[6]} }} }}\n",
    f"authorization {{ auth_callout {{ {_BLOCKS[6]} }} }}\n",
]
# Theirs points at whichever key it read last, in random order; of the others it names Go's types.
_LOOSE = {
    re.compile("Authorization callouts require"): LINE,
    re.compile("field to be an array"): COLUMN,
}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_verdict(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(text, tmp_path, monkeypatch, recorded, loose=_LOOSE)


@pytest.mark.parametrize(
    ("block", "column"), [("", 17), ("account: AUTH", 32), (f"issuer: {_I}", 32)]
)
def test_what_is_missing_is_missed_at_the_last_key(
    block: str, column: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As recorded above, where one key cannot be before the other."""
    (tmp_path / NAME).write_text(f"\nauthorization {{ auth_callout {{ {block} }} }}\n")
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1
    assert f":2:{column}: Authorization callouts require" in output


@pytest.mark.parametrize("field", ["issuer", "xkey"])
def test_a_seed_is_not_repeated(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = ISSUER.seed if field == "issuer" else SERVICE_CURVE.seed
    block = {"issuer": _I, "auth_users": "[auth]", field: seed}
    shown = ", ".join(f"{name}: {value}" for name, value in block.items())
    (tmp_path / NAME).write_text(f"authorization {{ auth_callout {{ {shown} }} }}\n")
    code, output = ours(tmp_path, monkeypatch)
    assert code == 1
    assert seed not in output
    assert 'got "[REDACTED]"' in output


@pytest.mark.parametrize(
    ("callout", "fault"),
    [
        (AuthCallout(""), "require an issuer"),
        (AuthCallout(_I), "require authorized users"),
        (AuthCallout("x", auth_users=["a"]), "valid public account nkey"),
        (AuthCallout(_I, auth_users=["a"], xkey="x"), "valid public xkey"),
        (AuthCallout(_I, auth_users=["a"], allowed_accounts=["NOPE"]), '"NOPE" not found'),
    ],
)
def test_options_of_a_program_are_checked_alike(callout: AuthCallout, fault: str) -> None:
    with pytest.raises(ServerError, match=fault):
        Server(Options(authorization=Authorization(auth_callout=callout)), log=None)


def test_who_keeps_the_service_out_is_warned() -> None:
    options = Options(accounts={"AUTH": AccountOptions([User("auth", "$2a$")])})
    options.authorization.auth_callout = AuthCallout(_I, "AUTH", ["auth"])
    assert startup_warnings(options) == []
    options.authorization.auth_callout = AuthCallout(_I, "NOPE", ["nobody"])
    text = "\n".join(startup_warnings(options))
    assert 'there is no account "NOPE"' in text
    assert "none of the auth_users is configured" in text
