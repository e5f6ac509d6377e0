"""Applies a changed configuration to a running server: all of it or nothing.

The table says which settings may change (`settings.reload`); each room applies its own changes.
This module defines the order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pynats_server.accounts.plan import check_accounts
from pynats_server.clients import limits, rates, reauthorize
from pynats_server.clients.handler import ClientHandler
from pynats_server.log.logger import LogError
from pynats_server.options import Options
from pynats_server.server.info import InfoMessage
from pynats_server.server.jetstream_life import JetStreamLife
from pynats_server.server.run_files import RunFiles
from pynats_server.server.state import ServerState
from pynats_server.settings import SettingsError, diff, validate
from pynats_server.settings.reload import Change

Load = Callable[[], Options]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reload changes."""

    state: ServerState
    handler: ClientHandler
    info: InfoMessage
    jetstream: JetStreamLife
    run_files: RunFiles


def apply_reload(parts: Parts, load: Load | None) -> bool:
    """Reads the configuration again with `load` and applies it. Returns whether it was applied;
    the log says why not."""
    state, log = parts.state, parts.state.log
    try:
        if load is None:
            raise ValueError("can only reload config when a file is provided using -c or --config")
        options = load()
        changes = _check(parts, options)
        if options.log != state.options.log:  # last, because it checks and applies in one step
            log.replace_by(options.log, state.program)
    except (SettingsError, ValueError, LogError, OSError) as error:
        parts.jetstream.abandon()
        log.error(f"Failed to reload server configuration: {error}")
        return False
    _apply(parts, options)
    for change in changes:
        if change.notice:
            log.notice(change.notice)
    digest = f" ({options.config_digest})" if options.config_digest else ""
    log.notice(f"Reloaded server configuration{digest}")
    return True


def _check(parts: Parts, options: Options) -> list[Change]:
    """The changes. Raises ValueError if one is impossible at run time."""
    validate(options)
    check_accounts(options)
    changes = diff(parts.state.options, options)
    for change in changes:
        if not change.reloadable:
            raise ValueError(change.refusal)
    parts.jetstream.check_reload(options)
    return changes


def _apply(parts: Parts, options: Options) -> None:
    state = parts.state
    old, state.options = state.options, options
    state.config_load_time = time.time()
    limits.configure_engine(state.engine, options)
    state.accounts.add(options)  # before users are moved to them
    state.share()
    rates.limit_accounts(state)
    told = reauthorize.reload(state, parts.handler)
    parts.jetstream.follow(options)
    state.accounts.remove(options)  # after JetStream and the clients have left them
    parts.run_files.follow()
    told = limits.reload(state) or told
    parts.info.reload(told or options.client_advertise != old.client_advertise)
