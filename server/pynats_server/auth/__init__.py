"""Who may connect, and what they may publish and subscribe to.

`Authenticator` (in `base`) is the interface; every way to authenticate implements it. Nothing here
uses sockets: the client layer asks and acts on the verdict.
"""

from pynats_server.auth.base import (
    REFUSED,
    VIOLATION,
    Answer,
    Authenticator,
    Hello,
    Outcome,
    Refusal,
    Slow,
    Verdict,
)
from pynats_server.auth.connect import ConnectOptions
from pynats_server.tls.peer import PeerTls

__all__ = [
    "REFUSED",
    "VIOLATION",
    "Answer",
    "Authenticator",
    "ConnectOptions",
    "Hello",
    "Outcome",
    "PeerTls",
    "Refusal",
    "Slow",
    "Verdict",
]
