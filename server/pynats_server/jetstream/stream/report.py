"""What a stream tells of itself: to the API, and to monitoring."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pynats_common.go.times import ZERO_TIME, format_time_ns

from pynats_server.jetstream.config.model import SourceInfo, StreamState
from pynats_server.jetstream.consumer.registry import StreamConsumers
from pynats_server.jetstream.figures import StreamDetails, StreamFigures
from pynats_server.jetstream.stream.copying.following import Following
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.work import Work, finish


class Report:
    """Of one stream."""

    def __init__(
        self,
        stream: StreamHost,
        consumers: StreamConsumers,
        following: Following,
        folder: Path | None,
    ) -> None:
        self._stream = stream
        self._consumers = consumers
        self._following = following
        self._folder = folder

    def figures(self) -> StreamFigures:
        """Its numbers, for monitoring."""
        stream, store, consumers = self._stream, self._stream.store, self._consumers
        config = stream.config
        return StreamFigures(
            account=stream.account.name,
            name=stream.name,
            messages=store.msgs,
            bytes=store.nbytes,
            max_messages=config.max_msgs,
            max_bytes=config.max_bytes,
            max_consumers=config.max_consumers,
            first_seq=store.first_seq,
            first_ns=store.first_ts if store.msgs else 0,
            last_seq=store.last_seq,
            durable_seq=stream.durable_seq,
            subjects=store.num_subjects,
            lost=len(store.lost),
            lost_bytes=store.lost_bytes,
            unreadable=list(store.unreadable.values()),
            pending_acks=stream.ingest.waiting,
            max_pending_acks=stream.ingest.max_waiting,
            failure=self.failure,
            consumers=len(consumers.names),
            broken_consumers=consumers.broken,
            damaged_consumers=consumers.damage,
            folder=self._folder,
        )

    @property
    def failure(self) -> str | None:
        """Why the storage takes no more changes; None while it does."""
        failed = self._stream.store.failed
        return str(failed) if failed is not None else None

    def details(self) -> StreamDetails:
        """What it is and what is in it, for monitoring."""
        stream, consumers = self._stream, self._consumers
        mirror, sources = finish(self.origins())
        return StreamDetails(
            name=stream.name,
            created_ns=stream.created,
            config=stream.config,
            state=self.state(),
            mirror=mirror,
            sources=sources,
            consumers=len(consumers.names),
            hidden_consumers=len(consumers) - len(consumers.names),
        )

    def lost_sequences(self, most: int) -> list[int]:
        """The first `most` sequences whose messages were lost to damage."""
        return list(islice(self._stream.store.lost, most))

    def state(self, deleted: bool = False) -> StreamState:
        """The `state` of STREAM.INFO; `deleted`: with the sequences that are gone."""
        found = self._stream.store.state(deleted)
        lost = None
        if found.lost:
            lost = {"msgs": found.lost, "bytes": found.lost_bytes}
        unused = found.last_seq == 0 and not self._stream.config.first_seq
        return StreamState(
            messages=found.msgs,
            bytes=found.bytes,
            first_seq=0 if unused else found.first_seq,
            first_ts=format_time_ns(found.first_ts) if found.msgs else ZERO_TIME,
            last_seq=found.last_seq,
            last_ts=format_time_ns(found.last_ts) if found.last_seq else ZERO_TIME,
            num_subjects=found.num_subjects,
            num_deleted=found.num_deleted,
            deleted=found.deleted,
            lost=lost,
            consumer_count=len(self._consumers.names),
        )

    def origins(self) -> Work[tuple[SourceInfo | None, list[SourceInfo]]]:
        """The progress of the mirror and the sources."""
        return (yield from self._following.info())
