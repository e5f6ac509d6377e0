"""TLS itself: three engines behind one interface, chosen when the first context is needed.

`choose().server_context(plan)` makes what connections share (`context`), its `layer()` is what a
connection starts with `start_tls`. Compiled: `library` (OpenSSL as a table of addresses), `session`
(one connection), `secured` (that as a layer). `fallback` does the same with Python's `ssl`.
"""

from pynats_server.tls.engine.base import Keyed, PeerTls, Plan
from pynats_server.tls.engine.choice import ENGINES, VARIABLE, Engine, TlsContext, choose

__all__ = ["ENGINES", "VARIABLE", "Engine", "Keyed", "PeerTls", "Plan", "TlsContext", "choose"]
