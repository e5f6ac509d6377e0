"""Does what is installed work? Starts the broker and stores a message with the tools.

Run by the Python of the environment to try; `make dist-check` and cibuildwheel do so.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import nats

BIN = Path(sys.executable).parent
PATIENCE_S = 60


def run(*command: str) -> str:
    """Output of one of our commands, which must succeed."""
    program, *arguments = command
    done = subprocess.run(
        [str(BIN / program), *arguments], capture_output=True, text=True, timeout=PATIENCE_S
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


async def stored_messages(url: str) -> int:
    """Messages in a new stream after `pynats` has published one."""
    client = await nats.connect(url, allow_reconnect=False)
    stream = client.jetstream()
    await stream.add_stream(name="SMOKE", subjects=["smoke"])
    await asyncio.to_thread(run, "pynats", "--server", url, "publish", "smoke", "hello")
    info = await stream.stream_info("SMOKE")
    await client.close()
    return info.state.messages


def main() -> None:
    """Exits with an error when anything does not work."""
    print(run("pynats", "--version").strip(), run("pynsc", "--version").strip(), sep="\n")
    seed = run("pynk", "-gen", "user").strip()
    assert seed.startswith("SU"), seed
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [BIN / "pynats-server", "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", folder],
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(PATIENCE_S, server.kill)
        watchdog.start()
        try:
            assert server.stderr is not None
            log, url = "", ""
            for line in server.stderr:
                log += line
                if found := re.search(r"client connections on (\S+)", line):
                    url = f"nats://{found[1]}"
                if "Server is ready" in line:
                    break
            else:
                sys.exit(f"the server did not start:\n{log}")
            messages = asyncio.run(stored_messages(url))
            assert messages == 1, messages
            server.terminate()
            server.stderr.read()
            code = server.wait()
            assert code == 0, code
        finally:
            watchdog.cancel()
            server.kill()
            server.wait()
    print("smoke: the server runs, and the tools reach it")


if __name__ == "__main__":
    main()
