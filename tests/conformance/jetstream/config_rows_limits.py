"""Requests of an account with limits, on a server with limits: one after the other."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from tests.support.fake_account import CREATE, UPDATE, Json

SECOND = 1_000_000_000

SERVER_CONFIG = """
jetstream {{
    store_dir: "{folder}/store", max_mem: 3000, max_file: 50000
    limits {{ duplicate_window: "1m" }}
}}
accounts {{
    NARROW {{
        users: [{{user: narrow, password: x}}]
        jetstream {{
            max_mem: 2000, max_file: 20000, max_streams: 4, max_consumers: 4, max_bytes_required: true
            mem_max_stream_bytes: 1500, disk_max_stream_bytes: 15000
        }}
    }}
    WIDE {{ users: [{{user: wide, password: x}}], jetstream: enabled }}
}}
"""


def _create(name: str, **config: Any) -> tuple[str, Json]:
    return CREATE, {"name": name, **config}


def _update(name: str, **config: Any) -> tuple[str, Json]:
    return UPDATE, {"name": name, **config}


NARROW_STEPS = (
    _create("S"), _create("S", max_bytes=0), _create("S", max_bytes=-1), _create("S", max_bytes=15_001), _create("S", max_bytes=15_000, max_consumers=5),
    _create("S", max_bytes=15_000, max_consumers=4), _create("S", max_bytes=15_000, max_consumers=4), _create("S", max_bytes=15_000), _create("T", max_bytes=5001), _create("T", max_bytes=5000),
    _create("T", max_bytes=5000), _create("U", max_bytes=1), _create("U", max_bytes=1501, storage="memory"), _create("U", max_bytes=1500, storage="memory"),
    _create("V", max_bytes=501, storage="memory"), _create("V", max_bytes=500, storage="memory"), _create("W", max_bytes=1), _create("W", storage="memory"), _create("V", max_bytes=400, storage="memory"),
    _create("V", max_bytes=500, storage="memory"), _update("T", max_bytes=5001), _update("T", max_bytes=4000), _update("T", max_bytes=5000), _update("T", max_bytes=-1), _update("T", max_bytes=5000, max_consumers=5),
    _update("U", max_bytes=1500, storage="file"), _update("V", max_bytes=501, storage="memory"), _update("S", max_bytes=15_000, subjects=["T"]), _create("X", max_bytes=1, num_replicas=3), _create("X", max_bytes=15_001, num_replicas=3),
    _update("S", max_bytes=15_000, num_replicas=3),
)  # fmt: skip

WIDE_STEPS = (
    _create("S", duplicate_window=60 * SECOND + 1), _create("S", duplicate_window=60 * SECOND), _create("T", pedantic=True), _create("T"), _create("U", max_age=30 * SECOND), _create("V", max_age=30 * SECOND, pedantic=True),
    _create("V", max_age=90 * SECOND), _create("M", mirror={"name": "S"}), _create("M2", mirror={"name": "S"}, duplicate_window=61 * SECOND), _update("S", duplicate_window=61 * SECOND), _create("B", max_bytes=50_001), _create("B", max_bytes=50_000),
    _create("C", max_bytes=1), _create("C"), _update("B", max_bytes=40_000), _update("B", max_bytes=50_000), _update("B", max_bytes=50_001), _create("D", max_bytes=3001, storage="memory"), _create("D", max_bytes=3000, storage="memory"),
    _create("E", storage="memory"), _create("E", storage="memory", max_bytes=1), _update("D", storage="memory", max_bytes=-1), _update("D", storage="memory", max_bytes=3000), _create("P", duplicate_window=SECOND, pedantic=True),
)  # fmt: skip

# The same stream again, and another under its name, where it holds most of the server's or account's budget.
AGAIN_WIDE_STEPS = (
    _create("B", max_bytes=30_000), _create("B", max_bytes=30_000), _create("B", max_bytes=20_000), _create("B", max_bytes=40_000), _create("B", max_bytes=50_001),
    _create("B", max_bytes=30_000, description="x"), _create("B", max_bytes=30_000, storage="memory"), _create("B", max_bytes=3000, storage="memory"), _create("B"), _create("C", max_bytes=20_001), _create("C", max_bytes=20_000),
    _create("C", max_bytes=20_000), _create("C", max_bytes=20_001), _create("B", max_bytes=30_000), _create("B", max_bytes=30_001), _create("B", max_bytes=30_000, subjects=["C"]), _update("B", max_bytes=30_000), _update("B", max_bytes=30_001),
    _create("M", max_bytes=2000, storage="memory"), _create("M", max_bytes=2000, storage="memory"), _create("M", max_bytes=2500, storage="memory"), _create("M", max_bytes=3001, storage="memory"), _create("M", max_bytes=2000),
)  # fmt: skip
AGAIN_NARROW_STEPS = (
    _create("B", max_bytes=12_000), _create("B", max_bytes=12_000), _create("B", max_bytes=15_000), _create("B", max_bytes=20_001), _create("B", max_bytes=12_000, description="x"), _create("C", max_bytes=8000),
    _create("C", max_bytes=8000), _create("C", max_bytes=8001), _create("B", max_bytes=12_000), _create("B", max_bytes=12_001), _create("B", max_bytes=12_000, storage="memory"), _create("M", max_bytes=1500, storage="memory"),
    _create("M", max_bytes=1500, storage="memory"), _create("M", max_bytes=1400, storage="memory"), _create("N", max_bytes=1), _create("N", max_bytes=1), _create("B", max_bytes=12_000), _create("B", max_bytes=11_000), _create("O", max_bytes=1),
    _create("B", max_bytes=12_000, max_consumers=5), _create("B", max_bytes=20_001, max_consumers=5), _create("B", max_bytes=-1), _create("B", max_bytes=12_000, num_replicas=3),
)  # fmt: skip

# Where ours differs on purpose: the real server counts a memory stream's own bytes against it when it is created again, but not those of a stream in files.
AGAIN_DIFFERENCES = {
    ("wide again", 19): None,  # as before
    ("wide again", 20): {"error": {"code": 400, "err_code": 10058, "description": "stream name already in use with a different configuration"}},
}  # fmt: skip
