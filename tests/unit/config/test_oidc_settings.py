"""The `oidc` block: what it may say, and where complaints point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_server.options import OIDC_ALGORITHMS, Authorization, OidcIssuer, Options, Permissions
from pynats_server.options import SubjectPermission as Subjects
from pynats_server.server.server import Server, ServerError
from pynats_server.settings import SettingsError, diff

GOOD = "issuer: 'https://id.example/realm', audience: nats"


def load(folder: Path, text: str) -> Options:
    file = folder / "s.conf"
    file.write_text(text)
    return Options.load(file)


def block(text: str) -> str:
    return f"authorization {{\n  oidc {{ {text} }}\n}}\n"


def test_all_of_it(tmp_path: Path) -> None:
    text = """
accounts { APP { } }
authorization {
  oidc {
    issuer: "https://id.example/realm"
    audience: [nats, other]
    jwks_url: "https://id.example/keys"
    account: APP
    account_claim: tenant
    user_claim: preferred_username
    required_claims { azp: app, level: [1, 2], verified: true }
    permissions { publish: "u.{{claim(sub)}}.>", subscribe { deny: "secret.>" } }
    roles_claim: "realm_access.roles"
    roles { admin { publish: ">" }, reader { publish { deny: ">" } } }
    algorithms: [RS256, ES256]
    leeway: 5, timeout: "2s", refresh: "10m", retry: 60
  }
}
"""
    (found,) = load(tmp_path, text).authorization.oidc
    assert found == OidcIssuer(
        "https://id.example/realm",
        ["nats", "other"],
        "https://id.example/keys",
        "APP",
        "tenant",
        "preferred_username",
        {"azp": ["app"], "level": ["1", "2"], "verified": ["true"]},
        Permissions(Subjects(["u.{{claim(sub)}}.>"]), Subjects(None, ["secret.>"])),
        "realm_access.roles",
        {"admin": Permissions(Subjects([">"])), "reader": Permissions(Subjects(None, [">"]))},
        ["RS256", "ES256"],
        5.0, 2.0, 600.0, 60.0,
    )  # fmt: skip


def test_several_providers(tmp_path: Path) -> None:
    text = f"authorization {{ oidc: [{{ {GOOD} }}, {{ {GOOD.replace('realm', 'other')} }}] }}\n"
    first, second = load(tmp_path, text).authorization.oidc
    assert (first.issuer, second.issuer) == ("https://id.example/realm", "https://id.example/other")
    assert first.algorithms == list(OIDC_ALGORITHMS)
    assert load(tmp_path, "authorization { token: x }\n").authorization.oidc == []


@pytest.mark.parametrize(
    ("text", "place", "fault"),
    [
        ("audience: nats", "2:3", "an issuer is required"),
        ("issuer: 'https://id.example'", "2:3", "an audience is required"),
        ("issuer: 'https://id.example', audience: ''", "2:3", "an audience is required"),
        ("issuer: 'http://id.example', audience: a", "2:3", "must begin with https://"),
        ("issuer: 'id.example', audience: a", "2:3", "must be a URL with a host"),
        ("issuer: 'https://u:p@id.example', audience: a", "2:3", "without credentials"),
        (GOOD + ", jwks_url: 'http://id.example/k'", "2:3", "must begin with https://"),
        (GOOD + ", algorithms: [HS256]", "2:3", 'algorithm "HS256" is not one for public keys'),
        (GOOD + ", algorithms: [none]", "2:3", 'algorithm "none" is not one for public keys'),
        (GOOD + ", algorithms: []", "2:3", "algorithms is empty"),
        (GOOD + ", roles { a { publish: b } }", "2:3", "roles need a roles_claim"),
        (GOOD + ", roles_claim: r", "2:3", "roles_claim needs roles"),
        (GOOD + ", permissions { publish: 'a.{{tag(x)}}' }", "2:3", "only {{claim(name)}}"),
        (GOOD + ", timeout: 0", "2:3", "must be above zero"),
        (GOOD + ", colour: red", "2:62", 'unknown field "colour" in oidc'),
        (GOOD + ", issuer: 5", "2:62", "issuer"),
        (GOOD + ", required_claims: 5", "2:62", "required_claims must be a map"),
        (GOOD + ", required_claims { a: 1.5 }", "2:80", "texts, integers and booleans"),
        (GOOD + ", roles: x", "2:62", "roles must be a map"),
    ],
)
def test_complaints(text: str, place: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, block(text))
    (error,) = caught.value.errors
    assert fault in error
    assert f"s.conf:{place}: " in error


def test_one_issuer_stands_there_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="stands here twice"):
        load(tmp_path, f"authorization {{ oidc: [{{ {GOOD} }}, {{ {GOOD} }}] }}\n")
    with pytest.raises(SettingsError, match="must be a map or an array of maps"):
        load(tmp_path, "authorization { oidc: 5 }\n")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"issuer": ""}, "an issuer is required"),
        ({"audience": []}, "an audience is required"),
        ({"algorithms": ["HS256"]}, "not one for public keys"),
        ({"account": "NOPE"}, 'account "NOPE" is not among the accounts'),
        ({"retry": 0.0}, "above zero"),
    ],
)
def test_options_of_a_program_are_checked_alike(fields: dict[str, Any], fault: str) -> None:
    oidc = OidcIssuer(**({"issuer": "https://id.example", "audience": ["a"]} | fields))
    with pytest.raises(ServerError, match=fault):
        Server(Options(authorization=Authorization(oidc=[oidc])), log=None)


def test_it_can_be_reloaded() -> None:
    new = Options(authorization=Authorization(oidc=[OidcIssuer("https://id.example", ["a"])]))
    (change,) = diff(Options(), new)
    assert change.reloadable
    assert change.notices == ["Reloaded: authorization oidc"]
