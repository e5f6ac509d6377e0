"""What a benchmark is going to do, and how it is announced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pynats_bench.model import split as split

from pynats_cli.screen.human import bytes_text, duration, thousands, truth

if TYPE_CHECKING:
    from pynats_cli.commands.bench.options import BenchOptions

_DURATIONS = {"sleep", "duration", "dedup-window"}
_SIZES = {"msg-size"}
_PLACES = ("subject", "stream", "bucket")


@dataclass(frozen=True)
class Kind:
    """A kind of benchmark: its name in texts, what clients are about to do, and while they do."""

    label: str
    verb: str
    doing: str
    publishes: bool = False
    endless: bool = False
    shared: bool = True  # the clients share the messages


PUB = Kind("Core NATS publisher", "publishing", "Publishing", publishes=True)
SUB = Kind("Core NATS subscriber", "expecting", "Receiving", shared=False)
REQUEST = Kind("Core NATS service requester", "requesting", "Requesting", publishes=True)
SERVE = Kind("Core NATS service server", "", "Serving", endless=True)
JS_SYNC = Kind("JetStream synchronous publisher", "publishing", "Publishing", publishes=True)
JS_ASYNC = Kind("JetStream asynchronous publisher", "publishing", "Publishing", publishes=True)
JS_ATOMIC = Kind("JetStream atomic batch publisher", "publishing", "Publishing", publishes=True)
JS_FAST = Kind("JetStream fast batch publisher", "publishing", "Publishing", publishes=True)
ORDERED = Kind("JetStream ordered ephemeral consumer", "expecting", "Receiving", shared=False)
CONSUME = Kind("JetStream durable consumer (callback)", "expecting", "Receiving")
FETCH = Kind("JetStream durable consumer (fetch)", "expecting", "Receiving")
GET = Kind("JetStream synchronous getter", "expecting", "Getting", shared=False)
GET_BATCH = Kind("JetStream batched direct getter", "expecting", "Getting", shared=False)
KV_PUT = Kind("JetStream KV putter", "publishing", "Putting", publishes=True)
KV_GET = Kind("JetStream KV getter", "trying to get", "Getting")
OLD_ORDERED = Kind(
    "JetStream ordered ephemeral consumer (old API)", "expecting", "Receiving", shared=False
)
OLD_PUSH = Kind("JetStream durable push consumer (old API)", "expecting", "Receiving")
OLD_PULL = Kind("JetStream durable pull consumer (old API)", "expecting", "Receiving")


@dataclass(frozen=True)
class Plan:
    """One benchmark: its kind and its settings (the names are those that users see)."""

    kind: Kind
    clients: int
    messages: int
    settings: dict[str, Any]

    @classmethod
    def of(cls, kind: Kind, options: BenchOptions, **settings: Any) -> Self:
        """From a command's options. A setting that is None is not there. Raises CliError."""
        messages = options.messages()
        clients = min(options.clients, messages) if kind.shared else options.clients
        everywhere = {"clients": clients, "msg-size": options.size, "msgs": messages}
        # Flags that not all kinds have.
        for name in ("sleep", "throughput", "duration"):
            value = getattr(options, name, None)
            if value or (name == "sleep" and value is not None):
                everywhere[name] = value
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        known = {key: value for key, value in (everywhere | given).items() if value is not None}
        return cls(kind, clients, messages, dict(sorted(known.items())))

    @property
    def shares(self) -> list[int]:
        """Messages of each client; 0 without end."""
        if self.kind.endless:
            return [0] * self.clients
        if self.kind.shared:
            return split(self.messages, self.clients)
        return [self.messages] * self.clients

    def banner(self) -> str:
        """The line that says what begins."""
        shown = ", ".join(f"{key}={_text(key, value)}" for key, value in self.settings.items())
        return f"Starting {self.kind.label} benchmark [{shown}]"

    def settings_json(self) -> dict[str, Any]:
        """The settings for programs: `msg_size_bytes`, `sleep_ns`."""
        units = {**dict.fromkeys(_SIZES, "_bytes"), **dict.fromkeys(_DURATIONS, "_ns")}
        return {
            key.replace("-", "_") + units.get(key, ""): value
            for key, value in self.settings.items()
        }

    def title(self) -> str:
        """What a plot of it is called."""
        clients = f"{thousands(self.clients)} client{'s' if self.clients > 1 else ''}"
        where = next((self.settings[key] for key in _PLACES if key in self.settings), "")
        return ", ".join(filter(None, (self.kind.label, where, clients)))

    def starts(self) -> Iterator[str]:
        """A line for each client."""
        for number, messages in enumerate(self.shares, 1):
            does = (
                "hit control-c to stop"
                if self.kind.endless
                else f"{self.kind.verb} {thousands(messages)} messages"
            )
            yield f"[{number}] Starting {self.kind.label}, {does}"


def _text(key: str, value: Any) -> str:
    if key in _DURATIONS:
        return duration(value)
    if key in _SIZES:
        return bytes_text(value)
    if isinstance(value, bool):
        return truth(value)
    if isinstance(value, int):
        return thousands(value)
    return ",".join(value) if isinstance(value, (list, tuple)) else str(value)
