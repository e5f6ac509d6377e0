"""The `jetstream` block through the real server's `-t` and ours: verdict, place and words.

Not here: domains that are no single token, which `-t` of the real server lets pass and only its
start refuses, while ours refuses both.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import (
    COLUMN,
    NAME,
    check_verdict,
    complaints,
    ours,
    stable,
    theirs,
)
from tests.support.records import Recorded

TEXTS = [
    "\njetstream: true\n",
    "\njetstream: false\n",
    "\njetstream: enabled\n",
    "\njetstream: enable\n",
    "\njetstream: Enabled\n",
    "\njetstream: disabled\n",
    "\njetstream: disable\n",
    "\njetstream: on\n",
    '\njetstream: "foo"\n',
    "\njetstream: 5\n",
    "\njetstream: []\n",
    "\njetstream: {}\n",
    "\njetstream {enabled: 1}\n",
    "\njetstream {enable: false}\n",
    '\njetstream {enabled: "true"}\n',
    "\njetstream {strict: 1}\n",
    "\njetstream {store_dir: 5}\n",
    '\njetstream {store_dir: "/tmp/a"}\n',
    '\njetstream {store: "/tmp/a", storedir: "/tmp/b"}\n',
    '\nstore_dir: "/tmp/a"\n',
    "\nstore_dir: 5\n",
    '\nstore_dir: ""\n',
    '\nstore_dir: "/tmp/a"\njetstream {store_dir: "/tmp/b"}\n',
    '\nstore_dir: "/tmp/a"\njetstream {store_dir: "/tmp/a"}\n',
    '\njetstream {store_dir: "/tmp/b"}\nstore_dir: "/tmp/a"\n',
    '\njetstream {store_dir: "/tmp/b"}\nstore_dir: "/tmp/b"\n',
    "\njetstream {max_mem: 10G}\n",
    '\njetstream {max_mem: "10G"}\n',
    '\njetstream {max_mem: "10GB"}\n',
    '\njetstream {max_mem: "10g"}\n',
    '\njetstream {max_mem: "10"}\n',
    '\njetstream {max_mem: "x"}\n',
    '\njetstream {max_mem: "xG"}\n',
    '\njetstream {max_mem: ""}\n',
    "\njetstream {max_mem: -1}\n",
    "\njetstream {max_mem: -5}\n",
    "\njetstream {max_mem: 0}\n",
    "\njetstream {max_mem: true}\n",
    "\njetstream {max_mem: 1.5}\n",
    '\njetstream {max_mem: "1.5G"}\n',
    '\njetstream {max_mem: "-1"}\n',
    "\njetstream {max_file: true}\n",
    '\njetstream {max_file: "x"}\n',
    "\njetstream {max_file_store: 1KiB}\n",
    "\njetstream {max_memory_store: 1M, max_mem_store: 2M}\n",
    "\njetstream {max_memory: 1M}\n",
    "\njetstream {max_store: 1M}\n",
    "\njetstream {sync: always}\n",
    '\njetstream {sync: "Always"}\n',
    '\njetstream {sync_interval: "10s"}\n',
    "\njetstream {sync_interval: 10}\n",
    '\njetstream {sync_interval: "x"}\n',
    '\njetstream {sync_interval: "-1s"}\n',
    "\njetstream {sync_interval: 0}\n",
    '\njetstream {sync_interval: "0s"}\n',
    "\njetstream {sync_interval: true}\n",
    "\njetstream {sync_interval: []}\n",
    "\njetstream {domain: 5}\n",
    '\njetstream {domain: ""}\n',
    '\njetstream {domain: "hub"}\n',
    "\njetstream {key: 5}\n",
    '\njetstream {key: "x"}\n',
    "\njetstream {ek: true}\n",
    '\njetstream {encryption_key: "x", prev_key: "y"}\n',
    '\njetstream {prev_key: "y"}\n',
    "\njetstream {prev_ek: 1}\n",
    "\njetstream {cipher: aes}\n",
    "\njetstream {cipher: AES}\n",
    "\njetstream {cipher: chacha}\n",
    "\njetstream {cipher: chachapoly}\n",
    "\njetstream {cipher: foo}\n",
    "\njetstream {cipher: 5}\n",
    "\njetstream {extension_hint: will_extend}\n",
    "\njetstream {extension_hint: no_extend}\n",
    "\njetstream {extension_hint: foo}\n",
    "\njetstream {extension_hint: 5}\n",
    "\njetstream {unique_tag: 5}\n",
    '\njetstream {unique_tag: " az: "}\n',
    '\njetstream {unique_tag: ""}\n',
    "\njetstream {limits: 5}\n",
    "\njetstream {limits: {}}\n",
    "\njetstream {limits: {max_ack_pending: 5}}\n",
    '\njetstream {limits: {max_ack_pending: "x"}}\n',
    "\njetstream {limits: {max_ack_pending: -5}}\n",
    "\njetstream {limits: {max_ha_assets: true}}\n",
    "\njetstream {limits: {max_ha_assets: -1}}\n",
    '\njetstream {limits: {max_request_batch: "x"}}\n',
    "\njetstream {limits: {max_request_batch: -1}}\n",
    "\njetstream {limits: {default_max_consumers: 5}}\n",
    "\njetstream {limits: {default_max_consumers: -1}}\n",
    '\njetstream {limits: {default_max_consumers: "x"}}\n',
    "\njetstream {limits: {duplicate_window: 5}}\n",
    '\njetstream {limits: {duplicate_window: "5s"}}\n',
    '\njetstream {limits: {duplicate_window: "x"}}\n',
    '\njetstream {limits: {duplicate_window: "-5s"}}\n',
    "\njetstream {limits: {duplicate_window: true}}\n",
    "\njetstream {limits: {foo: 1}}\n",
    "\njetstream {limits: {batch: 5}}\n",
    "\njetstream {limits: {batch: {foo: 1}}}\n",
    '\njetstream {limits: {batch: {max_inflight_per_stream: 1, max_inflight_total: 2, max_msgs: 3, timeout: "1s"}}}\n',  # noqa: E501
    '\njetstream {limits: {batch: {max_inflight_per_stream: "x"}}}\n',
    '\njetstream {limits: {batch: {max_inflight_total: "x"}}}\n',
    '\njetstream {limits: {batch: {max_msgs: "x"}}}\n',
    "\njetstream {limits: {batch: {max_msgs: -1}}}\n",
    "\njetstream {limits: {batch: {timeout: 5}}}\n",
    '\njetstream {limits: {batch: {timeout: "x"}}}\n',
    "\njetstream {limits: {batch: {timeout: true}}}\n",
    '\njetstream {limits: {batch: {max_msgs: "x", foo: 1}}}\n',
    "\njetstream {max_outstanding_catchup: 5}\n",
    '\njetstream {max_outstanding_catchup: "5M"}\n',
    '\njetstream {max_outstanding_catchup: "x"}\n',
    "\njetstream {max_outstanding_catchup: true}\n",
    '\njetstream {max_buffered_size: "x"}\n',
    '\njetstream {max_buffered_size: "1M"}\n',
    "\njetstream {max_buffered_size: -1}\n",
    '\njetstream {max_buffered_msgs: "x"}\n',
    "\njetstream {max_buffered_msgs: 5}\n",
    "\njetstream {max_buffered_msgs: -1}\n",
    '\njetstream {request_queue_limit: "x"}\n',
    "\njetstream {request_queue_limit: -5}\n",
    '\njetstream {info_queue_limit: "x"}\n',
    "\njetstream {info_queue_limit: 5}\n",
    '\njetstream {meta_compact: "x"}\n',
    "\njetstream {meta_compact: -1}\n",
    '\njetstream {meta_compact_size: "x"}\n',
    '\njetstream {meta_compact_size: "1M"}\n',
    "\njetstream {meta_compact_size: -1}\n",
    "\njetstream {meta_compact_sync: 1}\n",
    "\njetstream {max_concurrent_io: 1}\n",
    "\njetstream {max_concurrent_io: 4}\n",
    "\njetstream {max_concurrent_io: 0}\n",
    "\njetstream {max_concurrent_io: 8193}\n",
    '\njetstream {max_concurrent_io: "x"}\n',
    "\njetstream {foo: 1}\n",
    "\njetstream {foo: 1, bar: 2}\n",
    "\njetstream {ENABLED: true}\n",
    "\njetstream: nope\nport: x\n",
]
_LOOSE = re.compile("got|sync_interval should be")  # Go's names of types; what follows a panic


def _comparable(output: str) -> list[str]:
    return complaints(stable(output))


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_jetstream_block(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    check_verdict(text, tmp_path, monkeypatch, recorded, _comparable, {_LOOSE: COLUMN})


def test_flag_and_file_may_not_both_name_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    (tmp_path / NAME).write_text("\njetstream {store_dir: x}\n")
    args = ["-t", "-c", NAME, "-sd", "y"]
    expected_code, expected = theirs(recorded, tmp_path, args)
    code, output = ours(tmp_path, monkeypatch, args)
    assert (code, expected_code) == (1, 1)
    assert "a.conf:2:12:" in output
    assert stable(output) == expected
