"""Who may connect, and what they may publish and subscribe to.

`Authenticator` is the interface; every way to authenticate implements it. Nothing here uses
sockets: the client layer asks and acts on the verdict.
"""

from pynats_server.auth.base import Authenticator, ConnectOptions, Verdict
from pynats_server.auth.static import StaticAuthenticator

__all__ = ["Authenticator", "ConnectOptions", "StaticAuthenticator", "Verdict"]
