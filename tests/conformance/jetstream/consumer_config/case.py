"""The shape of a case about consumer configurations: requests to a stream, one after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

# The configuration that the server makes of nothing but the name C.
PLAIN: Json = {
    "name": "C",
    "deliver_policy": "all",
    "ack_policy": "none",
    "max_deliver": -1,
    "replay_policy": "instant",
    "max_waiting": 512,
    "inactive_threshold": 5_000_000_000,
    "num_replicas": 0,
    "metadata": {"_nats.req.level": "0", "_nats.ver": "2.15.1", "_nats.level": "5"},
}
DURABLE: Json = {"durable_name": "C"}
PULL: Json = {"ack_policy": "explicit"}
PUSH: Json = {"deliver_subject": "d", "ack_policy": "explicit"}
FLOW: Json = {"deliver_subject": "d", "ack_policy": "flow_control"}
STREAM: Json = {"name": "S", "subjects": ["s.>"]}
_TO = "CREATE.S.C"
_SHOWN = 200  # characters of a request
# What most requests have, left out where they are shown.
_WORN = (('{"stream_name":"S","config":{', "{"), ("}}", "}"))


@dataclass(frozen=True)
class Step:
    """One request. `to` is the subject below CONSUMER; `ours` is our answer in short form, where it
    differs on purpose, and `why`."""

    body: bytes
    to: str = _TO
    ours: str | None = None
    why: str = ""

    @property
    def text(self) -> str:
        """The request, readable."""
        return f"{self.to} {self.body.decode('latin1')}"

    def __str__(self) -> str:
        text = self.text.removeprefix(f"{_TO} ")
        for old, new in _WORN:
            text = text.replace(old, new)
        text = ascii(text)[1:-1]
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… {len(text)}"


@dataclass(frozen=True)
class Case:
    """`fresh` says that the stream, which has the fields `stream`, has no consumers before each
    step; `heard` are subjects that somebody listens to."""

    id: str
    steps: tuple[Step, ...]
    fresh: bool = False
    stream: Json | None = None
    heard: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.id

    @property
    def config(self) -> Json:
        """The stream's."""
        return {**STREAM, **(self.stream or {})}

    @property
    def labels(self) -> list[str]:
        """What each step is called in the record."""
        return [f"{place} {step}" for place, step in enumerate(self.steps)]


def ask(
    config: Json, to: str = _TO, action: str | None = None, pedantic: bool = False,
    ours: str | None = None, why: str = "",
) -> Step:  # fmt: skip
    """A create request for consumer C, unless `to` says another."""
    body: Json = {"stream_name": "S", "config": config}
    if action is not None:
        body["action"] = action
    if pedantic:
        body["pedantic"] = True
    return Step(json.dumps(body, separators=(",", ":")).encode(), to, ours, why)


def told(code: int, err_code: int, description: str) -> str:
    """An error, in one line."""
    return f"{code} {err_code} {description}"
