"""An account that only has stream configurations, and answers requests about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from pynats_server.jetstream.config.context import Limits
from pynats_server.jetstream.config.model import StreamConfig, StreamConfigRequest
from pynats_server.jetstream.config.validation import (
    check_config,
    prepare_create,
    prepare_update,
    public_config,
    same_config,
)
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.decode import decode

CREATE, UPDATE = "CREATE", "UPDATE"

Json = dict[str, Any]


@dataclass
class FakeAccount:
    """An account as a dictionary of its streams; the only one of its server, which has so many
    bytes (-1: enough)."""

    configs: dict[str, StreamConfig] = field(default_factory=dict)
    bounds: Limits = field(default_factory=Limits)
    server_memory: int = -1
    server_storage: int = -1

    def streams(self) -> Iterable[StreamConfig]:
        return self.configs.values()

    def stream(self, name: str) -> StreamConfig | None:
        return self.configs.get(name)

    def limits(self, replicas: int) -> Limits:
        return replace(
            self.bounds,
            memory_left=self._left(self.server_memory, "memory"),
            storage_left=self._left(self.server_storage, "file"),
        )

    def _left(self, total: int, storage: str) -> int:
        if total < 0:
            return -1
        mine = [config for config in self.streams() if config.storage == storage]
        return total - sum(max(config.max_bytes, 0) for config in mine)

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
        made = prepare_create(request, self, request.pedantic)
        existing = self.stream(name)
        if existing is None:
            return made
        if not same_config(made, existing):
            raise api_error(10058)
        return existing

    def _update(self, name: str, body: bytes, strict: bool) -> StreamConfig:
        request = decode(body, StreamConfigRequest, strict)
        checked = check_config(request, self, request.pedantic)
        if checked.name != name:
            raise api_error(10056)
        existing = self.stream(name)
        if existing is None:
            raise api_error(10059)
        return prepare_update(existing, checked, self, request.pedantic)
