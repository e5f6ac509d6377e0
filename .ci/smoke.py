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
PROGRAMS = ("pynats-server", "pynats", "pynats-top", "pynsc", "pynk")
LISTEN = ("-a", "127.0.0.1", "-p", "-1", "-m", "-1")
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


def seen_by_top(monitoring: str) -> str:
    """What `pynats-top` shows of a server."""
    return run("pynats-top", "-s", monitoring, "-once", "-view", "streams", "-format", "csv")


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
    for program in PROGRAMS:
        told = run(program, "--version").strip()
        assert told.startswith(f"{program}: v"), told
        print(told)
    seed = run("pynk", "-gen", "user").strip()
    assert seed.startswith("SU"), seed
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [BIN / "pynats-server", *LISTEN, "-js", "-sd", folder],
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(PATIENCE_S, server.kill)
        watchdog.start()
        try:
            assert server.stderr is not None
            log, url, monitoring = "", "", ""
            for line in server.stderr:
                log += line
                if found := re.search(r"client connections on (\S+)", line):
                    url = f"nats://{found[1]}"
                if found := re.search(r"Starting http monitor on (\S+)", line):
                    monitoring = f"http://{found[1]}"
                if "Server is ready" in line:
                    break
            else:
                sys.exit(f"the server did not start:\n{log}")
            messages = asyncio.run(stored_messages(url))
            assert messages == 1, messages
            table = seen_by_top(monitoring)
            assert "SMOKE" in table, table
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
