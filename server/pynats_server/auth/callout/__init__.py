"""Auth callout: a service decides who may come in.

The server asks it with a signed request and checks the answer. Nothing here knows how connections
are read; what is needed of the server is `server.AskingServer`.
"""

from pynats_server.auth.callout.login import CalloutLogin
from pynats_server.auth.callout.server import AskingServer

__all__ = ["AskingServer", "CalloutLogin"]
