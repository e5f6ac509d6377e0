"""What tests of the data plane share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynats_server.core import client


@pytest.fixture(scope="module", autouse=True)
def no_first_ping() -> Iterator[None]:
    """The server's own PING, two seconds after CONNECT, would be among the bytes that are compared
    when the machine is busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "FIRST_PING_NS", 1 << 60)
        yield
