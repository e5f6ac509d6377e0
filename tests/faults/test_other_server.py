"""After a fault and kill -9 the real server opens the folder, and then ours again: both serve what
was acknowledged, and nothing that was taken out."""

from __future__ import annotations

import asyncio
import base64
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pynats_common.go.times import parse_time_ns
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.faults.cases import Runner
from tests.faults.kinds import KILL, WORKS, Case
from tests.faults.matrix import bases, faults, play
from tests.faults.verdict import Content, Found, look
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
        if runner.play.findings:  # those are told by the other test
            shutil.rmtree(runner.play.config.folder)
        else:
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
    subject, ts = message["subject"].encode(), parse_time_ns(message["time"])
    return ts, subject, base64.b64decode(headers), base64.b64decode(payload)


def wrong_in(runner: Runner, messages: dict[int, Content]) -> list[str]:
    """What a server must not serve of the folder that a case has left, or must. What limits have
    taken out may be there: the real server applies them anew, and a message that has been deleted
    since makes room for an older one."""
    play, allowed = runner.play, runner.allowed()
    evicted = {
        kept.payload
        for (before, after), op in zip(pairwise(play.states), play.steps[1:], strict=True)
        if op is not None and op.added and "rollup" not in op.text
        for seq, kept in before.messages.items()
        if seq not in after.messages
    }
    first = allowed.states[0]
    there = {seq: kept for seq, kept in messages.items() if kept[3] not in evicted}
    found = Found(there, first.last, first.places)
    return [f"{runner.case}: {one.code} {one.text}" for one in allowed.bounds(found)]


def ours(runner: Runner) -> dict[int, Content]:
    """What our store serves."""
    store = FileStore(runner.play.config, disk=QuickDisk())
    found, wrong = look(store)
    store.close()
    assert not wrong, runner.case
    return found.messages


@pytest.mark.reference
@pytest.mark.parametrize("form", ["plain", "s2", "aes", "chacha-s2"])
def test_the_real_server_and_then_ours_serve_what_a_fault_has_left(
    scratch: Path, form: str
) -> None:
    streams = scratch / "js" / "jetstream" / "$G" / "streams"
    runners = list(left_behind(form, examples(STREAMS), streams, scratch / "dry"))
    cipher = form.split("-")[0]
    crypt = f", key: k, cipher: {cipher}" if cipher in ("aes", "chacha") else ""
    config = f'jetstream {{ store_dir: "{scratch / "js"}"{crypt} }}\n'
    wrong = []
    with ServerProcess(REFERENCE, scratch / "reference", config) as server:
        for runner in runners:
            name = runner.play.config.name
            found = asyncio.run(served(f"nats://127.0.0.1:{server.port}", name))
            wrong += [f"the real server, {text}" for text in wrong_in(runner, found)]
        server.kill()
    for runner in runners:
        wrong += [f"ours again, {text}" for text in wrong_in(runner, ours(runner))]
    assert not wrong, "\n".join(wrong)
