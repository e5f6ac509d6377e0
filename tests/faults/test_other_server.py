"""After a fault and kill -9 the real server opens the folder and serves what ours does; then ours
again."""

from __future__ import annotations

import asyncio
import base64
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.faults.cases import Runner
from tests.faults.kinds import KILL, WORKS, Case
from tests.faults.matrix import bases, faults, play
from tests.faults.verdict import Allowed, Content, Found, look
from tests.faults.work import configuration
from tests.support import jetstream
from tests.support.crashdisk import QuickDisk
from tests.support.fuzzing import examples
from tests.support.jetstream import api
from tests.support.process import REFERENCE, ServerProcess

STREAMS = 30
WORK = (
    "publish", "max messages", "per subject", "purge", "purge through", "delete", "erase",
    "erase in compacted blocks", "rollup", "compaction", "compression", "batch", "mirror", "index",
)  # fmt: skip


def left_behind(form: str, count: int, streams: Path, scratch: Path) -> Iterator[Runner]:
    """Cases up to the death of the process, each a stream of its own."""
    chance = random.Random(form)
    for number in range(count):
        work = chance.choice([name for name in WORK if form in WORKS[name].forms])
        base = chance.choice([case for case in bases(work, number) if case.form == form])
        fault = chance.choice(list(faults(play(base, scratch).counts)))
        case: Case = replace(base, fault=fault, ending=KILL)
        runner = Runner(case, streams, name=f"S{number}")
        meta = configuration(WORKS[work].limits).as_dict()
        meta |= {"name": f"S{number}", "subjects": [f"{number}.>"], "sources": None}
        if "s2" in form:
            meta["compression"] = "s2"
        runner.leave({"created": "2024-01-01T00:00:00Z", **meta})
        yield runner


async def served(url: str, name: str) -> dict[int, Content]:
    """A stream's messages."""
    client = await jetstream.connect(url)
    try:
        info = await api(client, f"STREAM.INFO.{name}")
        assert "state" in info, info
        state, messages = info["state"], {}
        for seq in range(state["first_seq"], state["last_seq"] + 1):
            answer = await api(client, f"STREAM.MSG.GET.{name}", {"seq": seq})
            if "message" in answer:
                messages[seq] = said(answer["message"])
        assert len(messages) == state["messages"]
        return messages
    finally:
        await client.close()


def said(message: dict[str, Any]) -> Content:
    headers, payload = message.get("hdrs", ""), message.get("data", "")
    return 0, message["subject"].encode(), base64.b64decode(headers), base64.b64decode(payload)


def timeless(found: dict[int, Content]) -> dict[int, Content]:
    return {seq: (0, *rest) for seq, (_, *rest) in found.items()}  # type: ignore[misc]


def ours(runner: Runner, folder: Path) -> Found:
    config = replace(runner.play.config, folder=folder)
    store = FileStore(config, disk=QuickDisk())
    found, wrong = look(store)
    store.close()
    assert not wrong, runner.case
    return found


@pytest.mark.reference
@pytest.mark.parametrize("form", ["plain", "s2", "aes", "chacha-s2"])
def test_the_real_server_serves_what_ours_does_after_a_fault(scratch: Path, form: str) -> None:
    streams = scratch / "js" / "jetstream" / "$G" / "streams"
    runners = list(left_behind(form, examples(STREAMS), streams, scratch / "dry"))
    expected: dict[str, Found] = {}
    for runner in runners:
        folder = runner.play.config.folder
        shutil.copytree(folder, scratch / "copies" / folder.name)
        expected[folder.name] = ours(runner, scratch / "copies" / folder.name)
    cipher = form.split("-")[0]
    crypt = f", key: k, cipher: {cipher}" if cipher in ("aes", "chacha") else ""
    config = f'jetstream {{ store_dir: "{scratch / "js"}"{crypt} }}\n'
    wrong = []
    with ServerProcess(REFERENCE, scratch / "reference", config) as server:
        for runner in runners:
            name = runner.play.config.name
            found = asyncio.run(served(f"nats://127.0.0.1:{server.port}", name))
            if found != timeless(expected[name].messages):
                both = sorted(found), sorted(expected[name].messages)
                wrong.append(f"{runner.case}: the real server has {both[0]}, ours {both[1]}")
        server.kill()
    for runner in runners:
        again = ours(runner, runner.play.config.folder)
        allowed: Allowed = runner.allowed()
        wrong += [f"{runner.case}: ours again: {one}" for one in allowed.bounds(again)]
    assert not wrong, "\n".join(wrong)
