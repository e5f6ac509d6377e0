"""The checks of an archive, each with what makes it fail."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.commands.audit.report import as_markdown, as_text
from pynats_cli.errors import CliError
from pynats_cli.servers.audit import layout
from pynats_cli.servers.audit.analysis import TYPE, analyze, cut, load_report
from pynats_cli.servers.audit.catalog import CHECKS
from pynats_cli.servers.audit.snapshot import Snapshot
from pynats_cli.servers.audit.writing import ArchiveWriter
from pynats_cli.servers.system.archive import Archive

NOW = "2026-01-01T00:00:00Z"
META = {"leader": "n1", "replicas": [{"name": "n2", "current": True}]}
MONITORED = "io.nats.monitor.enabled"


def healthy(name: str) -> dict[str, dict[str, Any]]:
    """What a good server says, by kind."""
    return {
        "variables": {"version": "2.15.1", "now": NOW, "cores": 2, "cpu": 10, "mem": 1000,
                      "auth_required": True, "tls_cert_not_after": "2027-01-01T00:00:00Z"},
        "health": {"status": "ok", "status_code": 200},
        "jetstream_info": {"config": {"max_memory": 1000, "max_storage": 1000}, "memory": 10,
                           "storage": 10, "ha_assets": 3, "streams": 1, "meta_cluster": META},
        "gateways": {"outbound_gateways": {"B": {}}, "inbound_gateways": {}},
        "leafs": {"leafs": [{"name": "leaf"}]},
    }  # fmt: skip


def a_stream() -> dict[str, Any]:
    return {
        "name": "S", "cluster": {"leader": "n1"},
        "config": {"max_msgs": 100, "metadata": {}, "num_replicas": 1},
        "state": {"messages": 10, "last_seq": 10, "num_subjects": 1, "consumer_count": 1},
        "consumer_detail": [{"name": "C", "num_pending": 9, "config": {"metadata": {}}}],
    }  # fmt: skip


class System:
    """Two servers and a stream, as an archive keeps them; tests spoil it."""

    def __init__(self) -> None:
        self.servers = {name: healthy(name) for name in ("n1", "n2")}
        self.clusters = {"n1": "C", "n2": "C"}
        self.streams = {name: a_stream() for name in ("n1", "n2")}
        self.account: dict[str, Any] = {"client_connections": 5, "subscriptions": 5}

    def write(self, path: Path) -> Path:
        with ArchiveWriter(path) as archive:
            for name, kinds in self.servers.items():
                cluster = self.clusters[name]
                server = {"name": name, "cluster": cluster}
                for artifact, data in kinds.items():
                    document = {"server": server, "data": data}
                    archive.add_page(layout.server_folder(cluster, name, artifact), document)
                where = layout.account_folder("A", cluster, name, "account_info")
                archive.add_page(where, {"server": server, "data": self.account})
                archive.add_page(layout.stream_folder("A", "S", cluster, name), self.streams[name])
            about = {"capture_timestamp": NOW, "connect_url": "nats://h:1"}
            archive.add_special(
                layout.METADATA, "audit_gather_metadata", json.dumps(about).encode()
            )
        return path


def report_of(path: Path, *skip: str) -> dict[str, Any]:
    with Archive(path) as archive:
        return analyze(Snapshot(archive), skip)


def found(report: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """Outcome and examples of what did not pass."""
    return {
        row["check"]["code"]: (row["outcome_string"], row["examples"].get("examples", []))
        for row in report["checks"] if row["outcome"]
    }  # fmt: skip


def test_a_healthy_system_passes(tmp_path: Path) -> None:
    report = report_of(System().write(tmp_path / "a.zip"))
    assert found(report) == {}
    assert report["type"] == TYPE
    assert report["outcomes"] == {"PASS": 21, "WARN": 0, "FAIL": 0, "SKIP": 0}


def _versions(system: System) -> None:
    system.servers["n2"]["variables"]["version"] = "2.14.0"


def _health(system: System) -> None:
    system.servers["n2"]["health"] = {"status": "unavailable", "status_code": 503}


def _cpu(system: System) -> None:
    system.servers["n1"]["variables"]["cpu"] = 199


def _slow(system: System) -> None:
    system.servers["n1"]["variables"]["slow_consumers"] = 7


def _memory(system: System) -> None:
    system.servers["n1"]["jetstream_info"]["memory"] = 901


def _domain(system: System) -> None:
    system.servers["n1"]["jetstream_info"]["config"]["domain"] = "a b"


def _open(system: System) -> None:
    del system.servers["n1"]["variables"]["auth_required"]


def _certificate(system: System) -> None:
    system.servers["n1"]["variables"]["tls_cert_not_after"] = "2026-01-04T00:00:00Z"
    system.servers["n2"]["variables"]["tls_cert_not_after"] = "2026-01-21T00:00:00Z"


def _account(system: System) -> None:
    system.account["decoded_jwt"] = {"nats": {"limits": {"conn": 5, "subs": -1}}}


def _outlier(system: System) -> None:
    system.servers["n1"]["variables"]["mem"] = 10_000


def _gateways(system: System) -> None:
    system.servers["n2"]["gateways"]["outbound_gateways"] = {}


def _assets(system: System) -> None:
    system.servers["n1"]["jetstream_info"]["ha_assets"] = 1001


def _cluster_name(system: System) -> None:
    system.clusters = {"n1": "C 1", "n2": "C 1"}


def _leaf(system: System) -> None:
    system.servers["n1"]["leafs"]["leafs"] = [{"name": "le af"}]


def _offline(system: System) -> None:
    replicas = [{"name": "n2", "offline": True}]
    system.servers["n1"]["jetstream_info"]["meta_cluster"] = META | {"replicas": replicas}


def _leaders(system: System) -> None:
    system.servers["n2"]["jetstream_info"]["meta_cluster"] = META | {"leader": "n2"}


def _lag(system: System) -> None:
    system.streams["n2"]["state"]["last_seq"] = 8


def _subjects(system: System) -> None:
    system.streams["n1"]["state"]["num_subjects"] = 1_000_001


def _limit(system: System) -> None:
    system.streams["n1"]["state"]["messages"] = 91


def _monitored(system: System) -> None:
    system.streams["n1"]["config"]["metadata"] = {
        MONITORED: "true", "io.nats.monitor.msgs-critical": "10",
        "io.nats.monitor.subjects-warn": "5",
    }  # fmt: skip


def _monitored_consumer(system: System) -> None:
    system.streams["n1"]["consumer_detail"][0]["config"]["metadata"] = {
        MONITORED: "true", "io.nats.monitor.unprocessed-critical": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "code", "outcome", "examples"),
    [
        (_versions, "SERVER_002", "FAIL", ["n1 - 2.15.1", "n2 - 2.14.0"]),
        (_health, "SERVER_001", "WARN", ["n2: 503 - unavailable"]),
        (_cpu, "SERVER_003", "FAIL", ["C - n1: 99.5%"]),
        (_slow, "SERVER_004", "WARN", ["C/n1: 7 slow consumers"]),
        (_memory, "SERVER_005", "WARN", ["n1 memory usage: 901 B of 1000 B"]),
        (_domain, "SERVER_006", "WARN", ["Cluster C Server n1 Domain a b"]),
        (_open, "SERVER_007", "WARN", ["n1: authentication not required"]),
        (_certificate, "SERVER_008", "FAIL", [
            "C/n1 server TLS certificate expires in 72h0m0s "
            "(expires_at=2026-01-04 00:00:00 +0000 UTC)",
            "C/n2 server TLS certificate expires in 480h0m0s "
            "(expires_at=2026-01-21 00:00:00 +0000 UTC)"]),
        (_account, "ACCOUNTS_001", "WARN", [
            "account A (on n1) using 100.0% of connections limit (5/5)",
            "account A (on n2) using 100.0% of connections limit (5/5)"]),
        (_outlier, "CLUSTER_001", "WARN", ["Cluster C avg: 5.4 KiB, server n1: 9.8 KiB"]),
        (_gateways, "CLUSTER_002", "FAIL",
         ["Cluster C, outbound gateways server n2: [] != server n1: [B]"]),
        (_assets, "CLUSTER_003", "WARN", ["n1: 1001 HA assets"]),
        (_cluster_name, "CLUSTER_004", "FAIL", ["Cluster: C 1"]),
        (_leaf, "LEAF_001", "FAIL", ["Cluster C: [le af]"]),
        (_offline, "META_001", "FAIL", ["C - n1 reports peer n2 as offline"]),
        (_leaders, "META_002", "FAIL",
         ["Members of C disagree on meta leader (map[n1:[n1] n2:[n2]])"]),
        (_lag, "JETSTREAM_001", "FAIL",
         ["A/S server n2 lastSequence: 8 is behind highest lastSequence: 10 on server: n1"]),
        (_subjects, "JETSTREAM_002", "WARN", ["A/S: 1000001 subjects"]),
        (_limit, "JETSTREAM_003", "WARN",
         ["stream S (in A on n1) using 91.0% of messages limit (91/100)"]),
        (_monitored, "JETSTREAM_004", "FAIL",
         ["CRITICAL: stream S in A: 10 messages", "WARNING: stream S in A: 1 subjects"]),
        (_monitored_consumer, "JETSTREAM_005", "FAIL",
         ["CRITICAL: consumer C in stream S in A: Unprocessed Messages: 9"]),
    ],
)  # fmt: skip
def test_each_check(
    spoil: Callable[[System], None], code: str, outcome: str, examples: list[str], tmp_path: Path
) -> None:
    system = System()
    spoil(system)
    assert found(report_of(system.write(tmp_path / "a.zip"))) == {code: (outcome, examples)}


def test_every_check_has_a_case() -> None:
    mark = next(mark for mark in test_each_check.pytestmark if mark.name == "parametrize")
    assert {case[1] for case in mark.args[1]} == {check.code for check in CHECKS}


def test_checks_are_left_out_and_codes_must_exist(tmp_path: Path) -> None:
    path = System().write(tmp_path / "a.zip")
    report = report_of(path, "SERVER_001")
    assert report["skipped_checks"] == ["SERVER_001"]
    assert report["outcomes"]["SKIP"] == 1
    with pytest.raises(CliError, match="unknown check NOPE"):
        report_of(path, "NOPE")


def test_what_an_archive_lacks_is_not_passed(tmp_path: Path) -> None:
    system = System()
    for kinds in system.servers.values():
        del kinds["health"]
    outcomes = found(report_of(system.write(tmp_path / "a.zip")))
    assert outcomes == {"SERVER_001": ("SKIP", [])}


def test_an_archive_without_manifest_and_metadata_is_unfinished(tmp_path: Path) -> None:
    whole, part = System().write(tmp_path / "a.zip"), tmp_path / "part.zip"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(part, "w") as out:
        for name in source.namelist():
            if "/misc/" not in name:
                out.writestr(name, source.read(name))
    with Archive(part) as archive:
        snapshot = Snapshot(archive)
        assert not snapshot.complete
        assert [each.stream for each in snapshot.streams] == ["S", "S"]
        assert found(analyze(snapshot)) == {}


def test_an_archive_of_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ArchiveWriter(path) as archive:
        archive.add_special(layout.LOG, "audit_gather_log", b"")
    with Archive(path) as opened, pytest.raises(CliError, match="holds no answers"):
        Snapshot(opened)


def test_an_archive_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(RuntimeError), ArchiveWriter(path) as archive:
        archive.add("capture/x", (), b"data")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CliError, match="failed to create archive"):
        ArchiveWriter(tmp_path / "none" / "a.zip")


def test_names_become_safe_parts_of_paths() -> None:
    folder, tags = layout.stream_folder("../../x", "S", "", "n/1")
    assert ".." not in folder.split("/")
    assert folder == "capture/accounts/.._.._x/streams/S/replicas/unclustered__n_1/stream_info"
    assert dict(tags)["account"] == "../../x"
    assert layout.component("..") == "__"
    with pytest.raises(CliError, match="more than 9999 pages"):
        layout.page("x", 10_000)


def test_reports_are_cut_shown_and_read_again(tmp_path: Path) -> None:
    system = System()
    _versions(system)
    report = report_of(system.write(tmp_path / "a.zip"))
    shown = as_text(report, "a.zip", 1)
    assert "[FAIL] [SERVER_002]" in shown
    assert " - ... and 1 more ..." in shown
    assert "Connection Server: nats://h:1" in shown
    (row,) = [row for row in cut(report, 1)["checks"] if row["outcome"]]
    assert row["examples"]["examples"] == ["n1 - 2.15.1"]
    assert "|2|n2 - 2.14.0|" in as_markdown(report)
    saved = tmp_path / "report.json"
    saved.write_text(json.dumps(report))
    assert load_report(saved) == report
    saved.write_text("{}")
    with pytest.raises(CliError, match="is no report"):
        load_report(saved)


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(io.BytesIO(b"PK\x03\x04 nonsense").getvalue())
    with pytest.raises(CliError, match="cannot open archive"):
        Archive(path)
