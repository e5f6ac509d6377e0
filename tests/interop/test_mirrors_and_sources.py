"""Mirrors and sources, compared with the real server's; restarts; origins that come and go."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from test_store_reference import reference
from test_stream_backup import api, ours

from tests.support.deadline import wait_until_async
from tests.support.records import Recorded, plain

Dump = dict[str, Any]

STREAMS: dict[str, dict[str, Any]] = {
    "whole": {"mirror": {"name": "A"}},
    "filtered": {"mirror": {"name": "A", "filter_subject": "a.0"}},
    "from_3": {"mirror": {"name": "A", "opt_start_seq": 3}},
    "mirror_renamed": {
        "mirror": {
            "name": "A",
            "subject_transforms": [
                {"src": "a.0", "dest": "z.0"},
                {"src": "a.1", "dest": "z.1"},
            ],
        }
    },
    "of_nothing": {"mirror": {"name": "NOPE"}},
    "of_a_mirror": {"mirror": {"name": "whole"}},
    "in_memory": {"mirror": {"name": "A"}, "storage": "memory", "max_msgs": 2},
    "source": {"sources": [{"name": "A"}]},
    "two_filters": {
        "sources": [{"name": "A", "filter_subject": "a.2"}, {"name": "A", "filter_subject": "a.1"}]
    },
    "source_renamed": {
        "sources": [
            {
                "name": "A",
                "subject_transforms": [
                    {"src": "a.0", "dest": "z.0"},
                    {"src": "a.1", "dest": "z.1"},
                ],
            }
        ]
    },
    "source_from_3": {"sources": [{"name": "A", "opt_start_seq": 3}], "subjects": ["own"]},
    "of_a_source": {"sources": [{"name": "source"}]},
    "transformed": {
        "sources": [{"name": "A"}],
        "subject_transform": {"src": "a.*", "dest": "q.{{wildcard(1)}}"},
    },
    "source_of_nothing": {"sources": [{"name": "NOPE"}]},
}
IDENTITY = re.compile(rb"(Nats-Stream-Source: (?:[^ ]+ ){4}[^ ]+) [^ ]{8}\r\n")


async def publish(client: Client, subject: str, body: bytes, **headers: str) -> dict[str, Any]:
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    reply = await client.request(subject, body, headers=names or None)
    found: dict[str, Any] = json.loads(reply.data)
    return found


async def settled(client: Client, expected: Callable[[Dump], bool], name: str) -> Dump:
    """The stream info, when `expected` is true for it."""

    async def reached() -> Dump | None:
        info: Dump = await api(client, f"STREAM.INFO.{name}")
        return info if expected(info) else None

    found = await wait_until_async(reached, f"{name} as expected")
    assert found is not None
    return found


async def dump(client: Client, name: str, count: int) -> Dump:
    info = await settled(client, lambda i: bool(i["state"]["messages"] == count), name)
    state = info["state"]
    messages = []
    for seq in range(max(state["first_seq"], 1), state["last_seq"] + 1):
        reply = await api(client, f"STREAM.MSG.GET.{name}", seq=seq)
        if "message" in reply:
            m = reply["message"]
            block = IDENTITY.sub(rb"\1\r\n", base64.b64decode(m.get("hdrs", "")))
            messages.append((seq, m["subject"], block, m.get("data")))
    keep = ("messages", "first_seq", "last_seq", "num_deleted", "num_subjects")
    origins = [info.get("mirror"), *info.get("sources", ())]
    for origin in origins:
        if origin is not None:
            origin["active"] = origin["active"] >= 0
            origin.get("error", {}).pop("description", None)
    origins.sort(key=lambda o: o.get("filter_subject", "") if o else "")  # theirs are unordered
    return {"state": {k: state.get(k) for k in keep}, "messages": messages, "origins": origins}


COUNTS = {
    "whole": 5, "filtered": 3, "from_3": 4, "mirror_renamed": 4, "of_nothing": 0, "of_a_mirror": 5,
    "in_memory": 2, "source": 5, "two_filters": 2, "source_renamed": 4, "source_from_3": 5,
    "of_a_source": 5, "transformed": 5, "source_of_nothing": 0,
}  # fmt: skip


# Wait for this state before the second half is published: otherwise the order is undefined.
BEFORE = {
    "whole": 4, "filtered": 4, "from_3": 4, "mirror_renamed": 4, "of_a_mirror": 4, "in_memory": 4,
    "source": 3, "two_filters": 1, "source_renamed": 2, "source_from_3": 2, "of_a_source": 3,
    "transformed": 3,
}  # fmt: skip


async def scenario(client: Client) -> dict[str, Dump]:
    made = await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
    assert "error" not in made
    await publish(client, "a.0", b"v0")
    await publish(client, "a.1", b"v1")
    await publish(client, "a.2", b"v2", Nats_Expected_Stream="A", X="y", Nats_Msg_Id="m2")
    await publish(client, "a.0", b"v3", X="z")
    await api(client, "STREAM.MSG.DELETE.A", seq=2)
    for name, config in STREAMS.items():
        made = await api(client, f"STREAM.CREATE.{name}", name=name, **config)
        assert "error" not in made, (name, made)
    for name, last in BEFORE.items():
        await settled(client, lambda i, last=last: bool(i["state"]["last_seq"] == last), name)
    await publish(client, "a.0", b"v4")
    await publish(client, "a.1", b"v5")
    await settled(client, lambda i: bool(i["state"]["last_seq"] == 4), "source_from_3")
    await publish(client, "own", b"mine")
    found = {name: await dump(client, name, COUNTS[name]) for name in STREAMS}
    for name in ("of_nothing", "source_of_nothing"):  # the real server notices later
        await settled(client, lambda i: "error" in str(i.get("mirror") or i["sources"]), name)
        found[name] = await dump(client, name, 0)
    return found


async def run(open_server: Callable[[], Any], work: Callable[[Client], Awaitable[Any]]) -> Any:
    async with open_server() as client:
        return await work(client)


def test_both_servers_take_over_the_same(tmp_path: Path, recorded: Recorded) -> None:
    def play(open_server: Callable[[], Any]) -> dict[str, Dump]:
        found: dict[str, Dump] = asyncio.run(run(open_server, scenario))
        for each in found.values():
            each["messages"] = [(m[0], m[1], m[2].decode(), m[3]) for m in each["messages"]]
        return found

    theirs = recorded.of(lambda: play(lambda: reference(tmp_path / "theirs", None)))
    mine = plain(play(lambda: ours(tmp_path / "ours")))
    for name in STREAMS:
        assert mine[name] == theirs[name], name


def test_followers_go_on_after_a_restart(tmp_path: Path) -> None:
    async def first(client: Client) -> None:
        await scenario(client)

    async def second(client: Client) -> None:
        for i in range(3):
            await publish(client, "a.0", b"more %d" % i)
        whole = await dump(client, "whole", 8)
        assert [m[0] for m in whole["messages"]] == [1, 3, 4, 5, 6, 7, 8, 9][
            : len(whole["messages"])
        ]
        source = await dump(client, "source", 8)
        bodies = [base64.b64decode(m[3]) for m in source["messages"]]
        assert bodies == [b"v0", b"v2", b"v3", b"v4", b"v5", b"more 0", b"more 1", b"more 2"]
        two = await dump(client, "two_filters", 2)
        assert two["state"]["last_seq"] == 2

    asyncio.run(run(lambda: ours(tmp_path / "js"), first))
    asyncio.run(run(lambda: ours(tmp_path / "js"), second))


def test_origins_come_and_go(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        await api(client, "STREAM.CREATE.M", name="M", mirror={"name": "A"})
        await api(client, "STREAM.CREATE.S", name="S", sources=[{"name": "A"}])
        info = await api(client, "STREAM.INFO.M")
        assert info["mirror"]["error"]["err_code"] == 10059
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
        await publish(client, "a.1", b"one")
        await dump(client, "M", 1)
        await dump(client, "S", 1)
        await api(client, "STREAM.DELETE.A")
        info = await api(client, "STREAM.INFO.S")
        assert info["sources"][0]["error"]["err_code"] == 10059
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
        await publish(client, "a.1", b"new")
        # The mirror reports it, and does not mix two histories.
        info = await settled(
            client, lambda i: bool(i["mirror"].get("error", {}).get("err_code") == 10029), "M"
        )
        assert (info["state"]["messages"], info["state"]["last_seq"]) == (1, 1)

    asyncio.run(run(lambda: ours(tmp_path / "js"), work))


def test_a_mirror_never_mixes_the_messages_of_two_origins(tmp_path: Path) -> None:
    """nats-server goes on with the new one's as soon as it has more."""

    async def apart(client: Client) -> Dump:
        return await settled(
            client, lambda i: bool(i["mirror"].get("error", {}).get("err_code") == 10029), "M"
        )

    async def first(client: Client) -> None:
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
        await api(client, "STREAM.CREATE.M", name="M", mirror={"name": "A"})
        await publish(client, "a.1", b"one")
        await publish(client, "a.1", b"two")
        await dump(client, "M", 2)

    async def second(client: Client) -> None:
        await api(client, "STREAM.DELETE.A")
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
        await api(client, "STREAM.CREATE.WITNESS", name="WITNESS", mirror={"name": "A"})
        for body in (b"ONE", b"TWO", b"THREE"):
            await publish(client, "a.1", body)
        await dump(client, "WITNESS", 3)
        assert (await apart(client))["state"]["last_seq"] == 2

    async def third(client: Client) -> None:
        await publish(client, "a.1", b"FOUR")
        await dump(client, "WITNESS", 4)
        assert (await apart(client))["state"]["last_seq"] == 2
        await api(client, "STREAM.DELETE.A")
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"], first_seq=3)
        await publish(client, "a.1", b"three")
        assert [m[0] for m in (await dump(client, "M", 3))["messages"]] == [1, 2, 3]

    for part in (first, second, third):
        asyncio.run(run(lambda: ours(tmp_path / "js"), part))


