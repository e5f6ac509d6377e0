"""Mirrors and streams with sources follow their own configuration: what is refused when they are
made, and what becomes of the copies, is as recorded of the real server."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conformance.jetstream.copying_rows import AGING, COPIED, FIELDS, PUBLISHED, SECOND
from tests.conformance.jetstream.reference import Reference, without_ids
from tests.conformance.jetstream.test_publish_reference import shown, stored
from tests.support.client import Client, header_block
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle
from tests.support.records import plain

Json = dict[str, Any]
ORIGIN: Json = {
    "subjects": ["o.*"], "allow_rollup_hdrs": True, "allow_msg_ttl": True,
    "duplicate_window": SECOND // 10,
}  # fmt: skip
HOW: dict[str, Json] = {"mirror": {"mirror": {"name": "O"}}, "source": {"sources": [{"name": "O"}]}}
LAST = "last"
_TIME = re.compile(r"(?<=Nats-Time-Stamp: )[^\r]*")

each_way = pytest.mark.parametrize("how", HOW)


def make(client: Oracle, name: str, config: Json) -> Json:
    """The real server may still be removing a stream of that name."""

    def made() -> Json | None:
        answer = client.api(
            f"STREAM.CREATE.{name}", **{"storage": "memory", **config, "name": name}
        )
        busy = answer.get("error", {}).get("err_code") == 10049
        return None if busy else answer

    answer = wait_until(made, f"stream {name}")
    assert answer is not None
    return answer


def messages(client: Oracle, name: str) -> int:
    found: int = client.api(f"STREAM.INFO.{name}")["state"]["messages"]
    return found


def has_reached(client: Oracle, name: str, seq: int) -> bool:
    return last_seq(client, name) >= seq


def last_seq(client: Oracle, name: str) -> int:
    found: int = client.api(f"STREAM.INFO.{name}")["state"]["last_seq"]
    return found


def remove(client: Oracle, *names: str) -> None:
    for name in names:
        client.api(f"STREAM.DELETE.{name}")


def content(client: Oracle, name: str) -> Json:
    """What is stored, the ids of origins masked."""
    found: Json = shown(stored(client, name))
    return {**found, "messages": [[*m[:2], without_ids(m[2]), m[3]] for m in found["messages"]]}


def publish_all(client: Oracle, name: str) -> None:
    """Publishes one message after the other, each when the copy of the one before is there."""
    for seq, (last, headers) in enumerate(PUBLISHED, 1):
        block = header_block(headers) if headers else b""
        while "duplicate" in client.publish(f"o.{last}", b"m%d" % seq, block):
            pass  # until the origin has forgotten the id
        wait_until(partial(has_reached, client, name, seq), f"the copy of {seq}")


def copied(client: Oracle, how: str, row: str) -> Any:
    """What a stream has at the end of its copying, and what it has republished."""
    config = COPIED[row]
    with Client(client.port) as watching:
        again = watching.subscribe("again.>")
        last = watching.subscribe(LAST)
        watching.flush()
        make(client, "O", ORIGIN)
        assert "error" not in make(client, "M", {**HOW[how], **config})
        publish_all(client, "M")
        found = content(client, "M")
        republished = []
        client.send(LAST.encode())
        assert watching.next(last) is not None  # so what was republished before it is there, too
        while (message := watching.next(again, 0)) is not None:
            block = _TIME.sub("T", without_ids(message.headers.decode()))
            republished.append([message.subject, block, message.payload.decode()])
    remove(client, "M", "O")
    return plain([found, republished])


PAIRS = [
    (how, row)
    for how in HOW
    for row in COPIED
    if (how, row) != ("source", "duplicate_window")  # leaves the repeated message out
]


@pytest.mark.parametrize(("how", "row"), PAIRS)
def test_copies_follow_the_configuration(
    how: str, row: str, reference: Reference, ours: Oracle
) -> None:
    assert copied(ours, how, row) == reference.of(lambda client: copied(client, how, row))


def aged(client: Oracle, how: str, storage: str) -> Any:
    """What is left of copies with TTLs of their own when others have run out."""
    make(client, "O", ORIGIN)
    for name, config in AGING.items():
        made = make(client, f"M-{name}", {**HOW[how], **config, "storage": storage})
        assert "error" not in made
    for last, ttl in (("a", "never"), ("b", "1s"), ("c", ""), ("d", "1h")):
        client.publish(f"o.{last}", b"", header_block({"Nats-TTL": ttl}) if ttl else b"")
    for name in AGING:
        wait_until(partial(has_reached, client, f"M-{name}", 4), f"the copies of {name}")
    for name, left in (("max_age", 1), ("both", 1), ("allow_msg_ttl", 3), ("interest", 0)):
        wait_until(lambda name=name, left=left: messages(client, f"M-{name}") <= left, name)
    found = {name: content(client, f"M-{name}") for name in AGING}
    remove(client, "O", *(f"M-{name}" for name in AGING))
    return plain(found)


@pytest.mark.parametrize("storage", ["memory", "file"])
@each_way
def test_copies_that_never_run_out_outlive_max_age(
    how: str, storage: str, reference: Reference, ours: Oracle
) -> None:
    found = aged(ours, how, storage)
    assert found == reference.of(lambda client: aged(client, how, storage))
    assert [m[1] for m in found["max_age"]["messages"]] == ["o.a"]


def fields(client: Oracle, how: str) -> Any:
    """What becomes of every field: the configuration of the stream, or why there is none."""
    make(client, "O", ORIGIN)
    answers = {}
    for field, config in FIELDS.items():
        # Not one name for all: the real server removes files of deleted streams later.
        answer = make(client, f"M-{field}", {**HOW[how], **config})
        answers[field] = answer.get("error") or {**answer["config"], "name": "M", "metadata": {}}
        remove(client, f"M-{field}")
    remove(client, "O")
    return plain(answers)


@each_way
def test_every_field_is_taken_or_refused(how: str, reference: Reference, ours: Oracle) -> None:
    assert fields(ours, how) == reference.of(lambda client: fields(client, how))


def changed(client: Oracle, how: str) -> Any:
    """A stream that copies, sealed, and one that no longer copies."""
    make(client, "O", ORIGIN)
    transform = {"subject_transform": {"src": "o.*", "dest": "q.{{wildcard(1)}}"}}
    configs = {name: {"name": name, **HOW[how], **transform} for name in ("SEALED", "FREE")}
    for name, config in configs.items():
        make(client, name, config)
    client.publish("o.1")
    for name in configs:
        wait_until(partial(has_reached, client, name, 1), f"the copy of {name}")
    told = [
        client.api("STREAM.UPDATE.SEALED", **configs["SEALED"], storage="memory", sealed=True),
        client.api("STREAM.UPDATE.FREE", name="FREE", subjects=["f.*"], storage="memory"),
    ]
    make(client, "CONTROL", HOW[how])
    client.publish("o.2")
    wait_until(partial(has_reached, client, "CONTROL", 2), "the copy of the control")
    told.append(client.publish("f.3"))
    contents = [content(client, name) for name in configs]
    remove(client, "O", "CONTROL", *configs)
    errors = [answer.get("error") for answer in told]
    return plain([errors, contents])


@each_way
def test_sealed_or_released_streams_copy_no_more(
    how: str, reference: Reference, ours: Oracle
) -> None:
    assert changed(ours, how) == reference.of(lambda client: changed(client, how))


# -- copies that have to wait -------------------------------------------------------------------

REFUSED: dict[str, tuple[Json, str]] = {
    "messages": ({"max_msgs": 3}, "maximum messages exceeded"),
    "bytes": ({"max_bytes": 60}, "maximum bytes exceeded"),
    "subject": (
        {"max_msgs_per_subject": 3, "discard_new_per_subject": True},
        "maximum messages per subject exceeded",
    ),
}
ROOM: dict[str, Callable[[Oracle, Json], object]] = {
    "delete": lambda client, _: client.api("STREAM.MSG.DELETE.M", seq=3),
    "purge": lambda client, _: client.api("STREAM.PURGE.M"),
    "raised": lambda client, config: client.api(
        "STREAM.UPDATE.M",
        **{
            **config,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_msgs_per_subject": -1,
            "discard_new_per_subject": False,
        },
    ),
    "old": lambda client, config: client.api(
        "STREAM.UPDATE.M", **{**config, "discard": "old", "discard_new_per_subject": False}
    ),
}


def full(client: Oracle, config: Json, limit: str) -> Json:
    """A stream that copies nine messages of one subject and is full with three; its information."""
    make(client, "O", ORIGIN)
    make(client, "M", config)
    for number in range(9):
        client.publish("o.1", b"%d" % number)
    wait_until(partial(has_reached, client, "M", 3), "three copies")
    # The control has them all by now, so the mirror had its chance.
    make(client, "CONTROL", HOW["mirror"])
    wait_until(partial(has_reached, client, "CONTROL", 9), "all copies of the control")
    found = client.api("STREAM.INFO.M")
    assert found["state"]["last_seq"] == 3, limit
    return found


def end(client: Oracle) -> None:
    remove(client, "O", "M", "CONTROL")


def mirror_config(limit: str) -> Json:
    config = {"name": "M", "storage": "memory", "discard": "new", **HOW["mirror"]}
    return {**config, **REFUSED[limit][0]}


@pytest.mark.parametrize("limit", REFUSED)
def test_a_mirror_that_discards_new_messages_stops_at_its_limit(
    limit: str, reference: Reference, ours: Oracle
) -> None:
    def play(client: Oracle) -> Any:
        found = full(client, mirror_config(limit), limit)
        made = [found["state"]["messages"], content(client, "M")]
        end(client)
        return plain(made)

    assert play(ours) == reference.of(play)


@pytest.mark.parametrize("room", ROOM)
@pytest.mark.parametrize("limit", REFUSED)
def test_a_mirror_goes_on_where_it_stopped_when_there_is_room(
    limit: str, room: str, ours: Oracle
) -> None:
    """The real server has dropped what it refused: it goes on with the next message that is
    published, and gives it the sequence of one that is missing."""
    config = mirror_config(limit)
    found = full(ours, config, limit)
    assert found["mirror"]["error"]["description"] == REFUSED[limit][1]
    assert found["mirror"]["lag"] == 6
    ROOM[room](ours, config)
    wait_until(lambda: last_seq(ours, "M") > 3, "the next copy")
    if room != "delete":
        reached = 6 if room == "purge" else 9
        wait_until(partial(has_reached, ours, "M", reached), "all that there is room for")
    for seq, subject, _, payload in content(ours, "M")["messages"]:
        assert (subject, payload) == ("o.1", str(seq - 1))


@pytest.mark.parametrize("room", ["purge", "raised", "old"])
@pytest.mark.parametrize("limit", ["messages", "subject"])
def test_a_source_waits_for_room(limit: str, room: str, reference: Reference, ours: Oracle) -> None:
    config = {"name": "M", "storage": "memory", "discard": "new", **HOW["source"]}
    config |= REFUSED[limit][0]

    def play(client: Oracle) -> Any:
        full(client, config, limit)
        found = [content(client, "M")]
        assert "error" not in plain(ROOM[room](client, config))
        reached = 6 if room == "purge" else 9
        wait_until(partial(has_reached, client, "M", reached), "all that there is room for")
        found.append(content(client, "M"))
        end(client)
        return plain(found)

    assert play(ours) == reference.of(play)


def test_a_message_too_large_for_a_mirror_is_waited_for(reference: Reference, ours: Oracle) -> None:
    def play(client: Oracle) -> Any:
        make(client, "O", ORIGIN)
        make(client, "M", {**HOW["mirror"], "max_msg_size": 10})
        client.publish("o.1", b"small")
        wait_until(partial(has_reached, client, "M", 1), "the first copy")
        client.publish("o.1", b"too large for it")
        make(client, "CONTROL", HOW["mirror"])
        wait_until(partial(has_reached, client, "CONTROL", 2), "all copies of the control")
        found = content(client, "M")
        end(client)
        return plain(found)

    assert play(ours) == reference.of(play)
