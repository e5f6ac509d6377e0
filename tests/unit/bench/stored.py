"""A server with JetStream for the clients of the benchmarks, and what it has stored."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest
from pynats_bench.clients.bench import Bench
from pynats_bench.clients.model import Target
from pynats_bench.model import Endpoint, LoadError
from pynats_bench.session import connect
from pynats_bench.streams.publishing import api

CONFIG = 'jetstream { store_dir: "@FOLDER@/store" }\n'
_NUMBERS = itertools.count()


class Stored:
    """Streams of one server, each with a name that no other test uses."""

    def __init__(self, port: int, *, tls: bool = False) -> None:
        self.endpoint = Endpoint("127.0.0.1", port, tls=tls)
        self.target = Target(lambda: connect(self.endpoint))

    def stream(self, **config: Any) -> str:
        """A new stream in memory with the subjects `<name>` and `<name>.>`."""
        name = f"S{next(_NUMBERS)}"
        allowed = {"allow_direct": True, "allow_atomic": True, "allow_batched": True}
        base = {"name": name, "subjects": [name, f"{name}.>"], "storage": "memory"}
        self._api("STREAM.CREATE", name, base | allowed | config)
        return name

    def bucket(self, **config: Any) -> str:
        name = f"B{next(_NUMBERS)}"
        stream = f"KV_{name}"
        base = {"name": stream, "subjects": [f"$KV.{name}.>"], "storage": "memory"}
        self._api(
            "STREAM.CREATE",
            stream,
            base | {"allow_direct": True, "allow_rollup_hdrs": True} | config,
        )
        return name

    def count(self, stream: str) -> int:
        return int(self._api("STREAM.INFO", stream)["state"]["messages"])

    def subjects(self, stream: str) -> dict[str, int]:
        """How many messages each subject has."""
        found = self._api("STREAM.INFO", stream, {"subjects_filter": ">"})["state"]["subjects"]
        return dict(found)

    def message(self, stream: str, sequence: int) -> tuple[bytes, bytes]:
        """Headers and payload."""
        found = self._api("STREAM.MSG.GET", stream, {"seq": sequence})["message"]
        return base64.b64decode(found.get("hdrs", "")), base64.b64decode(found.get("data", ""))

    def delete(self, stream: str, sequence: int) -> None:
        self._api("STREAM.MSG.DELETE", stream, {"seq": sequence})

    def _api(self, verb: str, stream: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        with connect(self.endpoint) as link:
            return api(link, verb, body, stream)


def ran(bench: Bench) -> Bench:
    """The benchmark, after its run."""
    with bench:
        bench.run()
    return bench


def failed(bench: Bench) -> str:
    """Why its run failed."""
    with bench, pytest.raises(LoadError) as error:
        bench.run()
    return str(error.value)
