"""`pynats object`: files of any size, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.jetstream.objects import acked

from tests.cli.conftest import Cli, url_of
from tests.cli.preloading import preload
from tests.support import jetstream
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop
from tests.support.process import PYNATS, ServerProcess

preload("object", also=("pynats_cli.jetstream.objects.screens",))


@pytest.fixture
def bucket(stream_cli: Cli, request: pytest.FixtureRequest) -> str:
    """An empty bucket."""
    name = request.node.originalname.removeprefix("test_")[:60]
    assert stream_cli.run("object", "add", name).code == 0
    return str(name)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("size", [0, 1, 131_072, 131_073, 1_000_000])
def test_what_is_put_is_got(size: int, stream_cli: Cli, here: Path) -> None:
    stream_cli.run("object", "add", "SIZES")
    data = random.Random(size).randbytes(size)
    (here / "file").write_bytes(data)
    put = stream_cli.run("object", "put", "SIZES", "file", "-f", "--json")
    note = json.loads(put.out)
    assert (note["size"], note["chunks"]) == (size, -(-size // 131_072))
    assert put.err == ""  # no progress without a terminal
    assert stream_cli.run("object", "get", "SIZES", "file", "-O", "copy", "-f").code == 0
    assert (here / "copy").read_bytes() == data
    screen = stream_cli.run("object", "info", "SIZES", "file").out
    assert f"Digest: SHA-256 {hashlib.sha256(data).hexdigest()}" in screen


def test_standard_input_and_output_are_files_too(bucket: str, stream_cli: Cli, here: Path) -> None:
    data = bytes(range(256)) * 2000
    put = ["object", "put", bucket, "--name", "n", "--chunk-size", "1000"]
    assert stream_cli.run(*put, stdin=data).code == 0
    got = stream_cli.start("object", "get", bucket, "n", "--output", "-")
    assert got.finish().code == 0
    assert (got._folder / "out").read_bytes() == data
    assert not list(here.iterdir())
    assert not list(Path.cwd().glob("-"))


def test_names_are_paths_without_detours(bucket: str, stream_cli: Cli, here: Path) -> None:
    (here / "sub" / "dir").mkdir(parents=True)
    (here / "sub" / "dir" / "g").write_bytes(b"x")
    stream_cli.run("object", "put", bucket, "./sub//dir/../dir/g")
    stream_cli.run("object", "put", bucket, str(here / "sub" / "dir" / "g"))
    names = stream_cli.run("object", "ls", bucket, "--names").out.split()
    assert names == ["sub/dir/g", str(here / "sub" / "dir" / "g")]
    got = stream_cli.run("object", "get", bucket, "sub/dir/g")
    assert f"Wrote: 1 B to {here / 'g'} in " in got.out


def test_files_and_objects_are_replaced_when_told(bucket: str, stream_cli: Cli, here: Path) -> None:
    (here / "f").write_bytes(b"one")
    stream_cli.run("object", "put", bucket, "f")
    (here / "f").write_bytes(b"two")
    refused = stream_cli.run("object", "put", bucket, "f")
    assert refused.code == 1
    assert "without a terminal" in refused.err
    kept = stream_cli.run("object", "get", bucket, "f")
    assert kept.code == 1
    assert (here / "f").read_bytes() == b"two"
    assert stream_cli.run("object", "put", bucket, "f", "-f").code == 0
    assert stream_cli.run("object", "get", bucket, "f", "--output", "-").out == "two"
    # The chunks of the first are gone.
    info = json.loads(stream_cli.run("object", "info", bucket, "--json").out)
    assert info["state"]["messages"] == 2


def test_what_is_removed_is_not_there(bucket: str, stream_cli: Cli) -> None:
    stream_cli.run("object", "put", bucket, "--name", "n", stdin="x")
    assert stream_cli.run("object", "rm", bucket, "n", "-f").code == 0
    for line in (["rm", bucket, "n", "-f"], ["info", bucket, "n"], ["get", bucket, "n"]):
        refused = stream_cli.run("object", *line)
        assert (refused.code, refused.err) == (1, "pynats: error: nats: object not found\n")
    assert "DEL" in stream_cli.run("object", "watch", bucket, "--snapshot").out


def test_lists_are_in_the_order_of_storing(bucket: str, stream_cli: Cli) -> None:
    assert stream_cli.run("object", "ls", bucket, "--json").out == "[]\n"
    for name in ("z", "a"):
        stream_cli.run("object", "put", bucket, "--name", name, stdin=name)
    found = json.loads(stream_cli.run("object", "ls", bucket, "--json").out)
    assert [each["name"] for each in found] == ["z", "a"]


async def _api(stream_cli: Cli, subject: str, request: dict[str, Any]) -> dict[str, Any]:
    client = await jetstream.connect(stream_cli.environment["NATS_URL"])
    try:
        return await jetstream.api(client, subject, request)
    finally:
        await client.close()


@on_loop
async def _remove_message(stream_cli: Cli, stream: str, seq: int) -> None:
    assert (await _api(stream_cli, f"STREAM.MSG.DELETE.{stream}", {"seq": seq}))["success"]


def test_an_object_that_is_not_whole_is_not_written(
    bucket: str, stream_cli: Cli, here: Path
) -> None:
    put = ["object", "put", bucket, "--name", "n", "--chunk-size", "2"]
    stream_cli.run(*put, stdin="abcdef")
    _remove_message(stream_cli, f"OBJ_{bucket}", 2)
    failed = stream_cli.run("object", "get", bucket, "n")
    assert failed.code == 1
    assert failed.err == "pynats: error: received 4 bytes of an object of 6\n"
    assert not list(here.iterdir())


class Api:
    """Answers the JetStream API of one bucket on a server without it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.stored: list[bytes] = []
        self.acknowledged = 0

    async def start(self, acknowledged: int) -> None:
        self.acknowledged = acknowledged
        await self.client.subscribe("$JS.API.STREAM.INFO.OBJ_B", cb=self._info)
        await self.client.subscribe("$JS.API.STREAM.PURGE.OBJ_B", cb=self._purge)
        await self.client.subscribe("$JS.API.STREAM.MSG.GET.OBJ_B", cb=self._none)
        await self.client.subscribe("$O.B.>", cb=self._store)
        await self.client.flush()

    async def _info(self, message: Any) -> None:
        about = {"config": {"name": "OBJ_B"}, "state": {"bytes": 0}, "created": ""}
        await message.respond(json.dumps(about).encode())

    async def _purge(self, message: Any) -> None:
        await message.respond(b'{"success":true}')

    async def _none(self, message: Any) -> None:
        await message.respond(b'{"error":{"err_code":10037,"description":"no message found"}}')

    async def _store(self, message: Any) -> None:
        self.stored.append(message.data)
        if len(self.stored) <= self.acknowledged:
            await message.respond(b'{"stream":"OBJ_B","seq":1}')


