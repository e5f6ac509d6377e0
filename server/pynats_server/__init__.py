"""The broker: `async with Server(Options(...)) as server: ...`.

`core` is the compiled data plane; the other modules plug into it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynats_server.options import Options
    from pynats_server.server.server import Server, ServerError

__all__ = ["Options", "Server", "ServerError"]


def __getattr__(name: str) -> Any:
    # Late, so that `pynats-server --help` and tools need not load the data plane.
    if name == "Options":
        from pynats_server.options import Options

        return Options
    if name in ("Server", "ServerError"):
        from pynats_server.server import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
