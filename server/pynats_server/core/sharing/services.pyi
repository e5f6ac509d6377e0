from collections.abc import Callable
from typing import Any

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.figures import Counted
from pynats_server.core.interest.rename import Rename
from pynats_server.core.sharing.responses import Terms

class ServiceExport:
    def __init__(
        self, terms: Terms, latency: Any = None, allow_trace: bool = False, shown: bool = False
    ) -> None: ...
    @property
    def terms(self) -> Terms: ...

class ServiceImport(Counted):
    def __init__(
        self,
        engine: Engine,
        importer: Account,
        exporter: Account,
        local: bytes,
        rename: Rename | None,
        service: ServiceExport,
        who: Callable[[Any, Account, bool], bytes],
        share: bool = False,
    ) -> None: ...
    def close(self) -> None: ...
    def withdraw(self) -> None: ...
