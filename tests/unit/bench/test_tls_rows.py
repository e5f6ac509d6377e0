"""TLS in the load generator, and the rows of TLS and log-ins, tiny."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynats_bench.contender import Contender, Running, find_program
from pynats_bench.crowd import Crowd, finished
from pynats_bench.load import PubSubSession, RequestSession
from pynats_bench.model import Endpoint, LoadError, PubSubLoad, RequestLoad
from pynats_bench.rows import Row, Setting, running
from pynats_bench.secure import SecureSocket
from pynats_bench.session import connect, request, subscribe
from pynats_bench.tls.rows import tls_rows

ROWS = tls_rows(scale=0.005)
SETTING = Setting(seconds=0.002, verify=True)
OURS = Contender("pynats-server", find_program("pynats-server"))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Running, Endpoint]]:
    with running(SETTING, OURS, "", tls=True) as (started, endpoint, _):
        yield started, endpoint


@pytest.fixture
def endpoint(server: tuple[Running, Endpoint]) -> Endpoint:
    return server[1]


@pytest.mark.reference
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.heading.name)
def test_row_takes_a_sample_of_the_reference(row: Row) -> None:
    reference = Contender("nats-server", find_program("nats-server"))
    assert row.sample(reference, SETTING).value > 0


@pytest.mark.parametrize(
    "name", ["tls-engines-python-128", "tls-connect", "login-jwt", "login-nkey", "tls-connect-ping"]
)
def test_row_takes_a_sample(name: str) -> None:
    row = next(row for row in ROWS if row.heading.name == name)
    assert row.sample(OURS, SETTING).value > 0


@pytest.mark.parametrize(
    "load",
    [
        PubSubLoad(8, publishers=3, subscribers=3),
        PubSubLoad(4096),
        PubSubLoad(70_000, subscribers=2),  # payloads of several records
    ],
    ids=["many", "records", "large"],
)
def test_every_delivery_is_verified_over_several_runs(endpoint: Endpoint, load: PubSubLoad) -> None:
    with PubSubSession(endpoint, load) as session:
        for messages in (1, 7, 300):
            assert session.run(messages, verify=True).published == messages * load.publishers


def test_requests(endpoint: Endpoint) -> None:
    with RequestSession(endpoint, RequestLoad(requesters=5, payload_bytes=1000)) as session:
        for messages in (3, 50):
            assert session.run(messages).messages == messages


def test_a_blocking_client(endpoint: Endpoint) -> None:
    with connect(endpoint) as link:
        assert isinstance(link, SecureSocket)
        subscribe(link, [f"many.{number}" for number in range(900)])
        header, payload = request(link, "nobody.is.there", b"x" * 100_000)
        assert header.startswith(b"NATS/1.0 503") and payload == b""


def test_who_is_not_let_in(endpoint: Endpoint) -> None:
    plain = Endpoint(endpoint.host, endpoint.port)
    with pytest.raises(LoadError):
        connect(plain)
    with Crowd(None, tls=False) as crowd, pytest.raises(LoadError):
        finished(crowd.start([plain] * 3))


def test_an_end_in_the_middle_is_an_error() -> None:
    with (
        running(SETTING, OURS, "", tls=True) as (started, endpoint, _),
        PubSubSession(endpoint, PubSubLoad(128), stall_s=60.0) as session,
    ):
        session.run(100, verify=True)
        started.kill()
        with pytest.raises(LoadError):
            session.run(100)
