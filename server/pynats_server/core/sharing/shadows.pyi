from collections.abc import Callable, Iterable

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.interest.rename import Rename

class StreamImport:
    def __init__(
        self,
        importer: Account,
        exporter: Account,
        local: bytes,
        rename: Rename | None,
        subjects_of: Callable[[bytes], Iterable[bytes]],
        allow_trace: bool = False,
    ) -> None: ...
    @property
    def importer(self) -> Account: ...
    @property
    def exporter(self) -> Account: ...
    @property
    def local(self) -> bytes: ...
    @property
    def rename(self) -> Rename | None: ...
    @property
    def allow_trace(self) -> bool: ...

class StreamImports:
    def __init__(self, imports: Iterable[StreamImport]) -> None: ...
    @property
    def imports(self) -> tuple[StreamImport, ...]: ...

def borrow(
    engine: Engine,
    account: Account,
    imports: StreamImports | None,
    until: int,
    over: Callable[[], object],
) -> None: ...
