"""What auth callouts need of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.options import Options

if TYPE_CHECKING:
    from pynats_common.nkeys import KeyPair


class Keys(Protocol):
    """The server's own, see `server.identity`."""

    id: str
    xkey: str

    @property
    def key(self) -> KeyPair: ...

    @property
    def curve(self) -> KeyPair: ...


class AskingServer(Protocol):
    """The server that asks. Used on the loop's thread."""

    engine: Engine
    options: Options
    name: str

    @property
    def kept(self) -> dict[object, Any]: ...

    @property
    def identity(self) -> Keys: ...

    def advertised(self) -> tuple[str, int]:
        """Host and port in INFO."""
        ...

    def warn_of_logins(self, text: str) -> None:
        """A line of the log, now and then."""
        ...

    def find_account(self, name: str) -> Account | None:
        """The account, with what every used account has."""
        ...
