"""Where a new consumer begins, by its deliver policy."""

from __future__ import annotations

from dataclasses import dataclass, field

from pynats_common.go.times import parse_time_ns

from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.store import Store
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.work import Work


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first sequence that may be delivered; before it only `firsts`, in their order. What has
    come since it was looked for is behind it."""

    start: int
    firsts: list[int] = field(default_factory=list)


def beginning(config: ConsumerConfig, store: Store) -> Work[Beginning]:
    """Where a consumer of this configuration begins in what is stored now."""
    last = store.last_seq
    match config.deliver_policy:
        case "new":
            return Beginning(last + 1)
        case "last":
            return Beginning((yield from _last(config, store, last)))
        case "last_per_subject":
            filters = [text.encode() for text in config.filters]
            firsts = yield from store.last_of_each(filters, last)
            return Beginning(last + 1 if firsts else max(last, store.first_seq), firsts or [])
        case "by_start_sequence":
            return Beginning(max(config.opt_start_seq, store.first_seq))
        case "by_start_time":
            assert config.opt_start_time is not None
            return Beginning((yield from store.find_since(parse_time_ns(config.opt_start_time))))
        case _:
            return Beginning(store.first_seq)


def _last(config: ConsumerConfig, store: Store, last: int) -> Work[int]:
    """The newest message of its filters; without one, everything counts."""
    filters = [text.encode() for text in config.filters]
    if not filters or FilterSet(filters).every:
        return max(last, store.first_seq)
    newest = 0
    for filter in filters:
        found = yield from store.find_last(filter, last)
        newest = max(newest, found.seq if found is not None else 0)
    return newest or store.first_seq
