"""Buckets of either kind in a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pynats_cli.jetstream.bucket import StreamBucket
from pynats_cli.screen import human
from pynats_cli.screen.tables import Table


def buckets_table(title: str, buckets: Sequence[StreamBucket]) -> Table:
    """A row for each bucket, with a column for each figure that its kind counts."""
    figures = [name.capitalize() for name in buckets[0].figures()] if buckets else []
    table = Table(title, ["Bucket", "Description", "Created", "Size", *figures, "Last Update"])
    now = time.time_ns()
    for bucket in buckets:
        table.add(
            bucket.name,
            bucket.config.get("description", ""),
            human.local_time(bucket.info["created"]),
            human.bytes_text(int(bucket.state["bytes"])),
            *(human.thousands(count) for count in bucket.figures().values()),
            human.since(bucket.state.get("last_ts", ""), now),
        )
    return table
