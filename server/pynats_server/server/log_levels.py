"""Changes what the log says while the server runs."""

from __future__ import annotations

from collections.abc import Mapping

from pynats_server.clients.limits import configure_engine
from pynats_server.server.state import ServerState


def change_log_levels(state: ServerState, levels: Mapping[str, str]) -> dict[str, str]:
    """Gives parts of the server other levels, by name, until the next reload. Returns those of all
    parts. Raises ValueError and changes nothing where a part or a level is not known."""
    if levels:
        state.log.set_levels(levels)
        configure_engine(state)  # which looks at the protocol only where it is logged
        told = ", ".join(f"{part} {level}" for part, level in levels.items())
        state.log.notice(f"Log levels changed: {told}")
    return state.log.levels
