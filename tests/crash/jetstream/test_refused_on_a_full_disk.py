"""A publish that a full disk refuses leaves no trace: not in the stream's state, in what consumers
have before them, in ids, counters, expected sequences or the account's usage, and it is not
published again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.folders import streams as stream_folders

from tests.support.deadline import PATIENCE_S
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.jetstream import PatientClient, api, serving
from tests.support.on_loop import on_loop

Json = dict[str, Any]
FULL = 10047
STREAMS: dict[str, Json] = {
    "C": {
        "subjects": ["c.*"], "max_msgs_per_subject": 3, "allow_rollup_hdrs": True,
        "republish": {"src": ">", "dest": "again.>"},
    },
    "N": {"subjects": ["n.*"], "allow_msg_counter": True},
    "W": {"subjects": ["w.*"], "retention": "workqueue"},
    "I": {"subjects": ["i.*"], "retention": "interest"},
}  # fmt: skip
CONSUMERS = {"C": ["c.1", ">"], "W": ["w.1", "w.2"], "I": [">"]}


async def state(client: PatientClient) -> Json:
    found: Json = {}
    for name in STREAMS:
        found[name] = (await api(client, f"STREAM.INFO.{name}", {"subjects_filter": ">"}))["state"]
        found[name].pop("consumer_count")
    for name, filters in CONSUMERS.items():
        for number in range(len(filters)):
            info = await api(client, f"CONSUMER.INFO.{name}.{name}{number}")
            found[info["name"]] = info["num_pending"], info["num_ack_pending"]
    account = await api(client, "INFO")
    found["usage"] = account["memory"], account["storage"]
    return found


async def publish(
    client: PatientClient, subject: str, body: bytes = b"x" * 100, **headers: str
) -> Json:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = await client.request(subject, body, headers=told or None)
    found: Json = json.loads(reply.data)
    return found


@pytest.mark.parametrize("block_size", [8 << 20, 900], ids=["one block", "small blocks"])
@on_loop
async def test_refused_publishes_leave_no_trace(
    tmp_path: Path, block_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_folders, "choose_block_size", lambda *_: block_size)
    with disk_of_process(FullDisk(below="/msgs/")) as disk:
        async with serving(tmp_path) as (_, client):
            for name, config in STREAMS.items():
                made = await api(client, f"STREAM.CREATE.{name}", {"name": name, **config})
                assert "error" not in made, made
            for name, filters in CONSUMERS.items():
                for number, filter in enumerate(filters):
                    config = {
                        "durable_name": f"{name}{number}", "ack_policy": "explicit",
                        "filter_subject": filter,
                    }  # fmt: skip
                    request = {"stream_name": name, "config": config}
                    made = await api(client, f"CONSUMER.CREATE.{name}.{name}{number}", request)
                    assert "error" not in made, made
            again = await client.subscribe("again.>")
            accepted: list[int] = []
            for number in range(12):
                for subject in ("c.1", "c.2", "w.1", "w.2", "i.1"):
                    ack = await publish(client, subject, Nats_Msg_Id=f"{subject}-{number}")
                    if subject[0] == "c":
                        accepted.append(ack["seq"])
                assert (await publish(client, "n.1", b"", Nats_Incr="2"))["val"] == f"{number + 2}"
                before = await state(client)
                last = before["C"]["last_seq"]
                disk.room = (0, 40, 150)[number % 3]
                for tried in range(4):
                    refusals = [
                        await publish(client, subject, b"y" * 200, Nats_Msg_Id=f"new-{number}")
                        for subject in ("c.1", "c.3", "w.2", "i.2")
                    ]
                    refusals.append(await publish(client, "n.1", b"", Nats_Incr="900"))
                    refusals.append(await publish(client, "c.1", b"y" * 200, Nats_Rollup="all"))
                    assert [one["error"]["err_code"] for one in refusals] == [FULL] * 6, tried
                    assert await state(client) == before
                    disk.room = 0
                disk.room = None
                expected = {
                    "Nats_Msg_Id": f"new-{number}", "Nats_Expected_Last_Sequence": f"{last}",
                    "Nats_Expected_Last_Msg_Id": f"c.2-{number}",
                }  # fmt: skip
                ack = await publish(client, "c.1", **expected)
                assert ack == {"stream": "C", "seq": last + 1}
                accepted.append(ack["seq"])
                ack = await publish(client, "n.1", b"", Nats_Incr="-1")
                assert ack["val"] == f"{number + 1}"
            heard = [await again.next_msg(PATIENCE_S) for _ in accepted]
            assert [int((one.headers or {})["Nats-Sequence"]) for one in heard] == accepted
            await client.flush()
            assert again.pending_msgs == 0
            end = await state(client)
        async with serving(tmp_path) as (_, client):
            assert await state(client) == end
