"""The whole of /metrics: figures of the server, then of single accounts, streams and consumers as
far as the budget goes.

Collected and written in slices, on the loop: nothing here is long at a time, however much there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from pynats_server.monitor.json import Pieces
from pynats_server.monitor.metrics import accounts, server, slow, streams
from pynats_server.monitor.metrics.entities import Table, shares
from pynats_server.monitor.metrics.text import Family, exposition, gauge
from pynats_server.monitor.sharing import options_of
from pynats_server.monitor.source import JetStreamView, MonitorSource, StreamView
from pynats_server.monitor.varz import Usage
from pynats_server.work import Work

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import ConsumerFigures, Contents, StreamFigures

STEP = 8  # accounts, streams or consumers asked for their figures in one step


def page(
    source: MonitorSource, usage: Usage, refusals: int, per_stream: bool, is_open: bool
) -> Work[Pieces]:
    """The text, with the series of single streams and consumers if wanted; OpenMetrics if
    `is_open`. `refusals` are requests that were not let in."""
    found = yield from collect(source, usage, refusals, per_stream)
    return exposition(found, is_open)


def collect(
    source: MonitorSource, usage: Usage, refusals: int = 0, per_stream: bool = True
) -> Work[Iterable[Family]]:
    """All families with their current figures."""
    receivers = yield from slow.look(source)
    found: list[Family] = []
    for some in (
        server.process(source, usage),
        server.traffic(source),
        server.security(source),
        server.requests(source, refusals),
        slow.families(source, receivers),
        server.limits(source, receivers),
    ):
        found += some
        yield
    jetstream, contents = source.jetstream, None
    if jetstream is not None:
        contents = yield from jetstream.contents()
        found += server.jetstream(jetstream.figures(), contents, jetstream.sync_times())
    tables = yield from _tables(source, receivers, contents if per_stream else None)
    return chain(found, *(table.families() for table in tables), _budget(source, tables))


def _tables(
    source: MonitorSource, receivers: slow.Receivers, contents: Contents | None
) -> Work[list[Table[Any]]]:
    """With rows. `contents` None = none of streams and consumers."""
    of_accounts, of_streams = accounts.table(), streams.stream_table()
    of_consumers = streams.consumer_table()
    tables: list[Table[Any]] = [of_accounts, of_streams, of_consumers]
    counts = [len(source.accounts), 0, 0]
    if contents is not None:
        counts[1:] = [contents.streams, contents.consumers]
    # One row more than there are: of those that come meanwhile, or of the others.
    wanted = [(count + 1) * table.most for count, table in zip(counts, tables, strict=True)]
    for table, room in zip(tables, shares(source.options.metrics.max_series, wanted), strict=True):
        table.open(room)
    yield from _fill(of_accounts, _accounts(source, receivers))
    if contents is not None and source.jetstream is not None:
        yield from _fill(of_streams, _streams(source.jetstream))
        yield from _fill(of_consumers, _consumers(source.jetstream))
    return tables


def _fill(table: Table[Any], rows: Iterable[Any]) -> Work[None]:
    for count, row in enumerate(rows, 1):
        if row is not None:
            table.add(row)
        if count % STEP == 0:
            yield


def _accounts(source: MonitorSource, receivers: slow.Receivers) -> Iterator[accounts.AccountRow]:
    jetstream = source.jetstream
    for view in list(source.accounts.values()):
        there = jetstream.accounts.get(view.name) if jetstream is not None else None
        yield accounts.AccountRow(
            view,
            options_of(source, view.name),
            receivers.accounts.get(view.name, slow.Of()),
            there.figures() if there is not None else None,
        )


def _served(jetstream: JetStreamView) -> Iterator[StreamView | None]:
    """The streams of all accounts; None after each account, which is work without streams, too."""
    for account in list(jetstream.accounts.values()):
        yield from account.served()
        yield None


def _streams(jetstream: JetStreamView) -> Iterator[StreamFigures | None]:
    for stream in _served(jetstream):
        yield stream.figures() if stream is not None else None


def _consumers(jetstream: JetStreamView) -> Iterator[ConsumerFigures | None]:
    for stream in _served(jetstream):
        yield None
        if stream is not None:
            yield from stream.consumers.figures()


def _budget(source: MonitorSource, tables: list[Table[Any]]) -> Iterator[Family]:
    """Of this page itself. Made last, when it is known what there is."""
    yield gauge(
        "metrics_series_max",
        "Series of accounts, streams and consumers that there may be here (metrics.max_series).",
        source.options.metrics.max_series,
    )
    shown = gauge("metrics_series", "Those that there are now.")
    omitted = gauge(
        "metrics_omitted", "Accounts, streams and consumers without series of their own here."
    )
    for table in tables:
        shown.of(table.count, of=table.what)
        omitted.of(table.omitted, of=table.what)
    yield shown
    yield omitted
