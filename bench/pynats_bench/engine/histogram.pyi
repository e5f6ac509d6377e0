from pynats_bench.clients.histogram import Snapshot

class Recorder:
    """Counts of durations in cells of at most 0.8 % of the value; see `histogram.pxd`."""

    def record(self, value_ns: int, times: int = 1) -> None: ...
    def snapshot(self) -> Snapshot: ...
