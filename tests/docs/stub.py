"""What stands in PATH for our programs: it has them run in a fork of a process that has loaded
their modules, with its own descriptors, which takes milliseconds instead of a third of a second.

It runs without `site`, and imports only what is built in: starting it is most of its cost.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import marshal
import posix
import sys

SIGNALS = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM,
           _signal.SIGUSR1, _signal.SIGUSR2)  # fmt: skip
# Variables: where the relay listens, the ports by default, and a file that says: ready.
RELAY, CLIENTS, MONITORING, READY = (
    f"PYNATS_DOCS_{name}" for name in ("RELAY", "CLIENTS", "MONITORING", "READY")
)


def run(relay: str, argv: list[str]) -> int:
    """The program's exit code, or minus the signal that ended it."""
    peer = _socket.socket(_socket.AF_UNIX)
    peer.connect(relay)
    for number in SIGNALS:
        _signal.signal(number, lambda number, _: peer.send(bytes([number])))
    wanted = marshal.dumps((argv, posix.getcwd(), dict(posix.environ)))
    descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)
    peer.sendmsg([len(wanted).to_bytes(4, "big")], [rights])
    peer.sendall(wanted)
    said = peer.recv(4)
    return int.from_bytes(said, "big", signed=True) if len(said) == 4 else 99


def needs_an_interpreter(name: str, options: list[str]) -> bool:
    """A fork takes programs in files; modules, `-c`, and standard input it does not."""
    return name == "pytest" or (
        name.startswith("python") and (not options or options[0].startswith("-"))
    )


def main() -> None:
    """Ends as the program does."""
    name, options = sys.argv[0].rpartition("/")[2], sys.argv[1:]
    if needs_an_interpreter(name, options):
        module = ["-m", "pytest", "-p", "no:cacheprovider"] if name == "pytest" else []
        posix.execv(sys.executable, [sys.executable, *module, *options])
    code = run(posix.environ[RELAY.encode()].decode(), [name, *options])
    if code < 0:
        _signal.signal(-code, _signal.SIG_DFL)
        posix.kill(posix.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
