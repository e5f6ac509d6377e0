"""Applying a changed configuration to a running server, all of it or nothing.

Which settings may change stands in the table (`settings.reload`); what a change does, in the
`reload` of the room that it concerns. Here is the order.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pynats_server.clients import limits, reauthorize
from pynats_server.clients.handler import ClientHandler
from pynats_server.log.logger import LogError
from pynats_server.options import Options
from pynats_server.server.info import InfoMessage
from pynats_server.server.state import ServerState
from pynats_server.settings import SettingsError, diff, validate
from pynats_server.settings.reload import Change

Load = Callable[[], Options]


def apply_reload(
    state: ServerState, handler: ClientHandler, info: InfoMessage, load: Load | None
) -> bool:
    """Reads the configuration again with `load` and applies it. Returns whether it was applied;
    the log says why not."""
    log = state.log
    try:
        if load is None:
            raise ValueError("can only reload config when a file is provided using -c or --config")
        options = load()
        changes = _check(state, options)
        if options.log != state.options.log:  # the last check: it is done when it succeeds
            log.replace_by(options.log, state.program)
    except (SettingsError, ValueError, LogError, OSError) as error:
        log.error(f"Failed to reload server configuration: {error}")
        return False
    _apply(state, handler, info, options)
    for change in changes:
        log.notice(change.notice)
    digest = f" ({options.config_digest})" if options.config_digest else ""
    log.notice(f"Reloaded server configuration{digest}")
    return True


def _check(state: ServerState, options: Options) -> list[Change]:
    """What changes. Raises ValueError where something cannot change at run time."""
    validate(options)
    changes = diff(state.options, options)
    for change in changes:
        if not change.reloadable:
            raise ValueError(change.refusal)
    if state.jetstream is not None:
        from pynats_server.jetstream import enablement

        enablement.check_reload(state.jetstream, options)
    return changes


def _apply(state: ServerState, handler: ClientHandler, info: InfoMessage, options: Options) -> None:
    old, state.options = state.options, options
    state.config_load_time = time.time()
    limits.configure_engine(state.engine, options)
    state.accounts.add(options)  # before users are sent to them
    told = reauthorize.reload(state, handler)
    if state.jetstream is not None:
        from pynats_server.jetstream import enablement

        enablement.reload(state.jetstream, options, state.accounts)
    state.accounts.remove(options)  # after JetStream and the clients have left them
    told = limits.reload(state) or told
    info.reload(told or options.client_advertise != old.client_advertise)
