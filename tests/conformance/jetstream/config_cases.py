"""The shape of a case about stream configurations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.fake_account import CREATE, UPDATE, Json


@dataclass(frozen=True)
class Case:
    """One request, sent after the streams `given` were made and stream S got the updates `then`.

    `body` is JSON text; `name` is the stream in the API subject.
    """

    id: str
    body: bytes
    given: tuple[Json, ...] = ()
    verb: str = CREATE
    name: str = "S"
    then: tuple[Json, ...] = ()

    def __str__(self) -> str:
        return self.id

    @property
    def requests(self) -> list[tuple[str, str, bytes]]:
        """Verb, stream and body of all that is sent; the last is what the case is about."""
        before = [(CREATE, config["name"], config) for config in self.given]
        before += [(UPDATE, "S", {"name": "S", **config}) for config in self.then]
        sent = [(verb, name, json.dumps(config).encode()) for verb, name, config in before]
        return [*sent, (self.verb, self.name, self.body)]


def create(id: str, *given: Json, name: str = "S", **config: Any) -> Case:
    """A create request for stream `name` with these fields."""
    return Case(f"create {id}", _body(name, config), given, CREATE, name)


def update(id: str, old: Json, *given: Json, then: tuple[Json, ...] = (), **config: Any) -> Case:
    """An update of stream S, first created with the fields `old`, to the fields `config`."""
    streams = (*given, {"name": "S", **old})
    return Case(f"update {id}", _body("S", config), streams, UPDATE, then=then)


def _body(name: str, config: Json) -> bytes:
    return json.dumps({"name": name, **config}).encode()
