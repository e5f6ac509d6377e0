from pynats_server.core.rates.limit import PublishLimit
from pynats_server.core.receiver import Receiver

class Publisher(Receiver):
    verbose: bool
    pedantic: bool
    no_responders: bool
    max_control_line: int
    max_payload: int
    @property
    def throttles(self) -> int: ...
    @property
    def refusals(self) -> int: ...
    @property
    def publish_limit(self) -> PublishLimit | None: ...
    def limit_publishing(self, own: PublishLimit | None, shared: PublishLimit | None) -> None: ...