@on_loop
async def test_a_transfer_that_stands_still_is_given_up(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acked, "IDLE_S", 0.3)
    client = await jetstream.connect(cli.environment["NATS_URL"])
    api = Api(client)
    await api.start(acknowledged=3)
    put = ["object", "put", "B", "--name", "n", "--chunk-size", "10", "--timeout", "300ms"]
    running = cli.start_patched(*put, stdin=b"x" * 1000)
    await wait_until_async(lambda: running.exit_code() is not None, "the end of the transfer")
    assert running.exit_code() == 1
    assert "the server stopped to acknowledge the data" in running.err()
    # No more were sent than may be on their way, and no note about the object.
    assert len(api.stored) == 3 + acked.WINDOW
    await client.close()


DENIED = """
jetstream {{ store_dir: "{folder}" }}
accounts {{ A {{ jetstream: enabled, users: [
  {{ user: app, password: app, permissions: {{ publish: {{ deny: ["$O.>"] }} }} }} ] }} }}
no_auth_user: app
"""


def test_what_the_server_refuses_is_said(make_cli: Callable[[str], Cli], tmp_path: Path) -> None:
    config = DENIED.format(folder=tmp_path / "store")
    (tmp_path / "server").mkdir()
    with ServerProcess(PYNATS, tmp_path / "server", config) as server:
        cli = make_cli(url_of(server))
        assert cli.run("object", "add", "B").code == 0
        refused = cli.run("object", "put", "B", "--name", "n", stdin="data")
    assert refused.code == 1
    assert "Permissions Violation for Publish" in refused.err
    assert refused.err.count("\n") == 1
