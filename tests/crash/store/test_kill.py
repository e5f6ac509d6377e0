"""kill -9 at random moments: everything acknowledged is there after a restart, in order."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from pynats_server.jetstream.store import FileConfig, FileStore

WRITER = """
import asyncio, os, sys
from pathlib import Path
from pynats_server.jetstream.store import FileConfig, FileStore, Syncer

async def main():
    loop = asyncio.get_running_loop()
    store = FileStore(FileConfig("S", Path(sys.argv[1]), block_size=20000), Syncer(loop))
    while True:
        for _ in range(20):
            n = store.last_seq + 1
            seq = store.append(b"a.%d" % (n % 5), None, b"%d" % n, 1)
        done = loop.create_future()
        store.commit(done.set_result)
        assert await done is None
        os.write(1, b"%d\\n" % seq)

asyncio.run(main())
"""


def test_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(7)
    acked = 0
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 60)):
            acked = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        writer.stdout.close()
        writer.wait()
        acked = int(rest[-1]) if rest else acked
        store = FileStore(FileConfig("S", tmp_path, block_size=20000))
        assert store.last_seq >= acked
        assert store.state().lost == []
        for seq in range(1, store.last_seq + 1):
            assert store.load(seq).payload == b"%d" % seq
        store.close()
