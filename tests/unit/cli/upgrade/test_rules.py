"""What an upgrade breaks: each rule with what it concerns, and with what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_cli.servers.upgrade.acks import left_out
from pynats_cli.servers.upgrade.facts import Facts, Live
from pynats_cli.servers.upgrade.from_config import source_of_config
from pynats_cli.servers.upgrade.from_jwt import source_of_jwt, sources_of_store
from pynats_cli.servers.upgrade.rules import judge, parse_version
from pynats_common.jwt import AccountClaims, UserClaims, encode
from pynats_common.nkeys import Prefix, create_pair

NEWEST = (2, 16, 0)


def found(facts: Facts, now: tuple[int, int, int] = (2, 10, 0), target: Any = NEWEST) -> list[str]:
    return [
        f"{each.severity} {each.rule} {each.place.rpartition('/')[2]}".strip()
        for each in judge(facts, now, target)
        if each.severity != "note"
    ]


def config(tmp_path: Path, text: str) -> Facts:
    file = tmp_path / "a.conf"
    file.write_text(text)
    return Facts([source_of_config(str(file))])


@pytest.mark.parametrize(
    ("pattern", "others", "wanted"),
    [
        ("$JS.ACK.ORDERS.>", [], "$JS.ACK.*.*.ORDERS.>"),
        ("$JS.ACK.ORDERS.worker.>", [], "$JS.ACK.*.*.ORDERS.worker.>"),
        ("$JS.ACK.*.*.*.*.*.*.*", [], "$JS.ACK.*.*.*.*.*.*.*.*.*"),
        ("$JS.FC.ORDERS.>", [], "$JS.FC.*.*.ORDERS.>"),
        ("$JS.ACK.ORDERS.>", ["$JS.ACK.*.*.ORDERS.>"], ""),
        ("$JS.ACK.ORDERS.>", ["$JS.>"], ""),
        ("$JS.ACK.>", [], ""),
        ("$JS.ACK.*.*.ORDERS.>", [], ""),
        ("$JS.API.>", [], ""),
        (">", [], ""),
        ("orders.>", [], ""),
    ],
)
def test_who_is_left_out_by_new_subjects(pattern: str, others: list[str], wanted: str) -> None:
    assert left_out(pattern, others) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("server_name: 'a b'\n", ["breaks names-with-spaces a.conf:1:1"]),
        ("cluster { name: 'a b' }\n", ["breaks names-with-spaces a.conf:1:11"]),
        ("server_name: ab\n", []),
        ("leafnodes { no_advertise: true }\n", ["warning leaf-no-advertise a.conf:1:13"]),
        (
            "leaf { remotes: [{url: x, request_isolation: true}] }\n",
            ["warning leaf-isolation a.conf:1:27"],
        ),
        (
            'authorization { users: [{user: a, permissions: {publish: ["$JS.ACK.S.>"]}}] }\n',
            ["breaks ack-subjects a.conf:1:49"],
        ),
        (
            'authorization { users: [{user: a, permissions: {publish: ["$JS.ACK.S.>"]}}] }\n'
            "feature_flags { js_ack_fc_v2: false }\n",
            ["warning ack-subjects a.conf:1:49"],
        ),
        ('authorization { default_permissions: {publish: ["$JS.ACK.>"]} }\n', []),
        (
            'accounts { A { exports: [{service: "$JS.ACK.S.>"}] } }\n',
            ["breaks ack-subjects a.conf:1:27"],
        ),
        (
            'accounts { A { exports: [{service: "x"}] },'
            ' B { imports: [{service: {account: A, subject: "$JS.FC.S.>"}}] } }\n',
            ["breaks ack-subjects a.conf:1:82"],
        ),
        (
            'authorization { users: [{user: a, permissions: {publish: {allow: [">"], '
            'deny: ["$JS.ACK.S.>"]}}}] }\n',
            ["breaks ack-subjects a.conf:1:73"],
        ),
        (
            'authorization { users: [{user: a, permissions: {publish: {allow: ["x"], '
            'deny: ["$JS.ACK.S.>"]}}}] }\n',
            [],
        ),
        (
            'authorization { users: [{user: a, permissions: {publish: '
            '["$JS.API.STREAM.TEMPLATE.CREATE.*"]}}] }\n',
            ["warning stream-templates a.conf:1:49"],
        ),
    ],
)  # fmt: skip
def test_configurations(tmp_path: Path, text: str, wanted: list[str]) -> None:
    assert found(config(tmp_path, text)) == wanted


def live(count: int, own: int = -1, account: int = -1, version: str = "2.14.8") -> Facts:
    info = {"config": {"name": "S", "max_consumers": own}, "state": {"consumer_count": count}}
    return Facts([], Live("n1", version, True, account, [info]))


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (live(1000), ["breaks default-max-consumers n1 stream S"]),
        (live(800), ["warning default-max-consumers n1 stream S"]),
        (live(799), []),
        (live(1500, own=2000), []),
        (live(1500, account=5000), []),
        (live(1, version="2.14.3"), ["warning older-servers n1"]),
        (live(1, version="2.12.1"), ["breaks older-servers n1", "warning older-servers n1"]),
    ],
)
def test_running_servers(facts: Facts, wanted: list[str]) -> None:
    assert found(facts) == wanted


def test_a_configured_limit_of_consumers_counts(tmp_path: Path) -> None:
    facts = live(1500)
    facts.sources = config(tmp_path, "jetstream {limits {default_max_consumers: -1}}\n").sources
    assert found(facts) == []


def test_only_releases_on_the_way_count(tmp_path: Path) -> None:
    facts = config(tmp_path, 'server_name: "a b"\nleafnodes { no_advertise: true }\n')
    assert found(facts, (2, 11, 3), (2, 14, 0)) == []
    assert found(facts, (2, 10, 0), (2, 14, 0)) == ["breaks names-with-spaces a.conf:1:1"]
    assert found(facts, (2, 14, 0), (2, 15, 0)) == ["warning leaf-no-advertise a.conf:2:13"]


def test_jwts_of_users_roles_and_accounts(tmp_path: Path) -> None:
    account, user = create_pair(Prefix.ACCOUNT), create_pair(Prefix.USER)
    claims = UserClaims(sub=user.public_key, name="u")
    claims.nats.pub.allow = ["$JS.ACK.S.>"]
    (tmp_path / "u.jwt").write_text(encode(claims, account))
    assert found(Facts([source_of_jwt(str(tmp_path / "u.jwt"))])) == ["breaks ack-subjects u.jwt"]
    owner = AccountClaims(sub=account.public_key, name="A")
    owner.nats.default_permissions.pub.allow = ["$JS.FC.S.>"]
    (tmp_path / "a.jwt").write_text(encode(owner, account))
    assert found(Facts(sources_of_store(str(tmp_path)))) == [
        "breaks ack-subjects a.jwt", "breaks ack-subjects u.jwt",
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "version"), [("2.15", (2, 15, 0)), ("v2.16.0-dev", (2, 16, 0))])
def test_versions(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "2", "two", "2.1.2.3"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        parse_version(text)
