"""Folders in a state that this server does not produce: it starts, serves what is intact, names
the rest, and deletes and changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from pynats_server.jetstream.store.format.meta_inf import meta_sum
from pynats_server.monitor.healthz_jetstream import check
from pynats_server.monitor.options import HealthzOptions

from tests.support.jetstream import api, connect, jetstream_server

Meta = dict[str, Any]


def with_meta(change: Callable[[Meta], bytes | None]) -> Callable[[Path], None]:
    """Another configuration with a valid checksum."""

    def work(folder: Path) -> None:
        meta = json.loads((folder / "meta.inf").read_bytes())
        data = change(meta) or json.dumps(meta).encode()
        (folder / "meta.inf").write_bytes(data)
        (folder / "meta.sum").write_bytes(meta_sum(folder.name, data))

    return work


ODD: dict[str, Callable[[Path], None]] = {
    "UNKNOWN_FIELD": with_meta(lambda meta: meta.update(of_the_future={"x": 1})),
    "WRONG_SUM": lambda folder: _write(folder / "meta.sum", b"0" * 16),
    "NO_META": lambda folder: (folder / "meta.inf").unlink(),
    "WRONG_TYPE": with_meta(lambda meta: meta.update(Created=5)),
    "NESTED": with_meta(lambda _: b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "OTHER_NAME": with_meta(lambda meta: meta.update(name="GOOD")),
    "HUGE_NUMBER": with_meta(lambda meta: meta.update(max_msgs=10**30)),
}


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def prepare(folder: Path) -> Path:
    async with jetstream_server(folder) as server:
        client = await connect(server.client_url)
        for name in ("GOOD", "CONSUMED", *ODD):
            config = {"name": name, "subjects": [name]}
            assert "error" not in await api(client, f"STREAM.CREATE.{name}", config)
            await client.request(name, b"kept")
        await client.close()
    streams = folder / "jetstream" / "$G" / "streams"
    for name, make_odd in ODD.items():
        make_odd(streams / name)
    _write(streams / "CONSUMED" / "obs" / "dur" / "meta.inf", b'{"durable_name":"dur"}')
    _write(streams / "CONSUMED" / "obs" / "dur" / "o.dat", bytes(30))
    _write(streams / "GOOD" / "msgs" / "77.blk.tmp", b"?")
    _write(streams / "stray", b"?")
    _write(folder / "jetstream" / "_meta_" / "state", b"?")
    _write(folder / "jetstream" / "OTHER" / "streams" / "S" / "meta.inf", b"{}")
    Path(os.fsdecode(os.fsencode(folder) + b"/jetstream/\xfe/streams/S")).mkdir(parents=True)
    (streams / "EMPTY").mkdir()
    Path(os.fsdecode(os.fsencode(streams) + b"/\xff")).mkdir()
    _write(streams / "NOTHING_KEPT" / "meta.inf", b"{}")
    (streams / "NOTHING_KEPT" / "msgs").mkdir()
    (streams / "LINK").symlink_to("/nonexistent")
    return streams


def test_nothing_is_deleted_on_doubt(tmp_path: Path) -> None:
    async def run() -> None:
        await prepare(tmp_path)
        before = contents(tmp_path)
        async with jetstream_server(tmp_path) as server:
            assert server.state.jetstream is not None
            broken = server.state.jetstream.accounts["$G"].broken
            assert set(broken) == {"EMPTY", "NOTHING_KEPT", "\ufffd"}
            assert all(broken.values())
            client = await connect(server.client_url)
            names = (await api(client, "STREAM.NAMES"))["streams"]
            assert names == sorted(["CONSUMED", "GOOD", *ODD])
            for name in ODD:
                refused = await api(client, f"STREAM.CREATE.{name}", {"name": name})
                assert refused["error"]["err_code"] == 10058, refused
                config = (await api(client, f"STREAM.INFO.{name}"))["config"]
                assert config["sealed"] and "subjects" not in config
                kept = await api(client, f"STREAM.MSG.GET.{name}", {"seq": 1})
                assert kept["message"]["subject"] == name
            refused = await api(client, "STREAM.CREATE.NOTHING_KEPT", {"name": "NOTHING_KEPT"})
            assert refused["error"]["err_code"] == 10049, refused
            request = HealthzOptions(details=True)
            jetstream, known = server.state.jetstream, server.state.accounts
            failures, warnings = await server.state.turns.run(
                "tests", server, check(jetstream, known, request)
            )
            named = {failure.about.stream for failure in failures}
            assert named >= {*ODD, "EMPTY", "NOTHING_KEPT", "\ufffd"}
            assert msgspec.json.encode([*(one.about for one in failures), *warnings])
            await client.close()
        after = contents(tmp_path)
        assert {name: after.get(name) for name in before} == before

    asyncio.run(run())


def test_an_empty_folder_does_not_block_its_name(tmp_path: Path) -> None:
    async def run() -> None:
        streams = await prepare(tmp_path)
        async with jetstream_server(tmp_path) as server:
            assert server.state.jetstream is not None
            client = await connect(server.client_url)
            made = await api(client, "STREAM.CREATE.EMPTY", {"name": "EMPTY"})
            assert "error" not in made
            assert "EMPTY" not in server.state.jetstream.accounts["$G"].broken
            await client.close()
        assert (streams / "EMPTY" / "meta.inf").is_file()

    asyncio.run(run())
