"""`server config lint` and `explain`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pynats_cli.servers.configfile.explaining import UnknownKey, explain
from pynats_cli.servers.configfile.lint import lint
from pynats_common.config import ConfigError, parse
from pynats_common.serverkeys import load_keys

RECORDS = Path(__file__).resolve().parents[3] / "conformance/config/records"
RECORDED = (
    "test_accounts_against_reference",
    "test_config_against_reference",
    "test_jetstream_config_against_reference",
    "test_resolver_config_against_reference",
)
CASE = r"^=== test_(?!digest)\w+\[([\"'].*)\]\nexit: 0"
BASE = "listen: 127.0.0.1:4222\n"


def found(text: str, rules: tuple[str, ...] = ()) -> list[str]:
    shown = [finding for finding in lint(text, "a.conf", {}) if not rules or finding.rule in rules]
    return [f"{finding.line}:{finding.column} {finding.rule}" for finding in shown]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("prot: 1\n", ["2:1 unknown-key"]),
        ("jetstream {\n  store_dir: /d\n  domian: x\n}\n", ["4:3 unknown-key"]),
        ("X: 1\nmax_payload: $X\n", []),
        ("accounts { A { jetstraem: 1 } }\n", ["2:16 unknown-key", "1:1 no-tls"][:1]),
        ("cluster { rutes: [] }\n", ["2:11 unknown-key"]),
        ("max_connections: many\n", ["2:1 kind"]),
        ("debug: 1\n", ["2:1 kind"]),
        ("write_deadline: soon\n", ["2:1 kind"]),
        ("ping_interval: 30\n", ["2:1 deprecated"]),
        ("max_conn: 1\nmax_connections: 2\n", ["3:1 same-key"]),
        ("max_conn: 1\nmax_conn: 2\n", ["3:1 doubled-key"]),
        ("port: [\n", ["3:1 syntax"]),
        ("authorization { password: x, user: y }\n", ["2:17 plaintext-password"]),
        ("authorization { password: $P, user: y }\n", []),
        ('authorization { token: "$2a$11$W2zko751KUvVy59mUTWmpO" }\n', []),
        ("debug: true\n", ["2:1 logging"]),
        ("max_payload: 9MB\n", ["2:1 large-payload"]),
        ("max_payload: 100MB\n", ["2:1 limits", "2:1 large-payload"]),
        ("jetstream: true\n", ["2:1 temporary-storage"]),
        ("jetstream: {store_dir: /tmp/x}\n", ["2:13 temporary-storage"]),
        ("http: 0.0.0.0:8222\n", ["2:1 open-monitoring"]),
        ("http: 127.0.0.1:8222\n", []),
        ("cluster { port: 6222 }\n", ["2:1 open-peers"]),
        ("tls { insecure: true }\n", ["2:7 insecure-tls"]),
    ],
)  # fmt: skip
def test_what_is_found(text: str, wanted: list[str]) -> None:
    assert found(BASE + text) == wanted


def test_open_doors() -> None:
    assert found("port: 4222\n") == ["1:1 no-authorization"]
    assert found("port: 4222\naccounts { A {} }\n") == ["1:1 no-tls"]
    assert found("port: 4222\naccounts { A {} }\ntls { cert_file: a, key_file: b }\n") == []


def test_an_unknown_key_comes_with_a_suggestion() -> None:
    (finding,) = lint(BASE + "jetstream { store_dir: /d, domian: x }\n", "a.conf", {})
    assert str(finding) == (
        'a.conf:2:28: error: unknown field "domian" in "jetstream" (did you mean "domain"?)'
    )


def accepted() -> list[str]:
    """Texts that the real server has taken, by the records."""
    texts = []
    for name in RECORDED:
        record = (RECORDS / f"{name}.txt").read_text()
        for case in re.findall(
            r"^=== test_(?!digest)\w+\[([\"'].*)\]\nexit: 0", record, re.MULTILINE
        ):
            texts.append(ast.literal_eval(case.encode().decode("unicode_escape")))
    return texts


def test_nothing_that_a_server_takes_is_an_error() -> None:
    texts = accepted()
    assert len(texts) > 100
    for text in texts:
        errors = [str(each) for each in lint(text, "a.conf", {}) if each.severity == "error"]
        assert errors == [], text


def test_included_files_are_looked_at_at_their_place(tmp_path: Path) -> None:
    (tmp_path / "inner.conf").write_text("\nprot: 1\n")
    findings = lint(f"{BASE}include inner.conf\n", str(tmp_path / "a.conf"), {})
    assert [str(each) for each in findings] == [
        f'{tmp_path}/inner.conf:2:1: error: unknown field "prot" (did you mean "port"?)'
    ]


def test_toml_is_looked_at_too() -> None:
    findings = lint('listen = "127.0.0.1:4222"\nprot = 1\nmax_payload = "1MB"\n', "a.toml", {})
    assert [(each.line, each.rule) for each in findings] == [(2, "unknown-key")]


def test_explaining_a_key() -> None:
    (key,) = explain("jetstream.limits.duplicate_window")
    assert (key.kind, key.default, key.reloadable) == ('duration ("30s", "2m")', "0s", True)
    assert key.example == 'jetstream {\n  limits {\n    duplicate_window: "30s"\n  }\n}'


def test_a_name_alone_is_explained_where_it_is() -> None:
    assert [key.path for key in explain("max_leafnodes")] == ["accounts.limits.max_leafnodes"]
    assert [key.path for key in explain("accounts.A.users.user")] == ["accounts.A.users.user"]
    assert "cluster.routes" in [key.path for key in explain("routes")]


@pytest.mark.parametrize(
    ("word", "near"),
    [("max_paylod", "max_payload"), ("jetstream.domian", "jetstream.domain"), ("qqqqq", "")],
)
def test_a_mistyped_key_is_suggested(word: str, near: str) -> None:
    with pytest.raises(UnknownKey) as raised:
        explain(word)
    suggestion = f' (did you mean "{near}"?)' if near else ""
    assert str(raised.value) == f'"{word}" is no key of the configuration{suggestion}'


def test_every_example_can_be_read_and_has_no_errors() -> None:
    keys = load_keys()
    for key in keys.every():
        for explanation in explain(key.path):
            try:
                parse(explanation.example)
            except ConfigError as error:
                pytest.fail(f"{key.path}: {error}")
            errors = [
                each
                for each in lint(explanation.example + "\n", "a.conf", {})
                if each.severity == "error"
            ]
            assert errors == [], explanation.example
