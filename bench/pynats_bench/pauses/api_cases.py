"""Requests of the JetStream API that cost much themselves, and floods of cheap ones."""

from __future__ import annotations

import json
import time

from pynats_bench.model import LoadError
from pynats_bench.pauses.bomb import s2_bomb
from pynats_bench.pauses.tenant import Tenant
from pynats_bench.pauses.world import Case, Step, World

CREATE = "$JS.API.STREAM.CREATE."
FLOOD = 20_000  # requests
STREAMS = 1000


def creation(name: str, title: str, config: dict[str, object] | bytes) -> Case:
    """Creates a stream H of a large configuration, refused or not, and deletes it."""

    def act(world: World) -> None:
        body = config
        if isinstance(body, dict):
            body = json.dumps({"name": "H", "storage": "memory", **body}).encode()
        world.tenant.ask(f"{CREATE}H", body)
        world.tenant.ask("$JS.API.STREAM.DELETE.H")

    return Case(f"create-{name}", f"STREAM.CREATE, {title}", act, group="create")


def flood(tenant: Tenant, subject: str, bodies: list[bytes]) -> None:
    """Sends requests without reading an answer."""
    tenant.send(
        f"PUB {subject.format(n)} _INBOX.flood {len(body)}\r\n".encode() + body + b"\r\n"
        for n, body in enumerate(bodies)
    )


def flood_of_creates(world: World) -> None:
    bodies = [b'{"name":"C%d","subjects":["c%d"],"storage":"file"}' % (n, n) for n in range(2000)]
    flooder = world.tenant.another()
    flood(flooder, CREATE + "C{}", bodies)
    time.sleep(3.0)
    flooder.close()


def flood_of_deletes(world: World) -> None:
    flooder = world.tenant.another()
    bodies = [b'{"seq":%d}' % (2 * n + 1) for n in range(FLOOD // 2)]
    flood(flooder, "$JS.API.STREAM.MSG.DELETE.D", bodies)
    time.sleep(3.0)
    flooder.close()


def deletable(world: World) -> None:
    world.tenant.create("D", storage="file", subjects=["d.>"])
    world.tenant.send(b"PUB d.%d 10\r\n0123456789\r\n" % n for n in range(FLOOD))
    world.tenant.settle()


def flood_of(subject: str) -> Step:
    def act(world: World) -> None:
        flooder = world.tenant.another()
        flood(flooder, subject, [b""] * FLOOD)
        time.sleep(2.0)
        flooder.close()

    return act


def many_streams(world: World) -> None:
    for n in range(STREAMS):
        subjects = [f"many{n}.{i}" for i in range(20)]
        metadata = {f"key{i}": "v" * 50 for i in range(20)}
        world.tenant.create(f"M{n}", subjects=subjects, metadata=metadata)


def lists(world: World) -> None:
    for _ in range(50):
        world.tenant.ask("$JS.API.STREAM.LIST")


def restore_bomb(world: World) -> None:
    """A few KB that unpack to 4 GiB."""
    tenant = world.tenant
    config = {"name": "X", "subjects": ["x"], "storage": "file"}
    answer = json.loads(tenant.ask("$JS.API.STREAM.RESTORE.X", {"config": config}))
    if "error" in answer:
        raise LoadError(str(answer["error"]))
    tenant.ask(answer["deliver_subject"], s2_bomb(1024))
    tenant.ask(answer["deliver_subject"])


CASES = (
    creation("wildcards", "4,000 wildcard subjects", {
        "subjects": [f"y{n}.*" for n in range(4000)]}),
    creation("literals", "40,000 subjects", {"subjects": [f"z{n}" for n in range(40_000)]}),
    creation("sources", "4,000 sources", {"sources": [{"name": f"N{n}"} for n in range(4000)]}),
    creation("same-source", "4,000 filters of one source", {
        "sources": [{"name": "N", "filter_subject": f"a{n}"} for n in range(4000)]}),
    creation("transforms", "3,000 transforms in one source", {"sources": [{
        "name": "N", "subject_transforms": [
            {"src": f"a{n}.*", "dest": f"b{n}.$1"} for n in range(3000)]}]}),
    creation("metadata", "900 KB of metadata", {
        "subjects": ["m"], "metadata": {f"k{n}": "v" * 80 for n in range(9000)}}),
    creation("deep-json", "100,000 nested objects",
             b'{"name":"H","metadata":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001),
    creation("deep-arrays", "900,000 brackets", b"[" * 900_000),
    Case("restore-bomb", "RESTORE of 4 GiB in a few KB", restore_bomb, group="create"),
    Case("list", "STREAM.LIST of 1,000 streams, 50 times", lists, many_streams, group="many"),
    Case("jsz", "/jsz?streams=1&config=1, 20 times", lambda world: world.http(
        "/jsz?accounts=1&streams=1&config=1", 20), group="many"),
    Case("flood-info", "a flood of STREAM.INFO", flood_of("$JS.API.STREAM.INFO.M1"), group="many"),
    Case("flood-names", "a flood of STREAM.NAMES", flood_of("$JS.API.STREAM.NAMES"), group="many"),
    Case("flood-names-api", "a flood of STREAM.NAMES (the other's API requests)",
         flood_of("$JS.API.STREAM.NAMES"), group="many", kind="api"),
    Case("flood-creates", "a flood of STREAM.CREATE", flood_of_creates, group="flood-1"),
    Case("flood-creates-publish", "a flood of STREAM.CREATE (the other's stored publishes)",
         flood_of_creates, group="flood-2", kind="publish"),
    Case("flood-creates-api", "a flood of STREAM.CREATE (the other's API requests)",
         flood_of_creates, group="flood-3", kind="api"),
    Case("flood-deletes-publish", "a flood of MSG.DELETE (the other's stored publishes)",
         flood_of_deletes, deletable, group="flood-4", kind="publish"),
    Case("flood-deletes-api", "a flood of MSG.DELETE (the other's API requests)",
         flood_of_deletes, deletable, group="flood-5", kind="api"),
)  # fmt: skip
