"""Consumers that wait for the acknowledgement of a million messages, or for a million to come."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable, Iterator

from pynats_bench.model import LoadError
from pynats_bench.pauses.stream_cases import API, snapshot, state_of
from pynats_bench.pauses.tenant import Tenant
from pynats_bench.pauses.world import Case, Step, World

WAIT_S = 3  # for acknowledgements, where it is to be over
FLOOD = 100_000
AT_ONCE = 50_000  # messages that are filled in before they are seen stored
DRAIN_BYTES = 1 << 20
SECOND_NS = 1_000_000_000


def filled(world: World, name: str, **config: object) -> None:
    """A new file stream of `size` empty messages with subjects `NAME.<n>`."""
    world.tenant.ask(f"{API}STREAM.DELETE.{name}")
    world.tenant.create(name, storage="file", **config)
    add(world, name)


def add(world: World, name: str) -> None:
    for begin in range(0, world.size, AT_ONCE):
        end = min(begin + AT_ONCE, world.size)
        world.tenant.send(b"PUB %s.%d 0\r\n\r\n" % (name.encode(), n) for n in range(begin, end))
        world.tenant.settle()
        reach(world, name, end)


def reach(world: World, name: str, last_seq: int) -> None:
    until(world, lambda: state_of(world.tenant, name)["last_seq"] >= last_seq, f"fill {name}")


def until(world: World, condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + world.timeout_s * 2
    while not condition():
        if time.monotonic() > deadline:
            raise LoadError(f"{what}: waited in vain")
        time.sleep(0.02)


def consumer(world: World, stream: str, **config: object) -> None:
    whole = {"durable_name": "c", "ack_policy": "explicit", "max_ack_pending": -1, **config}
    body = {"stream_name": stream, "config": whole}
    answer = world.tenant.ask(f"{API}CONSUMER.CREATE.{stream}.c", body)
    if b'"error"' in answer:
        raise LoadError(answer[:200].decode("utf-8", "replace"))


def info(tenant: Tenant, stream: str) -> dict[str, int]:
    found: dict[str, int] = json.loads(tenant.ask(f"{API}CONSUMER.INFO.{stream}.c"))
    return found


def deliver(world: World, stream: str) -> None:
    """Has everything delivered, and nothing acknowledged."""
    reader = world.tenant.another()
    body = json.dumps({"batch": world.size, "expires": 300 * SECOND_NS}).encode()
    head = f"SUB _IN 1\r\nPUB {API}CONSUMER.MSG.NEXT.{stream}.c _IN {len(body)}\r\n"
    reader.send([head.encode(), body, b"\r\n"])

    def done() -> bool:
        reader.link.settimeout(1)
        while select.select([reader.link], [], [], 0)[0]:
            if not reader.link.recv(DRAIN_BYTES):
                raise LoadError("the server closed the connection")
        return info(world.tenant, stream)["num_ack_pending"] >= world.size

    until(world, done, "deliveries")
    reader.close()


def waiting_for_all(stream: str, **config: object) -> Step:
    """A consumer that has delivered everything of a stream."""

    def prepare(world: World) -> None:
        world.tenant.ask(f"{API}CONSUMER.DELETE.{stream}.c")
        consumer(world, stream, **config)
        deliver(world, stream)

    return prepare


def refilled(stream: str, then: Step, **config: object) -> Step:
    def prepare(world: World) -> None:
        filled(world, stream, **config)
        then(world)

    return prepare


def acks(stream: str, numbers: range, body: bytes) -> Iterator[bytes]:
    for n in numbers:
        head = f"PUB $JS.ACK.{stream}.c.1.{n}.{n}.1.0 {len(body)}\r\n"
        yield head.encode() + body + b"\r\n"


def ack_some(world: World) -> None:
    """Twenty that are answered: each has the state saved."""
    for n in range(1, 21):
        world.tenant.ask(f"$JS.ACK.P.c.1.{n}.{n}.1.0", b"+ACK")


def run_out(world: World) -> None:
    time.sleep(WAIT_S + 1)


def ack_all(stream: str, left: int | None = None) -> Step:
    def act(world: World) -> None:
        last = world.size
        world.tenant.ask(f"$JS.ACK.{stream}.c.1.{last}.{last}.1.0", b"+ACK")
        if left is not None:
            until(world, lambda: state_of(world.tenant, stream)["messages"] <= left, "removals")

    return act


def request(subject: str, body: object = None) -> Step:
    def act(world: World) -> None:
        world.tenant.ask(API + subject, body)

    return act


def flood_naks(world: World) -> None:
    world.tenant.send(acks("P", range(1, min(FLOOD, world.size)), b"-NAK"))
    world.tenant.settle()


def unwanted(world: World) -> None:
    """An interest stream of messages that only one consumer wants."""
    world.tenant.ask(f"{API}STREAM.DELETE.I")
    world.tenant.create("I", storage="file", retention="interest")
    consumer(world, "I")
    add(world, "I")


def wanted_by_all(world: World) -> None:
    """An interest stream that has delivered everything, and got no acknowledgement."""
    world.tenant.ask(f"{API}STREAM.DELETE.I")
    world.tenant.create("I", storage="file", retention="interest")
    consumer(world, "I", ack_policy="all")
    add(world, "I")
    deliver(world, "I")


def forget(world: World) -> None:
    world.tenant.ask(f"{API}CONSUMER.DELETE.I.c")
    until(world, lambda: state_of(world.tenant, "I")["messages"] == 0, "removals")


def many_pulls(world: World) -> None:
    """Requests that wait until they expire together."""
    count = min(FLOOD, world.size)
    world.tenant.ask(f"{API}CONSUMER.DELETE.P.c")
    consumer(world, "P", max_waiting=count + 1, deliver_policy="new")
    puller = world.tenant.another()
    world.keep.append(puller)
    body = json.dumps({"batch": 1, "expires": WAIT_S * SECOND_NS}).encode()
    frame = f"PUB {API}CONSUMER.MSG.NEXT.P.c _IN {len(body)}\r\n".encode() + body + b"\r\n"
    puller.send([b"SUB _IN 1\r\n"])
    puller.send(frame for _ in range(count))
    puller.settle()


def until_expired(world: World) -> None:
    puller = world.keep.pop()
    end = time.monotonic() + WAIT_S + 2
    while time.monotonic() < end:
        if select.select([puller.link], [], [], 0.01)[0] and not puller.link.recv(DRAIN_BYTES):
            raise LoadError("the server closed the connection")


def other_filters(world: World) -> None:
    consumer(world, "P", filter_subject="P.*")


def backup(world: World) -> None:
    snapshot(world.tenant, "P")


def mirrored(world: World) -> None:
    """A mirror with a consumer catches up."""
    answer = world.tenant.ask(
        f"{API}STREAM.CREATE.M", {"name": "M", "storage": "file", "mirror": {"name": "P"}}
    )
    if b'"error"' in answer:
        raise LoadError(answer[:200].decode("utf-8", "replace"))
    consumer(world, "M", filter_subject="P.*")
    until(world, lambda: state_of(world.tenant, "M")["messages"] >= world.size, "copies")


CASES = (
    Case("pending-save", "20 acks with answers, a million pending", ack_some,
         refilled("P", waiting_for_all("P")), "pending"),
    Case("pending-ack-all", "one ack of a million", ack_all("P"),
         waiting_for_all("P", ack_policy="all"), "pending"),
    Case("pending-expire", "a million run out of their ack wait", run_out,
         waiting_for_all("P", ack_wait=WAIT_S * SECOND_NS), "pending"),
    Case("pending-spent", "a million are out of deliveries", run_out,
         waiting_for_all("P", ack_wait=WAIT_S * SECOND_NS, max_deliver=1), "pending"),
    Case("pending-naks", "100,000 NAKs", flood_naks, waiting_for_all("P"), "pending"),
    Case("pending-backup", "SNAPSHOT, a million pending", backup,
         waiting_for_all("P"), "pending"),
    Case("pending-reset", "CONSUMER.RESET, a million pending",
         request("CONSUMER.RESET.P.c"), waiting_for_all("P"), "pending"),
    Case("pending-delete", "CONSUMER.DELETE, a million pending",
         request("CONSUMER.DELETE.P.c"), waiting_for_all("P"), "pending"),
    Case("pending-filters", "other filters of a consumer, a million subjects",
         other_filters, waiting_for_all("P"), "pending"),
    Case("pulls-expire", "100,000 pulls expire together", until_expired, many_pulls, "pending"),
    Case("mirror-consumed", "a mirror with a consumer catches up", mirrored, None, "pending"),
    Case("pending-purge", "STREAM.PURGE, a million pending",
         request("STREAM.PURGE.P"), waiting_for_all("P"), "pending"),
    Case("interest-ack-all", "one ack of a million, interest", ack_all("I", 0),
         wanted_by_all, "interest"),
    Case("interest-delete", "CONSUMER.DELETE, a million nobody else needs", forget, unwanted,
         "interest"),
)  # fmt: skip
