"""kill -9 at random moments: all acknowledged messages exist after a restart, in order, and
reported removals do not come back."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.support.fuzzing import examples

WRITER = """
import asyncio, os, sys
from pathlib import Path
from pynats_server.jetstream.store import FileConfig, Syncer
from pynats_server.jetstream.store.file.filestore import FileStore

async def main():
    folder, compress, limit = Path(sys.argv[1]), sys.argv[2] == "s2", int(sys.argv[3])
    loop = asyncio.get_running_loop()
    config = FileConfig("S", folder, block_size=20000, compress=compress)
    store = FileStore(config, Syncer(loop))
    turn = 0
    while True:
        turn += 1
        for _ in range(20):
            n = store.last_seq + 1
            seq = store.append(b"a.%d" % (n % 5), None, b"%d" % n, 1)
            store.enforce_limits(limit, 0, 0, b"a.%d" % (n % 5))
        if turn % 7 == 0:
            store.save_index()
        done = loop.create_future()
        store.commit(done.set_result)
        assert await done is None
        os.write(1, b"%d %d\\n" % (store.first_seq, seq))

asyncio.run(main())
"""


@pytest.mark.parametrize(("form", "limit"), [("plain", 0), ("plain", 900), ("s2", 1500)])
def test_kill_loses_nothing_acknowledged(tmp_path: Path, form: str, limit: int) -> None:
    chance = random.Random(form + str(limit))
    first, last = 1, 0
    for _ in range(examples(8)):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), form, str(limit)],
            stdout=subprocess.PIPE,
        )
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 40)):
            first, last = map(int, writer.stdout.readline().split())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
        writer.stdout.close()
        writer.wait()
        if rest and len(rest[-1].split()) == 2:
            first, last = map(int, rest[-1].split())
        store = FileStore(FileConfig("S", tmp_path, block_size=20000, compress=form == "s2"))
        state = store.state()
        assert state.last_seq >= last
        assert state.first_seq >= first, "what a limit had removed came back"
        assert state.msgs == state.last_seq + 1 - state.first_seq
        if limit:
            assert state.msgs >= min(limit, state.last_seq)
        assert state.lost == []
        for seq in range(state.first_seq, state.last_seq + 1):
            assert store.load(seq).payload == b"%d" % seq
        store.close()
