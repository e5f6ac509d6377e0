"""Our store opens folders of the real server, and vice versa."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.meta import read_meta
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support import jetstream
from tests.support.process import REFERENCE, ServerProcess
from tests.support.records import Recorded

Contents = dict[int, tuple[bytes, bytes, bytes]]  # subject, headers, payload
HEADERS = b"NATS/1.0\r\nA: b\r\n\r\n"


@asynccontextmanager
async def reference(
    folder: Path, cipher: str | None, key: str = "secret", prev_key: str = ""
) -> AsyncIterator[Any]:
    """A client of the real server on a store folder."""
    crypt = f', key: "{key}", cipher: {cipher}' if cipher else ""
    crypt += f', prev_key: "{prev_key}"' if prev_key else ""
    config = f'jetstream {{ store_dir: "{folder}"{crypt} }}\n'
    with ServerProcess(REFERENCE, folder.parent / "reference", config) as server:
        client = await jetstream.connect(f"nats://127.0.0.1:{server.port}")
        yield client
        await client.close()


async def api(client: Any, verb: str, **request: Any) -> dict[str, Any]:
    return await jetstream.api(client, verb, request)


def keys(cipher: Any) -> Keys | None:
    return Keys("secret", "$G", cipher) if cipher else None


def config(folder: Path, cipher: str | None, compress: bool) -> FileConfig:
    home = folder / "jetstream" / "$G" / "streams" / "T"
    return FileConfig("T", home, block_size=32000, compress=compress, keys=keys(cipher))


FORMS = [
    pytest.param(None, False, id="plain"),
    pytest.param(None, True, id="s2"),
    pytest.param("chacha", True, id="chacha-s2"),
    pytest.param("aes", False, id="aes"),
]


async def write(folder: Path, cipher: str | None, compress: bool) -> Contents:
    """A stream of the real server with gaps of all kinds."""
    async with reference(folder, cipher) as client:
        made = await api(
            client,
            "STREAM.CREATE.T",
            name="T",
            subjects=["t.>"],
            max_bytes=90000,
            compression="s2" if compress else "none",
            discard="new",
            storage="file",
        )
        assert "error" not in made
        js = client.jetstream()
        for i in range(300):
            headers = {"A": "b"} if i % 3 == 0 else None
            await js.publish(f"t.{i % 7}", b"payload %d " % i * 9, headers=headers)
        for seq in (1, 2, 77, 200, 300):
            gone = await api(client, "STREAM.MSG.DELETE.T", seq=seq, no_erase=seq % 2 == 0)
            assert gone["success"]
        await api(client, "STREAM.PURGE.T", filter="t.3", keep=2)
        return await read_all(client)


@pytest.mark.parametrize(("cipher", "compress"), FORMS)
def test_we_read_what_the_reference_wrote(
    tmp_path: Path, recorded: Recorded, cipher: str | None, compress: bool
) -> None:
    def ask() -> str:
        return shown(asyncio.run(write(tmp_path / "js", cipher, compress)))

    expected = recorded.folder(tmp_path / "js", ask)
    for index in (True, False):
        folder = tmp_path / str(index)
        shutil.copytree(tmp_path / "js", folder)
        conf = config(folder, cipher, compress)
        assert len(list((conf.folder / "msgs").glob("*.blk"))) > 1
        if not index:
            (conf.folder / "msgs" / "index.db").unlink()
        store = FileStore(conf)
        assert store.problems == []
        assert shown(contents(store)) == expected
        assert read_meta(conf)["name"] == "T"
        store.close()


@pytest.mark.reference
@pytest.mark.parametrize(("cipher", "compress"), FORMS)
def test_the_reference_reads_what_we_added(
    tmp_path: Path, cipher: str | None, compress: bool
) -> None:
    expected = asyncio.run(write(tmp_path / "js", cipher, compress))
    store = FileStore(config(tmp_path / "js", cipher, compress))
    store.append(b"t.new", HEADERS, b"ours", 1)
    store.close()

    async def back() -> None:
        async with reference(tmp_path / "js", cipher) as client:
            all_of_it = await read_all(client)
            assert all_of_it.pop(301) == (b"t.new", HEADERS, b"ours")
            assert all_of_it == expected

    asyncio.run(back())


def contents(store: BlockStore) -> Contents:
    """Everything in one of our stores."""
    found = {}
    for seq, _ in store.oldest():
        m = store.load(seq)
        found[seq] = (m.subject, m.headers, m.payload)
    return found


def shown(found: Contents) -> str:
    """A line per message; of a long payload the beginning and a checksum."""

    def short(payload: bytes) -> str:
        if len(payload) < 20:
            return repr(payload)[1:]
        return f"{payload[:12]!r}... {len(payload)} bytes {crc32(payload):08x}"[1:]

    return "\n".join(
        " ".join([str(seq), subject.decode(), repr(headers)[1:], short(payload)])
        for seq, (subject, headers, payload) in sorted(found.items())
    )


async def read_all(client: Any) -> Contents:
    info = await api(client, "STREAM.INFO.T", deleted_details=True)
    assert "error" not in info, info
    assert "lost" not in info["state"], info["state"]
    found = {}
    for seq in range(info["state"]["first_seq"], info["state"]["last_seq"] + 1):
        reply = await api(client, "STREAM.MSG.GET.T", seq=seq)
        if "error" in reply:
            assert reply["error"]["err_code"] == 10037
            continue
        m = reply["message"]
        found[seq] = (
            m["subject"].encode(),
            base64.b64decode(m.get("hdrs", "")),
            base64.b64decode(m.get("data", "")),
        )
    assert len(found) == info["state"]["messages"]
    return found


@pytest.mark.reference
@pytest.mark.parametrize("index", [True, False], ids=["index", "scan"])
@pytest.mark.parametrize(("cipher", "compress"), FORMS)
def test_the_reference_reads_what_we_wrote(
    tmp_path: Path, cipher: str | None, compress: bool, index: bool
) -> None:
    conf = config(tmp_path / "js", cipher, compress)
    store = FileStore(conf)
    for i in range(1500):
        headers = HEADERS if i % 3 == 0 else None
        store.append(b"t.%d" % (i % 7), headers, b"payload %d " % i * 3, 10**18 + i)
    for seq in (1, 2, 77, 300):
        store.remove(seq)
    store.erase(301)
    store.erase(1500)
    store.purge(b"t.3", keep=2)
    store.purge(up_to=20)
    store.skip(5, 10**18 + 2000)
    store.append(b"t.end", None, b"end", 10**18 + 2001)
    store.write_meta(
        {
            "Created": "2026-01-02T03:04:05Z",
            "name": "T",
            "subjects": ["t.>"],
            "retention": "limits",
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_age": 0,
            "max_msgs_per_subject": -1,
            "max_msg_size": -1,
            "discard": "old",
            "storage": "file",
            "num_replicas": 1,
            "duplicate_window": 120000000000,
            "compression": "s2" if compress else "none",
            "consumer_limits": {},
        },
    )
    expected = contents(store)
    subjects = store.subject_totals(b">")
    store.close()
    if not index:
        (conf.folder / "msgs" / "index.db").unlink()

    async def read() -> None:
        async with reference(tmp_path / "js", cipher) as client:
            assert await read_all(client) == expected
            info = await api(client, "STREAM.INFO.T", subjects_filter=">")
            assert info["state"]["subjects"] == {k.decode(): v for k, v in subjects.items()}
            last = await api(client, "STREAM.MSG.GET.T", last_by_subj="t.3")
            assert last["message"]["seq"] == max(s for s, m in expected.items() if m[0] == b"t.3")

    asyncio.run(read())
    shutil.rmtree(tmp_path / "js")
