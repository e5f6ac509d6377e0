"""The object `server` in all that a server says in its system account: which server it is."""

from __future__ import annotations

import time
from typing import Final

import msgspec
from pynats_common.go.times import format_time_ns

from pynats_server.options import ACK_SUBJECTS_V2, REPLICATION_FEATURES, Options
from pynats_server.said.json import compact
from pynats_server.server.state import ServerState
from pynats_server.version import VERSION

# JetStream, binary snapshots of streams, replication in the streams' account.
JETSTREAM_FLAGS: Final = 0b111


class Identity(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What does not change from message to message."""

    name: str
    host: str
    id: str
    cluster: str = ""
    domain: str = ""
    ver: str
    tags: list[str] = msgspec.field(default_factory=list)
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    feature_flags: dict[str, bool]
    jetstream: bool
    flags: int


class ServerBlock:
    """Of one server. Every block has the next number: who listens sees what is missing."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self.seq = 0  # of the last block
        self._options: Options | None = None  # what `_start` was made of
        self._jetstream: object = None
        self._start = b""  # the text of a block, up to its number

    def skip(self) -> None:
        """Counts a message that nobody listens to, and that was not made."""
        self.seq += 1

    def next(self) -> bytes:
        """The JSON of the next block."""
        self.seq += 1
        state = self._state
        if self._options is not state.options or self._jetstream is not state.jetstream:
            self._options, self._jetstream = state.options, state.jetstream
            self._start = compact(self.identity())[:-1] + b',"seq":'
        return b'%b%d,"time":"%b"}' % (
            self._start, self.seq, format_time_ns(time.time_ns()).encode(),
        )  # fmt: skip

    def identity(self) -> Identity:
        """As the options have it now."""
        state, options = self._state, self._state.options
        return Identity(
            name=state.name,
            host=state.advertised()[0],
            id=state.id,
            domain=options.jetstream.domain,
            ver=VERSION,
            tags=list(options.server_tags),
            metadata=dict(sorted(options.server_metadata.items())),
            feature_flags={
                ACK_SUBJECTS_V2: options.feature_flags.get(ACK_SUBJECTS_V2, False),
                **REPLICATION_FEATURES,
            },
            jetstream=state.jetstream is not None,
            flags=JETSTREAM_FLAGS if state.jetstream is not None else 0,
        )
