"""A stream that only has consumer configurations, and answers requests about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.consumer.config.claims import FilterClaims
from pynats_server.jetstream.consumer.config.context import Limits
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.preparation import prepare
from pynats_server.jetstream.consumer.config.requests import CreateRequest, addressed
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.decode import decode
from pynats_server.work import Work, finish

Json = dict[str, Any]

CREATE, DURABLE = "CONSUMER.CREATE.", "CONSUMER.DURABLE.CREATE."


@dataclass
class FakeStream:
    """The only stream of its account, with the consumers by name. `heard` are the subjects that
    somebody listens to."""

    stream: StreamConfig
    bounds: Limits = field(default_factory=Limits)
    heard: set[str] = field(default_factory=set)
    consumers: dict[str, ConsumerConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._claims = FilterClaims()

    def limits(self, replicas: int) -> Limits:
        return self.bounds

    def existing(self, name: str) -> ConsumerConfig | None:
        return self.consumers.get(name)

    def counted(self) -> int:
        return sum(config.is_counted for config in self.consumers.values())

    def claimed(self, filters: list[bytes], name: str) -> Work[bool]:
        return self._claims.claimed(filters, name)

    def is_heard(self, subject: str) -> bool:
        return subject in self.heard

    def answer(self, verb: str, body: bytes, strict: bool = True) -> Json:
        """The `config` or the `error` of the reply to a create request, as `{"config": …}` or
        `{"error": …}`; `verb` is its subject without the API's prefix."""
        try:
            config = self._answer(verb, body, strict)
        except ApiError as error:
            return {"error": error.as_dict()}
        return {"config": config.public().as_dict()}

    def _answer(self, verb: str, body: bytes, strict: bool) -> ConsumerConfig:
        request = decode(body, CreateRequest, strict)
        prefix = DURABLE if verb.startswith(DURABLE) else CREATE
        names = verb.removeprefix(prefix).split(".", 2)
        config = addressed(request, names, prefix == DURABLE)
        if names[0] != self.stream.name:
            raise api_error(10059)
        made = finish(prepare(config, request.action, self, request.pedantic))
        self._keep(made)
        return made

    def _keep(self, config: ConsumerConfig) -> None:
        before = self.consumers.get(config.name)
        if before is not None:
            self._claims.discard(before)
        self._claims.add(config)
        self.consumers[config.name] = config

    def clear(self) -> None:
        """Deletes all consumers."""
        for config in self.consumers.values():
            self._claims.discard(config)
        self.consumers.clear()
