"""`pynats audit` with a server: what is gathered, where it is kept, and how it is judged."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import KINDS, Cli, url_of
from tests.support.process import ServerProcess

ACCOUNTS = """
server_name: solo
accounts {
  APP { users [{user: app, password: app}], jetstream: enabled }
  SYS { users [{user: sys, password: sys}] }
}
system_account: SYS
no_auth_user: app
"""
LOGIN = ("--user", "sys", "--password", "sys")


@pytest.fixture(scope="module", params=KINDS)
def system_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server without a cluster that has a stream."""
    folder = tmp_path_factory.mktemp("audited")
    config = ACCOUNTS + f'jetstream {{ store_dir: "{folder / "store"}" }}'
    with ServerProcess(request.param, folder, config) as process:
        yield process


@pytest.fixture
def app(system_server: ServerProcess, make_cli: Callable[[str], Cli]) -> Cli:
    cli = make_cli(url_of(system_server))
    stream = {"name": "S", "subjects": ["s"], "storage": "file", "num_replicas": 1}
    consumer = {"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}}
    for subject, request in (
        ("STREAM.CREATE.S", stream), ("CONSUMER.DURABLE.CREATE.S.C", consumer),
    ):  # fmt: skip
        assert cli.run("req", f"$JS.API.{subject}", json.dumps(request), "--raw").code == 0
    return cli


def test_a_server_without_a_cluster_is_gathered(app: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    done = app.run("audit", "gather", "-o", str(path), *LOGIN)
    assert (done.code, done.out) == (0, ""), done.err
    assert "Discovered 1 streams in account APP" in done.err
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("capture/misc/manifest.json"))
        about = json.loads(archive.read("capture/misc/audit_gather_metadata.json"))
        info = json.loads(archive.read(
            "capture/accounts/APP/streams/S/replicas/unclustered__solo/stream_info/0001.json"
        ))  # fmt: skip
    assert [each["name"] for each in info["consumer_detail"]] == ["C"]
    assert names - {"capture/misc/manifest.json"} == set(manifest)
    assert about["connected_server_name"] == "solo"
    server = "capture/clusters/unclustered/solo/"
    assert {name[len(server) :] for name in names if name.startswith(server)} == {
        f"{kind}/0001.json" for kind in (
            "variables", "exp_variables", "connections", "routes", "gateways", "leafs", "subs",
            "jetstream_info", "accounts", "health",
        )
    }  # fmt: skip
    account = "capture/accounts/APP/servers/unclustered__solo/"
    kept = {name[len(account) :].split("/")[0] for name in names if name.startswith(account)}
    assert kept == {
        "account_connections", "account_leafs", "account_subs", "account_jetstream_info",
        "account_info", "account_raftz", "account_ipqueues",
    }  # fmt: skip
    assert not any(name.startswith("capture/accounts/SYS/streams") for name in names)

    judged = app.run("audit", "analyze", str(path), "--json")
    report = json.loads(judged.out)
    assert judged.code == 0
    assert {row["check"]["code"]: row["outcome_string"] for row in report["checks"]
            if row["outcome_string"] not in ("PASS", "WARN")} == {"SERVER_008": "SKIP"}  # fmt: skip


def test_parts_can_be_left_out(app: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    done = app.run(
        "audit", "gather", "-o", str(path), "--no-progress", "--no-server-profiles",
        "--no-account-endpoints", "--no-consumers", "--no-details", *LOGIN,
    )  # fmt: skip
    assert (done.code, len(done.err.splitlines())) == (0, 1)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        about = json.loads(archive.read("capture/misc/audit_gather_metadata.json"))
        log = archive.read("capture/misc/audit_gather_log.log").decode()
    assert "connect_url" not in about
    assert "Skipping server profiles gathering" in log
    assert not any("/profiles/" in name or "account_info" in name for name in names)


def test_a_failure_leaves_no_archive(app: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    denied = app.run("audit", "gather", "-o", str(path), "--timeout", "1s")
    assert (denied.code, path.exists()) == (1, False)
    assert "system privileges" in denied.err
    nowhere = app.run("audit", "gather", "-o", str(path), "--cluster", "NOPE", *LOGIN)
    assert (nowhere.code, path.exists()) == (1, False)
    assert "no server answered in cluster NOPE" in nowhere.err
    assert list(tmp_path.glob(".a.zip*")) == []


def test_reports_are_saved_once(app: Cli, tmp_path: Path) -> None:
    path, report = tmp_path / "a.zip", tmp_path / "report.json"
    app.run("audit", "gather", "-o", str(path), "--no-server-profiles", *LOGIN)
    arguments = ("audit", "analyze", str(path), "--save", str(report))
    assert app.run(*arguments).code == 0
    assert report.stat().st_mode & 0o777 == 0o600
    again = app.run(*arguments)
    assert again.code == 1
    assert "use --force" in again.err
    assert app.run(*arguments, "--force").code == 0
    shown = app.run("audit", "analyze", "--load", str(report))
    assert shown.out.startswith(f'NATS Audit Report "{report}" captured at 20')
    assert app.run("audit", "analyze", str(path), "--markdown").out.startswith("# NATS Audit")
    assert "archive path is required" in app.run("audit", "analyze").err


def test_the_table_of_checks(lone_cli: Cli) -> None:
    rows = json.loads(lone_cli.run("audit", "checks", "--json").out)
    assert len(rows) == 21
    assert rows[0]["configuration"]["connections"] == {
        "key": "connections", "check": "ACCOUNTS_001", "default": 90, "unit": "%",
        "description": "Alerting threshold as a fraction of configured connections limit",
    }  # fmt: skip
    assert "connections (90%), subscriptions (90%)" in lone_cli.run("audit", "ls").out
