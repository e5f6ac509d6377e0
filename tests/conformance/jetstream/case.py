"""Cases as data: what is sent to a server that has JetStream, and which answers are compared.

Every case starts with no streams and with counters at zero, as in an account of its own.
Texts may contain `${name}`, the value an earlier request saved under that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

API = "$JS.API."
Body = bytes | str | Mapping[str, Any] | list[Any]
Replies = Literal["one", "all", "none"]


@dataclass(frozen=True, slots=True)
class Request:
    """A message with a reply subject, and what came back.

    replies  "one" waits for one reply; "all" reads until one carries a status line; "none"
             expects silence and records whatever comes nevertheless
    save     name -> dotted path into the JSON reply, for later use as `${name}`
    until    dotted path and value: repeat the request until the reply has it, compare that one
    """

    subject: str
    body: Body = b""
    headers: Mapping[str, str] | bytes = field(default_factory=dict)
    replies: Replies = "one"
    save: Mapping[str, str] = field(default_factory=dict)
    until: tuple[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """A message without reply subject; the server has read it before the next step."""

    subject: str
    body: Body = b""
    headers: Mapping[str, str] | bytes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """Subscribe on a second connection of the same account."""

    subject: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a Watch of `subject` received since the last Seen: at least `count` messages.

    `ordered=False` where the order between subjects is not defined.
    """

    subject: str
    count: int
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop the server and start it on the same folder."""


Step = Request | Send | Watch | Seen | Restart


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    name     unique, becomes the test id
    steps    what happens
    account  the `jetstream` value of the case's account: other than the default, the case has an
             account of its own
    server   key of SERVERS, the `jetstream` block of the server
    """

    name: str
    steps: tuple[Step, ...]
    account: str = "enabled"
    server: str = "default"

    def __str__(self) -> str:
        return self.name

    @property
    def needs_account(self) -> bool:
        """Whether the global account will not do."""
        return self.account != "enabled"

    @property
    def restarts(self) -> bool:
        """Needs a server of its own."""
        return any(isinstance(step, Restart) for step in self.steps)


SERVERS: dict[str, str] = {
    "default": "max_mem: 1GB, max_file: 8GB",
    "lenient": "max_mem: 1GB, max_file: 8GB, strict: false",
    "window": "max_mem: 1GB, max_file: 8GB, limits: { duplicate_window: 30s }",
    "small": "max_mem: 1MB, max_file: 2MB",
    "domain": "max_mem: 1GB, max_file: 8GB, domain: hub",
    "few-consumers": "max_mem: 1GB, max_file: 8GB, limits: { default_max_consumers: 2 }",
}


def case(
    name: str,
    *steps: Step | list[Step],
    account: str = "enabled",
    server: str = "default",
) -> Case:
    """A case from steps and lists of steps."""
    flat: list[Step] = []
    for step in steps:
        flat.extend(step if isinstance(step, list) else [step])
    return Case(name, tuple(flat), account, server)


def api(subject: str, body: Body = b"", **options: Any) -> Request:
    """A request to `$JS.API.<subject>`."""
    return Request(API + subject, body, **options)


def create(name: str, **config: Any) -> Request:
    """Create stream `name`; file storage unless `storage` says otherwise."""
    return api(f"STREAM.CREATE.{name}", {"name": name, **_plain(config)})


def update(name: str, **config: Any) -> Request:
    """Update stream `name` to this whole configuration."""
    return api(f"STREAM.UPDATE.{name}", {"name": name, **_plain(config)})


def info(name: str, **request: Any) -> Request:
    """Stream info; without arguments the body is empty."""
    return api(f"STREAM.INFO.{name}", request or b"")


def pub(subject: str, body: Body = b"x", **headers: str) -> Request:
    """Publish and wait for the PubAck; `Nats_Msg_Id="a"` becomes the header Nats-Msg-Id."""
    return Request(subject, body, {name.replace("_", "-"): text for name, text in headers.items()})


def fill(count: int, *subjects: str, payload: str = "payload {0}") -> list[Step]:
    """Publish `count` messages over `subjects` in turn; `{0}` becomes the number, from 1."""
    return [
        pub(subjects[index % len(subjects)].format(index + 1), payload.format(index + 1))
        for index in range(count)
    ]


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in config.items()
    }
