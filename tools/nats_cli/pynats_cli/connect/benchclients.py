"""TEMP"""

from __future__ import annotations
from typing import Any


def target(session: Any) -> Any:
    from pynats_bench.clients.model import Target
    from pynats_bench.model import Endpoint
    from pynats_bench.session import connect

    url = session.client.connected_url
    end = Endpoint(url.hostname, url.port)
    return Target(lambda: connect(end), api_prefix=session.jetstream_prefix())
