"""`python -m pynats_bench.relay PORT`: the byte relay as a process, for the ceiling rows.

Connections come in pairs: the first of a pair receives what the second sends.
"""

from __future__ import annotations

import socket
import sys

from pynats_bench.engine.relay import relay


def serve(port: int) -> None:
    """Relay pairs of connections on loopback `port`, one pair at a time, until killed."""
    with socket.create_server(("127.0.0.1", port), backlog=16) as listener:
        print("Server is ready", file=sys.stderr, flush=True)
        while True:
            sink, _ = listener.accept()
            source, _ = listener.accept()
            for end in (sink, source):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with sink, source:
                relay(source.fileno(), sink.fileno())


if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(0)
