"""An account that only has stream configurations, and answers requests about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from pynats_server.core import subject
from pynats_server.jetstream.config.context import Limits
from pynats_server.jetstream.config.model import (
    ConsumerLimits,
    StreamConfig,
    StreamConfigRequest,
)
from pynats_server.jetstream.config.validation import (
    check_config,
    prepare_create,
    prepare_update,
    public_config,
    same_config,
)
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.decode import decode
from pynats_server.work import Work, finish

CREATE, UPDATE = "CREATE", "UPDATE"

Json = dict[str, Any]


@dataclass
class FakeAccount:
    """An account as a dictionary of its streams. It is the only account of its server, which has
    `server_memory` and `server_storage` bytes (-1: unlimited)."""

    configs: dict[str, StreamConfig] = field(default_factory=dict)
    bounds: Limits = field(default_factory=Limits)
    server_memory: int = -1
    server_storage: int = -1

    def _others(self, name: str) -> list[StreamConfig]:
        return [config for config in self.configs.values() if config.name != name]

    def others(self, name: str) -> int:
        return len(self._others(name))

    def promised(self, storage: str, name: str) -> int:
        others = [config for config in self._others(name) if config.storage == storage]
        return sum(max(config.max_bytes, 0) for config in others)

    def captured(self, subjects: list[bytes], name: str) -> Work[bool]:
        yield
        return any(
            subject.overlaps(theirs.encode(), mine)
            for other in self._others(name)
            for theirs in other.subjects
            for mine in subjects
        )

    def beyond(self, limits: ConsumerLimits, name: str) -> Work[list[str]]:
        yield
        return []

    def stream(self, name: str) -> StreamConfig | None:
        return self.configs.get(name)

    def limits(self, replicas: int, name: str) -> Limits:
        return replace(
            self.bounds,
            memory_left=self._left(self.server_memory, "memory", name),
            storage_left=self._left(self.server_storage, "file", name),
        )

    def _left(self, total: int, storage: str, name: str) -> int:
        return -1 if total < 0 else max(0, total - self.promised(storage, name))

    def answer(self, verb: str, name: str, body: bytes, strict: bool = True) -> Json:
        """The `config` or the `error` of the reply, as `{"config": …}` or `{"error": …}`."""
        try:
            config = (self._create if verb == CREATE else self._update)(name, body, strict)
        except ApiError as error:
            return {"error": error.as_dict()}
        self.configs[name] = config
        return {"config": public_config(config).as_dict()}

    def _create(self, name: str, body: bytes, strict: bool) -> StreamConfig:
        request = decode(body, StreamConfigRequest, strict)
        if request.name != name:
            raise api_error(10056)
        made = finish(prepare_create(request, self, request.pedantic))
        existing = self.stream(name)
        if existing is None:
            return made
        if not same_config(made, existing):
            raise api_error(10058)
        return existing

    def _update(self, name: str, body: bytes, strict: bool) -> StreamConfig:
        request = decode(body, StreamConfigRequest, strict)
        checked = finish(check_config(request, self, request.pedantic))
        if checked.name != name:
            raise api_error(10056)
        existing = self.stream(name)
        if existing is None:
            raise api_error(10059)
        return finish(prepare_update(existing, checked, self, request.pedantic))
