"""Applies a changed configuration to a running server: all of it or nothing.

The table says which settings may change (`settings.reload`); each room applies its own changes.
This module defines the order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pynats_server.accounts.plan import Plan
from pynats_server.auth import StaticAuthenticator
from pynats_server.clients import limits, rates, reauthorize
from pynats_server.clients.handler import ClientHandler
from pynats_server.log.logger import LogError, Logger
from pynats_server.log.sinks import Sink
from pynats_server.options import Options
from pynats_server.server.accepted import Accepted, accept_again
from pynats_server.server.info import InfoMessage
from pynats_server.server.jetstream_life import JetStreamLife
from pynats_server.server.run_files import RunFiles
from pynats_server.server.state import ReloadReport, ServerState
from pynats_server.settings import SettingsError, diff

Load = Callable[[], Options]
FAULTS = (SettingsError, ValueError, LogError, OSError)  # of what is to be reloaded


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reload changes."""

    state: ServerState
    handler: ClientHandler
    info: InfoMessage
    jetstream: JetStreamLife
    run_files: RunFiles


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that was read and checked, and what it needs."""

    old: Options  # that it was compared with
    options: Options
    changes: list[str]  # as lines of the log
    plan: Plan
    authenticator: StaticAuthenticator
    sink: Sink | None  # of the log, if that changes
    changed: frozenset[str]  # accounts
    unchanged: frozenset[str]  # users, as well as their accounts


def prepare_reload(state: ServerState, load: Load | None) -> Prepared:
    """Reads the configuration again with `load` and does all that is possible before it counts. Any
    thread may call it, one at a time. Raises one of FAULTS."""
    old = state.options
    if load is None:
        raise ValueError("can only reload config when a file is provided using -c or --config")
    accepted = accept_again(load(), Accepted(old, state.plan))
    options = accepted.options
    changes = diff(old, options)
    for change in changes:
        if not change.reloadable:
            raise ValueError(change.refusal)
    authenticator = state.make_authenticator(options)
    changed = frozenset(
        name
        for name in old.accounts.keys() | options.accounts.keys()
        if old.accounts.get(name) != options.accounts.get(name)
    )
    unchanged = authenticator.unchanged(state.authenticator)
    unchanged -= authenticator.users_of(changed)
    changes_log = options.log != old.log and not state.log.fixed
    return Prepared(
        old,
        options,
        [notice for change in changes for notice in change.notices],
        accepted.plan,
        authenticator,
        # Last, because it changes something: a file.
        state.log.open_other(options.log, state.program) if changes_log else None,
        changed,
        unchanged,
    )


def apply_reload(parts: Parts, prepare: Callable[[], Prepared]) -> str:
    """Takes over what `prepare` gives; the log says what has changed as soon as that holds for all,
    or why nothing has. Returns that, or nothing. `state.last_reload` has the report."""
    state, log = parts.state, parts.state.log
    prepared = None
    try:
        prepared = prepare()
        if prepared.old is not state.options:  # another reload has come in between
            if prepared.sink is not None:
                prepared.sink.close()
            read, prepared = prepared.options, None
            prepared = prepare_reload(state, lambda: read)
        parts.jetstream.check_reload(prepared.options)
    except FAULTS as error:
        if prepared is not None and prepared.sink is not None:
            prepared.sink.close()
        parts.jetstream.abandon()
        fault = "; ".join(str(error).splitlines())
        log.error(f"Failed to reload server configuration: {fault}")
        state.last_reload = ReloadReport(time.time(), fault, ())
        return state.last_reload.fault
    _apply(parts, prepared)
    state.last_reload = ReloadReport(time.time(), "", tuple(prepared.changes))
    state.when_shared(partial(_tell, log, prepared))
    return ""


def _tell(log: Logger, prepared: Prepared) -> None:
    for line in prepared.changes:
        log.notice(line)
    digest = prepared.options.config_digest
    log.notice("Reloaded server configuration" + (f" ({digest})" if digest else ""))


def _apply(parts: Parts, prepared: Prepared) -> None:
    state, options = parts.state, prepared.options
    old, state.options = state.options, options
    state.config_load_time = time.time()
    if prepared.sink is not None:
        state.log.use_other(options.log, prepared.sink)
    else:
        state.log.restore_levels()
    limits.configure_engine(state)
    state.accounts.add(options)  # before users are moved to them
    state.share(prepared.plan)
    rates.limit_accounts(state)
    told = reauthorize.reload(state, parts.handler, prepared.authenticator, prepared.unchanged)
    parts.jetstream.follow(options)
    state.accounts.remove(options)  # after JetStream and the clients have left them
    parts.run_files.follow()
    some = prepared.changed if limits.same_limits(old, options) else None
    told = limits.reload(state, some) or told
    parts.info.reload(told or options.client_advertise != old.client_advertise)
