"""Every row of the comparison, tiny, against the reference server, so that none can rot."""

from __future__ import annotations

import pytest
from pynats_bench.contender import Contender, find_program, relay_contender
from pynats_bench.load import PubSubSession, RequestSession
from pynats_bench.model import PubSubLoad, RequestLoad
from pynats_bench.rows import Row, Setting, all_rows

ROWS = all_rows(scale=0.001)
TINY_S = 0.002


@pytest.fixture(scope="module")
def reference() -> Contender:
    return Contender("nats-server", find_program("nats-server"))


@pytest.mark.reference
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.heading.name)
def test_row_takes_a_sample(row: Row, reference: Contender) -> None:
    sample = row.sample(reference, Setting(seconds=TINY_S, verify=True))
    assert sample.value > 0


def test_relay_row_takes_a_sample() -> None:
    row = next(row for row in ROWS if row.against_relay)
    assert row.sample(relay_contender(), Setting(seconds=TINY_S)).value > 0


@pytest.mark.reference
@pytest.mark.parametrize(
    "load",
    [
        PubSubLoad(8, publishers=3, subscribers=3),
        PubSubLoad(16, publishers=2, subscribers=4, queue="workers"),
        PubSubLoad(32, header=b"NATS/1.0\r\nA: b\r\n\r\n"),
        PubSubLoad(70_000),
        PubSubLoad(64, ("a.1", "a.22", "b.c"), ("a.*", "b.>"), subscribers=2),
    ],
    ids=["many", "queue", "headers", "large", "wildcards"],
)
def test_every_delivery_is_verified_over_several_runs(
    load: PubSubLoad, reference: Contender
) -> None:
    with Setting().start(reference) as server, PubSubSession(server.endpoint, load) as session:
        for messages in (1, 7, 1000):
            result = session.run(messages, verify=True)
            assert result.published == messages * load.publishers
            assert result.delivered == result.published * load.deliveries_per_message


@pytest.mark.reference
def test_more_requesters_than_requests(reference: Contender) -> None:
    load = RequestLoad(requesters=5, payload_bytes=1000)
    with Setting().start(reference) as server, RequestSession(server.endpoint, load) as session:
        for messages in (3, 50):
            result = session.run(messages)
            assert result.messages == messages
            assert result.latency is not None
            assert 0 < result.latency.p50_us <= result.latency.p999_us
