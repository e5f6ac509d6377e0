from collections.abc import Callable, Hashable
from typing import Any

from pynats_server.core.account import Account
from pynats_server.core.interest.subscription import Sink
from pynats_server.jetstream.api.onlookers import Onlookers
from pynats_server.jetstream.consumer.delivery.router import Router
from pynats_server.jetstream.direct.desk import Desk

class ApiSink(Sink):
    def __init__(
        self,
        account: Account,
        prefix: bytes,
        callback: Callable[..., object],
        router: Router,
        desk: Desk,
        at_work: dict[Hashable, Any],
        waited: dict[Any, Any],
        is_idle: Callable[[Hashable, Hashable], bool],
        on_error: Callable[[Exception], object],
        onlookers: Onlookers,
        has_none: bool,
    ) -> None: ...
