"""Backups over the network: whole or not at all, restored as they were."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.jetstream.backup import download
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.opening import open_source
from pynats_common import s2
from pynats_server.jetstream.store import FileConfig, open_store
from pynats_server.jetstream.store.file.snapshot import write_snapshot

from tests.cli.conftest import Cli
from tests.cli.preloading import preload
from tests.support import jetstream
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

preload("backup", also=("pynats_cli.jetstream.backup.screens",))

Api = Callable[..., dict[str, Any]]


def on_client(cli: Cli, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """What a coroutine does with a client of the server."""

    async def run() -> Any:
        client = await jetstream.connect(cli.environment["NATS_URL"])
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.fixture
def api(stream_cli: Cli) -> Api:
    """Asks the JetStream API."""

    def ask(subject: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = on_client(
            stream_cli, lambda client: jetstream.api(client, subject, request)
        )
        return answer

    return ask


def fill(cli: Cli, name: str, count: int, **config: Any) -> dict[str, Any]:
    """A stream with messages, a gap and a consumer that has read two; its information."""

    async def work(client: Any) -> dict[str, Any]:
        config.setdefault("subjects", [f"{name}.>"])
        request = {"name": name, "allow_direct": True, **config}
        assert "error" not in await jetstream.api(client, f"STREAM.CREATE.{name}", request)
        for number in range(1, count + 1):
            headers = {"H": str(number)} if number % 2 else None
            body = f"body {number}".encode()
            await client.request(f"{name}.{number % 3}", body, headers=headers)
        consumer = {
            "name": "C",
            "durable_name": "C",
            "ack_policy": "explicit",
            "deliver_policy": "all",
        }
        await jetstream.api(
            client, f"CONSUMER.CREATE.{name}.C", {"stream_name": name, "config": consumer}
        )
        for _ in range(2):
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{name}.C"
            message = await client.request(subject, b"1", old_style=True)
            await client.request(message.reply, b"+ACK")
        await jetstream.api(client, f"STREAM.MSG.DELETE.{name}", {"seq": 5})
        return await jetstream.api(client, f"STREAM.INFO.{name}", {"deleted_details": True})

    made: dict[str, Any] = on_client(cli, work)
    return made


def contents(cli: Cli, name: str) -> list[Any]:
    """Every message of a stream with its sequence, time and headers."""

    async def work(client: Any) -> list[Any]:
        found, seq = [], 1
        while True:
            request = {"seq": seq, "next_by_subj": ">"}
            answer = await jetstream.api(client, f"STREAM.MSG.GET.{name}", request)
            if "error" in answer:
                return found
            found.append(answer["message"])
            seq = answer["message"]["seq"] + 1

    made: list[Any] = on_client(cli, work)
    return made


def test_a_stream_comes_back_as_it_was(stream_cli: Cli, api: Api, tmp_path: Path) -> None:
    before, all_messages = fill(stream_cli, "WHOLE", 9), contents(stream_cli, "WHOLE")
    target = str(tmp_path / "b")
    taken = stream_cli.run("backup", "stream", "WHOLE", target)
    assert taken.code == 0, taken.err
    assert taken.err == ""  # no progress without a terminal
    mode = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "b").iterdir()}
    assert mode == {folders.META: 0o600, folders.ARCHIVE: 0o600}
    there = stream_cli.run("backup", "restore", "stream", target)
    assert there.err == 'pynats: error: Stream "WHOLE" already exist\n'
    api("STREAM.DELETE.WHOLE")
    restored = stream_cli.run("backup", "restore", "stream", target)
    assert restored.code == 0, restored.err
    assert "Information for Stream WHOLE created" in restored.out
    after = api("STREAM.INFO.WHOLE", {"deleted_details": True})
    assert after["state"] == before["state"]
    assert contents(stream_cli, "WHOLE") == all_messages
    consumer = api("CONSUMER.INFO.WHOLE.C")
    assert consumer["ack_floor"]["stream_seq"] == 2
    stream_cli.run("backup", "stream", "WHOLE", str(tmp_path / "none"), "--no-consumers")
    assert json.loads(
        stream_cli.run("backup", "info", str(tmp_path / "none"), "--json").out
    )["consumers"] == []  # fmt: skip


def test_a_backup_that_is_there_is_replaced_when_told(
    stream_cli: Cli, api: Api, tmp_path: Path
) -> None:
    fill(stream_cli, "AGAIN", 6)
    target = tmp_path / "b"
    assert stream_cli.run("backup", "stream", "AGAIN", str(target)).code == 0
    before = (target / folders.ARCHIVE).read_bytes()
    refused = stream_cli.run("backup", "stream", "AGAIN", str(target))
    assert (refused.code, refused.err) == (
        1, f"pynats: error: backup already exists in {target}\n",
    )  # fmt: skip
    assert (target / folders.ARCHIVE).read_bytes() == before
    api("STREAM.PURGE.AGAIN")
    assert stream_cli.run("backup", "stream", "AGAIN", str(target), "--force").code == 0
    assert stream_cli.run("backup", "validate", str(target)).out == (
        "OK: 3 entries, 1 consumers, 0 messages, 0 subjects, sequences 0 to 0\n"
    )


def test_a_damaged_archive_becomes_no_stream(stream_cli: Cli, api: Api, tmp_path: Path) -> None:
    fill(stream_cli, "HURT", 9)
    stream_cli.run("backup", "stream", "HURT", str(tmp_path))
    api("STREAM.DELETE.HURT")
    archive = tmp_path / folders.ARCHIVE
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    for line in (["validate"], ["info"], ["restore", "stream"]):
        failed = stream_cli.run("backup", *line, str(tmp_path))
        assert failed.code == 1, line
        assert failed.err.count("pynats: error: ") == 1
    assert api("STREAM.INFO.HURT")["error"]["err_code"] == 10059


def test_the_configuration_may_be_another(stream_cli: Cli, api: Api, tmp_path: Path) -> None:
    fill(stream_cli, "MOVED", 6)
    stream_cli.run("backup", "stream", "MOVED", str(tmp_path / "b"))
    api("STREAM.DELETE.MOVED")
    config = tmp_path / "config.json"
    meta = json.loads((tmp_path / "b" / folders.META).read_text())
    config.write_text(json.dumps({**meta["config"], "description": "another", "num_replicas": 3}))
    made = stream_cli.run(
        "backup", "restore", "stream", str(tmp_path / "b"), "--config", str(config),
        "--cluster", "east", "--tag", "ssd", "--replicas", "1", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    found = json.loads(made.out)["config"]
    assert found["description"] == "another"
    assert found["num_replicas"] == 1
    assert found["placement"] == {"cluster": "east", "tags": ["ssd"]}


def test_archives_of_earlier_servers_are_restored(
    stream_cli: Cli, api: Api, tmp_path: Path
) -> None:
    store = open_store(FileConfig(name="OLD", folder=tmp_path / "store"))
    for number in range(1, 4):
        store.append(b"OLD.%d" % number, None, b"body %d" % number, number)
    config = {"name": "OLD", "subjects": ["OLD.>"], "storage": "file", "retention": "limits"}
    meta = {**config, "created": "2024-01-01T00:00:00Z"}
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / folders.TAR).write_bytes(b"".join(write_snapshot(store, meta)))
    store.close()
    state = {"messages": 3, "first_seq": 1, "last_seq": 3}
    folders.write_meta(folder, {"config": config, "state": state})
    restored = stream_cli.run("backup", "restore", "stream", str(folder))
    assert restored.code == 0, restored.err
    assert len(contents(stream_cli, "OLD")) == 3
    unread = stream_cli.run("backup", "info", str(folder))
    assert "holds files, not messages" in unread.err


def test_an_account_has_a_folder_for_each_stream(
    make_cli: Callable[[str], Cli], tmp_path: Path
) -> None:
    async def play() -> None:
        async with jetstream.serving(tmp_path / "store") as (server, client):
            cli = make_cli(server.client_url)

            async def run(*words: str) -> Any:
                running = cli.start(*words)
                await wait_until_async(lambda: running.exit_code() is not None, "the end")
                return running.finish()

            for name in "AB":
                config = {"name": name, "subjects": [name]}
                await jetstream.api(client, f"STREAM.CREATE.{name}", config)
                await client.request(name, b"x")
            asked = await run("backup", "account", str(tmp_path / "b"))
            assert asked.code == 1
            assert "without a terminal" in asked.err
            done = await run("backup", "account", str(tmp_path / "b"), "-f")
            assert done.code == 0, done.err
            assert {path.name for path in (tmp_path / "b").iterdir()} == {"A", "B"}
            await jetstream.api(client, "STREAM.DELETE.B")
            refused = await run("backup", "restore", "account", str(tmp_path / "b"))
            assert 'stream "A" exists already' in refused.err
            assert "error" in await jetstream.api(client, "STREAM.INFO.B")
            skipped = await run(
                "backup", "restore", "account", str(tmp_path / "b"), "--skip-existing", "--json"
            )
            assert json.loads(skipped.out) == {"restored": ["B"], "skipped": ["A"], "failed": []}
            assert (await jetstream.api(client, "STREAM.INFO.B"))["state"]["messages"] == 1

    asyncio.run(play())


class Stalling:
    """The API of a server whose snapshots and restores stand still after one chunk."""

    def __init__(self, client: Any, end: bytes | None = None) -> None:
        self.client = client
        self.end = end
        self.chunks = 0

    async def start(self) -> None:
        await self.client.subscribe("$JS.API.STREAM.INFO.S", cb=self._info)
        await self.client.subscribe("$JS.API.STREAM.SNAPSHOT.S", cb=self._snapshot)
        await self.client.subscribe("$JS.API.STREAM.RESTORE.S", cb=self._restore)
        await self.client.subscribe("restoring", cb=self._take)
        await self.client.flush()

    async def _info(self, message: Any) -> None:
        if self.chunks < 0:
            await message.respond(b'{"error":{"err_code":10059,"description":"gone"}}')
            return
        about = {"config": {"name": "S"}, "state": {"bytes": 1}}
        await message.respond(json.dumps(about).encode())

    async def _snapshot(self, message: Any) -> None:
        about = {"config": {"name": "S"}, "state": {"bytes": 1}}
        await message.respond(json.dumps(about).encode())
        inbox = json.loads(message.data)["deliver_subject"]
        await self.client.publish(inbox, s2.encode_stream(b"NATSARC1"))
        if self.end is not None:
            headers = {"Status": "408", "Description": "No Flow Response"} if self.end else None
            await self.client.publish(inbox, b"", headers=headers)

    async def _restore(self, message: Any) -> None:
        await message.respond(b'{"deliver_subject":"restoring"}')

    async def _take(self, message: Any) -> None:
        self.chunks -= 1
        if self.end is not None:
            await message.respond(b'{"error":{"err_code":10062,"description":"restore failed"}}')


@on_loop
async def test_a_transfer_that_stands_still_ends(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(download, "IDLE_S", 0.3)
    client = await jetstream.connect(cli.environment["NATS_URL"])
    await Stalling(client).start()
    target = tmp_path / "b"
    taking = cli.start_patched("backup", "stream", "S", str(target), "--timeout", "300ms")
    await wait_until_async(lambda: taking.exit_code() is not None, "the end")
    assert (taking.exit_code(), taking.err()) == (
        1, "pynats: error: the backup stalled: no data for 0.3 seconds\n",
    )  # fmt: skip
    assert not target.exists()
    await client.close()


@pytest.mark.parametrize(
    ("end", "reason"),
    [(b"x", "snapshot failed: 408 No Flow Response"), (b"", "the archive has no end")],
)
def test_a_backup_that_ends_early_is_none(
    cli: Cli, end: bytes, reason: str, tmp_path: Path
) -> None:
    async def play() -> None:
        client = await jetstream.connect(cli.environment["NATS_URL"])
        await Stalling(client, end).start()
        taking = cli.start("backup", "stream", "S", str(tmp_path / "b"))
        await wait_until_async(lambda: taking.exit_code() is not None, "the end")
        assert taking.exit_code() == 1
        assert reason in taking.err()
        assert not (tmp_path / "b").exists()
        await client.close()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("end", "reason"),
    [(None, "the server stopped to take the data"), (b"", "restore failed (10062)")],
)
def test_a_restore_that_stands_still_or_is_refused_ends(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: bytes | None, reason: str
) -> None:
    monkeypatch.setattr(download, "IDLE_S", 0.3)
    folders.write_meta(tmp_path, {"config": {"name": "S"}, "state": {}})
    (tmp_path / folders.ARCHIVE).write_bytes(io.BytesIO(bytes(1 << 20)).getvalue())

    async def play() -> None:
        client = await jetstream.connect(cli.environment["NATS_URL"])
        server = Stalling(client, end)
        server.chunks = -1
        await server.start()
        restoring = cli.start_patched(
            "backup", "restore", "stream", str(tmp_path), "--timeout", "300ms"
        )
        await wait_until_async(lambda: restoring.exit_code() is not None, "the end")
        assert restoring.exit_code() == 1
        assert reason in restoring.err()
        assert -server.chunks <= 2 + 16 if end is None else True
        await client.close()

    asyncio.run(play())


def test_the_folder_is_read_without_a_server(lone_cli: Cli, tmp_path: Path) -> None:
    from pynats_cli.jetstream.backup.writing import encoded
    from pynats_common.archive import STATE, Entry

    folders.write_meta(tmp_path, {"config": {"name": "S", "subjects": ["s"]}, "state": {}})
    entries = [Entry(STATE, 1, 0, b"", b"{}"), Entry(b"s", 1, 1, b"", b"x")]
    (tmp_path / folders.ARCHIVE).write_bytes(b"".join(encoded(entries)))
    shown = lone_cli.run("backup", "info", str(tmp_path), "--subjects")
    assert shown.code == 0, shown.err
    assert "Declared State" in shown.out
    assert re.search(r"│ s +│ +1 │", shown.out)
    copy = tmp_path / "copy"
    assert lone_cli.run("backup", "edit", str(tmp_path), str(copy), "--obfuscate").code == 0
    name = open_source(copy).name
    looked = lone_cli.run("backup", "lookup", str(tmp_path / "copy.keys.json"), name, "other")
    assert looked.out == "S\nother\n"
