"""Archives of `audit gather` as the source of reports."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.servers import system

from tests.cli.conftest import Cli


def answer(server: str, **data: Any) -> dict[str, Any]:
    return {"server": {"name": server, "id": server * 20, "cluster": "C"}, "data": data}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive.zip"
    files: dict[str, Any] = {
        "capture/clusters/C/n1/variables/0001.json": answer("n1", port=1),
        "capture/clusters/C/n2/variables/0001.json": answer("n2", port=2),
        "capture/clusters/C/n1/connections/0001.json": answer("n1", connections=[1, 2]),
        "capture/clusters/C/n1/connections/0002.json": answer("n1", connections=[3]),
        "capture/accounts/A/servers/C__n1/account_connections/0001.json": answer(
            "n1", connections=[2]
        ),
        "capture/accounts/A/servers/C__n1/account_raftz/0001.json": answer("n1", A={}),
        "capture/accounts/B/servers/C__n1/account_raftz/0001.json": answer("n1", B={}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, document in files.items():
            out.writestr(name, json.dumps(document))
        out.writestr("capture/clusters/C/n1/routes/0001.json", "{")
        out.writestr("capture/profiles/C/my__n1__goroutine_1.prof", b"stacks")
    return path


def ask(path: Path, kind: str, **more: Any) -> list[dict[str, Any]]:
    async def work() -> list[dict[str, Any]]:
        async with system.open_source(GlobalOptions(), str(path)) as source:
            return await source.ask(kind, **more)

    return asyncio.run(work())


def test_answers_of_a_kind_and_of_some_servers(archive: Path) -> None:
    assert [each["data"]["port"] for each in ask(archive, "VARZ")] == [1, 2]
    only = system.ServerFilter(name="n2")
    assert [each["data"]["port"] for each in ask(archive, "VARZ", servers=only)] == [2]


def test_pages_are_joined(archive: Path) -> None:
    (joined,) = ask(archive, "CONNZ", items="connections")
    assert joined["data"]["connections"] == [1, 2, 3]
    assert len(ask(archive, "CONNZ")) == 2


def test_answers_of_an_account_are_kept_apart(archive: Path) -> None:
    assert ask(archive, "CONNZ", account="A")[0]["data"]["connections"] == [2]
    assert ask(archive, "CONNZ", account="B") == []
    assert [list(each["data"]) for each in ask(archive, "RAFTZ")] == [["A"], ["B"]]
    assert [list(each["data"]) for each in ask(archive, "RAFTZ", account="B")] == [["B"]]


def test_profiles(archive: Path) -> None:
    with system.Archive(archive) as opened:
        ((server, profile, path),) = opened.profiles()
        assert (server, profile, opened.read(path)) == ("my__n1", "goroutine_1", b"stacks")


def test_what_is_no_archive_is_said(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("readme", "")
    text = tmp_path / "text"
    text.write_text("hello")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(archive.read_bytes()[:-30])
    for path, said in (
        (other, "is no archive of audit gather"),
        (text, "cannot open archive"),
        (cut, "cannot open archive"),
        (tmp_path / "none", "cannot open archive .*No such file"),
    ):
        with pytest.raises(CliError, match=said):
            ask(path, "VARZ")
    with pytest.raises(CliError, match=r"invalid JSON in capture.*routes"):
        ask(archive, "ROUTEZ")
    with pytest.raises(CliError, match="an archive holds no STATSZ"):
        ask(archive, "STATSZ")


def test_a_damaged_file_in_an_archive_is_said(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    at = data.index(b"variables/0001.json") + len(b"variables/0001.json") + 2
    data[at : at + 8] = b"\xff" * 8
    archive.write_bytes(data)
    with pytest.raises(CliError, match=r"cannot read capture.*variables"):
        ask(archive, "VARZ")


def stream(name: str, level: str, consumers: dict[str, str]) -> dict[str, Any]:
    def config(needs: str) -> dict[str, Any]:
        return {"metadata": {"_nats.req.level": needs}} if needs else {}

    detail = [{"name": each, "config": config(needs)} for each, needs in consumers.items()]
    return {"name": name, "config": config(level), "consumer_detail": detail,
            "state": {"messages": 5}}  # fmt: skip


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    """Two servers with replicas of the same streams of account A; A's totals are of `n1`."""
    found = [
        stream("OLD", "", {"NEW": "1", "PLAIN": ""}),
        stream("TTL", "1", {"C": "0"}),
        stream("BATCH", "2", {}),
    ]
    path = tmp_path / "streams.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name in ("n1", "n2"):
            data = {"accounts": 1, "account_details": [{"name": "A", "stream_detail": found}]}
            document = {"server": {"name": name, "id": name * 28, "cluster": "C"}, "data": data}
            out.writestr(f"capture/clusters/C/{name}/jetstream_info/0001.json",
                         json.dumps(document))  # fmt: skip
        own = {"name": "A", "id": "A", "memory": 0, "storage": 70, "api": {"total": 3}}
        place = "capture/accounts/A"
        out.writestr(
            f"{place}/servers/C__n1/account_jetstream_info/0001.json",
            json.dumps({"server": {"name": "n1", "id": "n1" * 28}, "data": own}),
        )
        for each in found:
            where = f"{place}/streams/{each['name']}/replicas/C__n1/stream_info"
            out.writestr(f"{where}/0001.json", json.dumps(each))
    return path


@pytest.mark.parametrize(
    ("words", "found", "consumers"),
    [
        (["0"], {"BATCH": 2, "TTL": 1}, {("OLD", "NEW"): 1}),
        (["1"], {"BATCH": 2}, {}),
        (["0", "--all"], {"BATCH": 2, "TTL": 1}, {("OLD", "NEW"): 1, ("TTL*", "C"): 0}),
        (["2"], {}, {}),
    ],
)
def test_what_a_downgrade_would_lose(
    lone_cli: Cli,
    streams: Path,
    words: list[str],
    found: dict[str, int],
    consumers: dict[tuple[str, str], int],
) -> None:
    """Each once, however many replicas it has."""
    where = ("--archive", str(streams))
    done = lone_cli.run("server", "report", "downgrade", *words, "--json", *where)
    assert (done.code, done.err) == (0, "")
    data = json.loads(done.out)
    rows = data.get("streams", [])
    assert {row["name"]: row["api_level"] for row in rows} == found and len(rows) == len(found)
    assert {
        (row["stream"], row["name"]): row["api_level"] for row in data.get("consumers", [])
    } == consumers
    text = lone_cli.run("server", "report", "downgrade", *words, *where)
    if not found:
        assert text.out == "All assets are compatible with the specified API level.\n"
    assert ("Assets: Streams" in text.out) is bool(found)
    assert ("Assets: Consumers" in text.out) is bool(consumers)


def test_jetstream_of_an_account_in_an_archive(lone_cli: Cli, streams: Path) -> None:
    done = lone_cli.run("server", "report", "jetstream", "--account", "A", "--output", "csv",
                        "--archive", str(streams))  # fmt: skip
    assert done.code == 0, done.err
    text = lone_cli.run("server", "report", "jetstream", "--account", "A",
                        "--archive", str(streams))  # fmt: skip
    row = next(line for line in text.out.splitlines() if line.startswith("│ n1 "))
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:9] == ["n1", "C", "3", "3", "15", "70 B", "0 B", "70 B", "3"]
