from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.interest.subscription import Sink

class DomainSink(Sink):
    def __init__(
        self, engine: Engine, account: Account, prefix: bytes, mappings: dict[str, str]
    ) -> None: ...
