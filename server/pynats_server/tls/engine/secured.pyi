from pynats_server.core.sockets.layer import Layer
from pynats_server.tls.engine.base import PeerTls
from pynats_server.tls.engine.library import OpenSSL

class Shared:
    library: OpenSSL
    def layer(self, name: str = "") -> TlsLayer: ...

class TlsLayer(Layer):
    def __init__(self, context: Shared, name: str = "") -> None: ...
    def peer(self) -> PeerTls: ...