def test_a_source_takes_over_what_replaces_a_lost_end(tmp_path: Path) -> None:
    """As after the origin's folder was put back from an older copy."""
    streams = tmp_path / "js" / "jetstream" / "$G" / "streams"

    async def first(client: Client) -> None:
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
        await api(client, "STREAM.CREATE.S", name="S", sources=[{"name": "A"}])
        await publish(client, "a.1", b"v1")
        await dump(client, "S", 1)

    async def second(client: Client) -> None:
        await publish(client, "a.1", b"v2")
        await publish(client, "a.1", b"v3")
        await dump(client, "S", 3)

    async def third(client: Client) -> None:
        await publish(client, "a.1", b"w2")
        await publish(client, "a.1", b"w3")
        bodies = [base64.b64decode(m[3]) for m in (await dump(client, "S", 5))["messages"]]
        assert bodies == [b"v1", b"v2", b"v3", b"w2", b"w3"]

    asyncio.run(run(lambda: ours(tmp_path / "js"), first))
    shutil.copytree(streams / "A", tmp_path / "older")
    asyncio.run(run(lambda: ours(tmp_path / "js"), second))
    shutil.rmtree(streams / "A")
    shutil.copytree(tmp_path / "older", streams / "A")
    asyncio.run(run(lambda: ours(tmp_path / "js"), third))


def test_a_mirror_is_promoted(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        await api(client, "STREAM.CREATE.A", name="A", subjects=["a.>"])
        await publish(client, "a.1", b"one")
        await api(client, "STREAM.CREATE.M", name="M", mirror={"name": "A"})
        await dump(client, "M", 1)
        assert "error" not in await api(client, "STREAM.DELETE.A")
        promoted = await api(client, "STREAM.UPDATE.M", name="M", subjects=["a.>"])
        assert "error" not in promoted, promoted
        assert (await publish(client, "a.1", b"two")) == {"stream": "M", "seq": 2}

    asyncio.run(run(lambda: ours(tmp_path / "js"), work))
