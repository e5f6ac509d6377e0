"""`validate` finds what servers refuse, and servers take what it finds nothing in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.creds import encode_creds
from pynats_common.jwt.types import Export, Import
from pynats_common.nkeys import KeyPair, Prefix, create_pair, from_seed

from tests.cli.nsc.test_managed import AccountServer

Nsc = Callable[..., Any]


class Team:
    """Operator O with accounts A and B, and user U of A; direct access to what is stored."""

    def __init__(self, nsc: Nsc, home: Path) -> None:
        self.nsc = nsc
        self.root = home / ".local/share/nats/nsc/stores/O"
        self.keys = home / ".local/share/nats/nsc/keys"
        nsc("add", "operator", "O", "--sys")
        for name in "AB":
            nsc("add", "account", name)
            nsc("edit", "account", name, "--sk", "generate")
        nsc("add", "user", "U", "-a", "A")

    def path(self, account: str, user: str = "") -> Path:
        folder = self.root / "accounts" / account
        return folder / "users" / f"{user}.jwt" if user else folder / f"{account}.jwt"

    def account(self, name: str) -> jwt.AccountClaims:
        return jwt.decode_as(jwt.AccountClaims, self.path(name).read_text())

    def user(self, account: str = "A", name: str = "U") -> jwt.UserClaims:
        return jwt.decode_as(jwt.UserClaims, self.path(account, name).read_text())

    def key(self, public: str) -> KeyPair:
        place = self.keys / "keys" / public[0] / public[1:3] / f"{public}.nk"
        return from_seed(place.read_text())

    def store(self, path: Path, claims: jwt.Claims, signer: KeyPair, at: int = 0) -> None:
        path.write_text(jwt.encode(claims, signer, issued_at=at or None))
        if isinstance(claims, jwt.UserClaims):
            account, user = path.parent.parent.name, path.stem
            creds = self.keys / "creds/O" / account / f"{user}.creds"
            if creds.exists():
                creds.write_text(encode_creds(path.read_text(), self.key(claims.sub)))

    def found(self, code: int = 1) -> str:
        """The descriptions of all issues, below each other."""
        data = json.loads(self.nsc("validate", "-A", "-J", code=code).out)
        assert data["ok"] is (code == 0)
        return "\n".join(issue["description"] for entry in data["results"]
                         for issue in entry["issues"] if issue["level"] != "warning")  # fmt: skip


@pytest.fixture
def team(nsc: Nsc, home: Path) -> Team:
    made = Team(nsc, home)
    assert made.found(code=0) == ""
    return made


def removed_signing_key(team: Team) -> None:
    key = team.account("A").nats.signing_key_ids()[0]
    team.nsc("edit", "user", "U", "-a", "A", "--tag", "x", "-K", key)
    team.nsc("edit", "account", "A", "--rm-sk", key)


def unknown_signing_key(team: Team) -> None:
    stranger, claims = create_pair(Prefix.ACCOUNT), team.user()
    claims.nats.issuer_account = team.account("A").sub
    team.store(team.path("A", "U"), claims, stranger)


def expired_user(team: Team) -> None:
    team.nsc("edit", "user", "U", "-a", "A", "--expiry", "-1d")


def user_of_tomorrow(team: Team) -> None:
    team.nsc("edit", "user", "U", "-a", "A", "--start", "1d")


def revoked_user(team: Team) -> None:
    team.nsc("revocations", "add-user", "U", "-a", "A")


def everyone_revoked(team: Team) -> None:
    team.nsc("revocations", "add-user", "-a", "A", "-u", "*")


def bearer_not_allowed(team: Team) -> None:
    team.nsc("edit", "user", "U", "-a", "A", "--bearer")
    team.nsc("edit", "account", "A", "--disallow-bearer")


def own_key_of_a_strict_account(team: Team) -> None:
    operator = jwt.decode_as(jwt.OperatorClaims, (team.root / "O.jwt").read_text())
    signing = create_pair(Prefix.OPERATOR)
    identity = team.key(operator.sub)
    operator.nats.signing_keys = [signing.public_key]
    operator.nats.strict_signing_key_usage = True
    team.store(team.root / "O.jwt", operator, identity)
    for name in ("A", "B", "SYS"):
        team.store(team.path(name), team.account(name), signing)


def own_key_of_a_strict_operator(team: Team) -> None:
    team.nsc("edit", "operator", "--sk", "generate")
    operator = jwt.decode_as(jwt.OperatorClaims, (team.root / "O.jwt").read_text())
    operator.nats.strict_signing_key_usage = True
    team.store(team.root / "O.jwt", operator, team.key(operator.sub))
    key = team.account("A").nats.signing_key_ids()[0]
    for name in ("B", "SYS"):
        team.nsc("edit", "account", name, "--tag", "x", "-K", operator.nats.signing_keys[0])
    team.nsc("edit", "user", "U", "-a", "A", "--tag", "x", "-K", key)


def account_of_another_operator(team: Team) -> None:
    team.store(team.path("A"), team.account("A"), create_pair(Prefix.OPERATOR))


def self_signed_account(team: Team) -> None:
    claims = team.account("A")
    team.store(team.path("A"), claims, team.key(claims.sub))


def expired_account(team: Team) -> None:
    team.nsc("edit", "account", "A", "--expiry", "-1d")


def too_many_imports(team: Team) -> None:
    claims, operator = team.account("A"), jwt.decode((team.root / "O.jwt").read_text())
    team.nsc("add", "export", "-a", "B", "-s", "x")
    claims.nats.imports = [Import(name="x", subject="x", account=team.account("B").sub,
                                  type="stream")]  # fmt: skip
    claims.nats.limits.imports = 0
    team.store(team.path("A"), claims, team.key(operator.sub))


def limits_below_a_scoped_key(team: Team) -> None:
    team.nsc("edit", "signing-key", "-a", "A", "--sk", "generate", "--role", "r")
    (scope,) = (key for key in team.account("A").nats.signing_keys if not isinstance(key, str))
    claims = team.user()
    claims.nats.issuer_account = team.account("A").sub
    team.store(team.path("A", "U"), claims, team.key(scope.key))


def role_that_cannot_be_filled_in(team: Team) -> None:
    team.nsc("edit", "signing-key", "-a", "A", "--sk", "generate", "--role", "r",
             "--deny-pub", "{{tag(team)}}.x")  # fmt: skip
    team.nsc("delete", "user", "U", "-a", "A", "-D", "-C")
    team.nsc("add", "user", "U", "-a", "A", "-K", "r")


REFUSED: list[tuple[Callable[[Team], None], str]] = [
    (removed_signing_key, "no longer has the key that signed it"),
    (unknown_signing_key, "no longer has the key that signed it"),
    (expired_user, "claim is expired"),
    (user_of_tomorrow, "claim is not yet valid"),
    (revoked_user, "the account has revoked it"),
    (everyone_revoked, "the account has revoked it"),
    (bearer_not_allowed, "does not allow bearer tokens"),
    (own_key_of_a_strict_account, "signed by the account's own key"),
    (own_key_of_a_strict_operator, "signed by the operator's own key"),
    (account_of_another_operator, "not signed by the operator"),
    (self_signed_account, "self-signed"),
    (expired_account, "claim is expired"),
    (too_many_imports, "more imports than allowed"),
    (limits_below_a_scoped_key, "no permissions or limits"),
    (role_that_cannot_be_filled_in, "no tag team:"),
]


@pytest.mark.parametrize(("spoil", "words"), REFUSED, ids=[row[0].__name__ for row in REFUSED])
def test_what_servers_refuse_is_found(
    spoil: Callable[[Team], None], words: str, team: Team
) -> None:
    spoil(team)
    assert words in team.found()


@pytest.mark.parametrize("spoil", [row[0] for row in REFUSED], ids=lambda spoil: spoil.__name__)
def test_servers_refuse_what_is_found(
    spoil: Callable[[Team], None], team: Team, start_server: Callable[[str], Any]
) -> None:
    spoil(team)
    server = start_server(team.nsc("generate", "config", "--mem-resolver").out)
    team.nsc("tool", "rtt", "-a", "A", "-u", "U", "--nats", server.url, code=1)


def test_an_operator_that_cannot_sign_is_found(team: Team) -> None:
    operator = jwt.decode_as(jwt.OperatorClaims, (team.root / "O.jwt").read_text())
    operator.nats.strict_signing_key_usage = True
    team.store(team.root / "O.jwt", operator, team.key(operator.sub))
    assert "signing keys are required" in team.found()


def test_a_user_that_was_copied_to_another_account_is_found(team: Team) -> None:
    team.path("B", "U").parent.mkdir()
    shutil.copy(team.path("A", "U"), team.path("B", "U"))
    assert "belongs to another account (A)" in team.found()
    assert team.nsc("validate", "-a", "A").out.count("No issues found") == 3


def test_an_account_that_was_copied_is_found(team: Team) -> None:
    team.path("C").parent.mkdir()
    shutil.copy(team.path("A"), team.path("C"))
    assert 'the key of account "A"' in team.found()


def test_a_self_signed_account_of_a_managed_operator_is_found(nsc: Nsc, home: Path) -> None:
    zoom = AccountServer()
    try:
        nsc("init", "-u", zoom.url, "-n", "A")
        nsc("validate", "-A")
    finally:
        zoom.close()
    nsc("edit", "account", "A", "--tag", "x")  # its server does not answer: it stays self-signed
    shown = nsc("validate", "-A", code=1)
    assert "self-signed" in shown.out


def grant(team: Team, **changes: Any) -> None:
    """A private export of B and the import of A that it grants."""
    team.nsc("add", "export", "-a", "B", "-s", "p.>", "-p")
    signer = team.account("B").nats.signing_key_ids()[0]
    token = team.nsc("generate", "activation", "-a", "B", "-s", "p.x", "-t", "A", "-K", signer).out
    file = team.root.parent / "token"
    file.write_text(token)
    team.nsc("add", "import", "-a", "A", "-u", str(file))
    file.unlink()
    assert team.found(code=0) == ""


def test_imports_that_are_not_granted_any_longer_are_found(team: Team) -> None:
    grant(team)
    team.nsc("revocations", "add_activation", "-a", "B", "-s", "p.>", "-t", "A")
    assert "has revoked its token" in team.found()
    team.nsc("revocations", "delete_activation", "-a", "B", "-s", "p.>", "-t", "A")
    key = team.account("B").nats.signing_key_ids()[0]
    team.nsc("edit", "account", "B", "--rm-sk", key)
    assert "no longer has the key of its token" in team.found()
    team.nsc("delete", "export", "-a", "B", "-s", "p.>")
    assert 'account "B" does not export it' in team.found()


def test_imports_without_the_token_that_they_need_are_found(team: Team) -> None:
    team.nsc("add", "export", "-a", "B", "-s", "s.*")
    team.nsc("add", "import", "-a", "A", "--src-account", "B", "--remote-subject", "s.x")
    team.found(code=0)
    team.nsc("add", "import", "-a", "A", "--src-account", "B", "--remote-subject", "s.y",
             "--service")  # fmt: skip
    assert "does not export it" in team.found()
    team.nsc("delete", "import", "-a", "A", "-s", "s.y")
    team.nsc("edit", "export", "-a", "B", "-s", "s.*", "--private")
    assert "requires an activation token" in team.found()


def test_json_has_the_findings_and_the_table_their_marks(team: Team) -> None:
    team.nsc("revocations", "add-user", "U", "-a", "A")
    data = json.loads(team.nsc("validate", "-a", "A", "-J", code=1).out)
    assert data["ok"] is False
    assert data["messages"] == [{"level": "ERR", "message": "validation found problems"}]
    operator, account, user = data["results"]
    assert operator == {"kind": "operator", "name": "O", "ok": True, "issues": []}
    assert (account["kind"], account["name"], account["ok"]) == ("account", "A", True)
    assert user == {
        "kind": "user", "name": "U", "ok": False,
        "issues": [{"level": "error", "blocking": True,
                    "description": "the account has revoked it"}],
    }  # fmt: skip
    assert "| 1 | ! | the account has revoked it |" in team.nsc("validate", "-A", code=1).out


def test_lines_of_a_file_belong_to_the_account_that_they_name(team: Team, home: Path) -> None:
    token = team.path("A").read_text().strip()
    file = home / "packed"
    file.write_text(f"{team.account('A').sub}|{token}\n{token}\n")
    team.nsc("validate", "-f", str(file))
    file.write_text(f"{team.account('B').sub}|{token}\n")
    assert "it is the JWT of" in team.nsc("validate", "-f", str(file), code=1).out


def test_warnings_do_not_fail(team: Team) -> None:
    team.path("A", "U").rename(team.path("A", "V"))
    creds = team.keys / "creds/O/A"
    (creds / "U.creds").rename(creds / "V.creds")
    team.nsc("edit", "user", "V", "-a", "A", "--tag", "x")
    shown = team.nsc("validate", "-A")
    assert 'another name than the JWT ("U")' in shown.out
    creds.joinpath("V.creds").write_text(
        encode_creds(team.path("A").read_text(), team.key(team.user("A", "V").sub))
    )
    assert "its creds file has another JWT" in team.nsc("validate", "-A").out


RULES: list[tuple[str, Callable[[jwt.AccountClaims], None], str]] = [
    ("a local subject without the wildcard",
     lambda a: a.nats.imports.append(imported("s.*", local_subject="l")), "every * needs"),
    ("a local subject with another number",
     lambda a: a.nats.imports.append(imported("s.*", local_subject="l.$2")), "does not exist"),
    ("a local subject without the rest",
     lambda a: a.nats.imports.append(imported("s.>", local_subject="l")), "both end in >"),
    ("overlapping services",
     lambda a: a.nats.imports.extend([imported("q.*", "service"), imported("q.x", "service")]),
     "overlapping subject namespace"),
    ("a stream with a threshold",
     lambda a: a.nats.exports.append(Export(subject="e", type="stream", response_threshold=5)),
     "only services have"),
]  # fmt: skip
EXPORTER = create_pair(Prefix.ACCOUNT).public_key


def imported(subject: str, kind: str = "stream", **more: Any) -> Import:
    return Import(name="n", subject=subject, account=EXPORTER, type=kind, **more)


@pytest.mark.parametrize(("name", "spoil", "words"), RULES, ids=[row[0] for row in RULES])
def test_rules_of_exports_and_imports(
    name: str, spoil: Callable[[jwt.AccountClaims], None], words: str
) -> None:
    claims = jwt.new_account(create_pair(Prefix.ACCOUNT).public_key, "A")
    spoil(claims)
    assert words in "\n".join(issue.description for issue in jwt.validate(claims))


def test_rules_of_users_are_those_of_servers() -> None:
    claims = jwt.new_user(create_pair(Prefix.USER).public_key, "U")
    for network in ("10.0.0.1", "10.0.0.0/255.0.0.0", "x"):
        claims.nats.src = [network]
        assert [issue.description for issue in jwt.validate(claims)] == [
            f"invalid cidr {network!r} in user src limits"
        ]
    claims.nats.src = ["10.0.0.1/8", "fd00::/8"]
    assert jwt.validate(claims) == []
    claims.nats.locale = "Nowhere/Else"
    assert "unknown time zone" in jwt.validate(claims)[0].description
