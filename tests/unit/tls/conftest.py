"""Every test of the engines runs with each that there is here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from pynats_server.core import client
from pynats_server.tls.engine import ENGINES, Engine
from pynats_server.tls.engine.library import Unusable

from tests.support.authorities import Authority, Certificate
from tests.support.tls import TlsPlan, held


@pytest.fixture(scope="module", autouse=True)
def no_first_ping() -> Iterator[None]:
    """On a busy machine it would appear among the compared bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "FIRST_PING_NS", 1 << 60)
        yield


@cache
def _engine(name: str) -> Engine | str:
    try:
        return ENGINES[name]()
    except Unusable as fault:
        return str(fault)


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    found = _engine(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture
def compiled(engine: Engine) -> Engine:
    """One of the two that call OpenSSL itself."""
    if engine.name.startswith("python/"):
        pytest.skip("`ssl` has no way to say that")
    return engine


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority("Test CA")


@pytest.fixture(scope="session")
def server_certificate(authority: Authority) -> Certificate:
    return authority.issue("CN=localhost", ["localhost", "127.0.0.1"])


@pytest.fixture(scope="session")
def client_certificate(authority: Authority) -> Certificate:
    return authority.issue("CN=client", ["client"])


@pytest.fixture(scope="session")
def plan(server_certificate: Certificate) -> TlsPlan:
    """A server's, which asks for no certificate."""
    return TlsPlan((held(server_certificate, "localhost"),))


@pytest.fixture(scope="session")
def verifying(plan: TlsPlan, authority: Authority) -> TlsPlan:
    """A server's, which asks for certificates."""
    return plan.but(authorities=(authority.der,), verify=True, resumption=False)
