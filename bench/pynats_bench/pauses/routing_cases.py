"""Subscriptions, connections and publishes that cost the router much."""

from __future__ import annotations

import itertools
import time

from pynats_bench.pauses.tenant import Tenant
from pynats_bench.pauses.world import Case, World

PATTERN_TOKENS = 11
GROUPS = 20
SUBSCRIPTIONS = 500_000
CONNECTIONS = 500


def subscribed(world: World, count: int, subject: str, connections: int = 1) -> list[Tenant]:
    """Connections with `count` subscriptions together; `{}` in the subject is their number."""
    tenants = [world.tenant.another() for _ in range(connections)]
    for at, tenant in enumerate(tenants):
        tenant.send(
            f"SUB {subject.format(n)} {n}\r\n".encode() for n in range(at, count, connections)
        )
    for tenant in tenants:
        tenant.settle()
    return tenants


def publish(world: World, subject: str, times: int, rest_s: float) -> None:
    """Publishes from a connection of its own, and gives the server time to deliver."""
    publisher = world.tenant.another()
    publisher.send(f"PUB {subject} 0\r\n\r\n".encode() for _ in range(times))
    publisher.settle()
    time.sleep(rest_s)
    publisher.close()


def queue_groups(world: World) -> None:
    member = world.tenant.another()
    patterns = [".".join(p) for p in itertools.product("a*", repeat=PATTERN_TOKENS)]
    member.send(
        f"SUB {pattern} g{group} {number}\r\n".encode()
        for number, (pattern, group) in enumerate(itertools.product(patterns, range(GROUPS)))
    )
    member.settle()
    for _ in range(3):
        publish(world, ".".join("a" * PATTERN_TOKENS), 1, 0.1)
        member.send([b"SUB a.> 999999\r\nUNSUB 999999\r\n"])  # what was cached is void
    member.close()


def close_many(world: World) -> None:
    (tenant,) = subscribed(world, SUBSCRIPTIONS, "sub.{}.x")
    time.sleep(0.5)
    tenant.close()


def close_wildcards(world: World) -> None:
    (tenant,) = subscribed(world, SUBSCRIPTIONS, "sub.{}.*")
    tenant.close()


def unsubscribe_many(world: World) -> None:
    (tenant,) = subscribed(world, SUBSCRIPTIONS // 2, "sub.{}.x")
    tenant.send(f"UNSUB {n}\r\n".encode() for n in range(SUBSCRIPTIONS // 2))
    tenant.settle()
    tenant.close()


def same_wildcard(world: World) -> None:
    (tenant,) = subscribed(world, 100_000, "*.*.*.*")
    publish(world, "a.b.c.d", 3, 0.5)
    tenant.close()


def fan_out(world: World) -> None:
    tenants = subscribed(world, 100_000, "news", CONNECTIONS)
    publish(world, "news", 3, 1.0)
    for tenant in tenants:
        tenant.close()


def small_publishes_to_many(world: World) -> None:
    """A chunk of tiny publishes, each for a thousand subscriptions."""
    (tenant,) = subscribed(world, 1000, "news")
    publish(world, "news", 10_000, 1.0)
    tenant.close()


def changing_wildcards(world: World) -> None:
    """Publishes to many receivers while wildcard subscriptions come and go."""
    tenants = subscribed(world, 20_000, "news", 20)
    churner = world.tenant.another()
    for _ in range(50):
        churner.send([b"SUB news.* 1\r\nUNSUB 1\r\n", b"PUB news 0\r\n\r\n"])
        churner.settle()
    for tenant in (*tenants, churner):
        tenant.close()


def connection_storm(world: World) -> None:
    for tenant in [world.tenant.another() for _ in range(CONNECTIONS * 4)]:
        tenant.close()


def long_subjects(world: World) -> None:
    tenant = world.tenant.another()
    subject = ".".join("ab"[n & 1] for n in range(15_000))
    tenant.send(f"SUB {subject}.> {n}\r\n".encode() for n in range(200))
    tenant.settle()
    publish(world, subject, 200, 0.1)
    tenant.close()


def large_payloads(world: World) -> None:
    tenants = subscribed(world, 10, "big", 10)
    publisher = world.tenant.another()
    payload = b"x" * (4 << 20)
    publisher.send(b"PUB big %d\r\n%s\r\n" % (len(payload), payload) for _ in range(20))
    publisher.settle()
    for tenant in (*tenants, publisher):
        tenant.close()


def monitored(world: World) -> None:
    world.keep += subscribed(world, 100_000, "mon.{}.x", 200)


CASES = (
    Case("queue-groups", "2^11 patterns with 20 queue groups each, one publish", queue_groups,
         group="queues"),
    Case("close-many", "a client with 500,000 subscriptions comes and goes", close_many,
         group="routing", rest_s=2.0),
    Case("close-wildcards", "a client with 500,000 wildcard subscriptions comes and goes",
         close_wildcards, group="routing", rest_s=2.0),
    Case("unsubscribe-many", "250,000 SUB and UNSUB", unsubscribe_many, group="routing"),
    Case("same-wildcard", "100,000 subscriptions *.*.*.*, three publishes", same_wildcard,
         group="routing", rest_s=1.0),
    Case("fan-out", "three publishes to 100,000 subscriptions of 500 clients", fan_out,
         group="routing", rest_s=1.0),
    Case("fan-out-tiny", "10,000 tiny publishes to 1,000 subscriptions", small_publishes_to_many,
         group="routing", rest_s=1.0),
    Case("changing-wildcards", "publishes to 20,000 while wildcards come and go",
         changing_wildcards, group="routing", rest_s=1.0),
    Case("connection-storm", "2,000 connections come and go", connection_storm, group="routing"),
    Case("long-subjects", "subjects of 15,000 tokens", long_subjects, group="routing"),
    Case("large-payloads", "20 payloads of 4 MiB to 10 clients", large_payloads, group="routing"),
    Case("connz", "/connz?subs=detail with 100,000 subscriptions, 10 times",
         lambda world: world.http("/connz?subs=detail&limit=1000", 10), monitored, group="monitor"),
    Case("subsz", "/subsz?subs=1 with 100,000 subscriptions, 10 times",
         lambda world: world.http("/subsz?subs=1&limit=100000", 10), group="monitor"),
    Case("connz-unread", "200 answers of /connz?subs=detail that nobody reads",
         lambda world: world.http("/connz?subs=detail&limit=1000", 200, 3.0), group="monitor"),
)  # fmt: skip
