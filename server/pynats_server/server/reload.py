"""Applies a changed configuration to a running server: all of it or nothing.

The table says which settings may change (`settings.changes`); each room applies its own changes.
This module defines the order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pynats_server.accounts.plan import Plan
from pynats_server.auth.chain import Chain
from pynats_server.clients import limits, rates
from pynats_server.clients.handler import ClientHandler
from pynats_server.clients.logins import reauthorize
from pynats_server.log.logger import LogError, Logger, Other
from pynats_server.options import Options
from pynats_server.server.accepted import Accepted, accept_again
from pynats_server.server.info import InfoMessage
from pynats_server.server.jetstream_life import JetStreamError, JetStreamLife
from pynats_server.server.resolver_life import ResolverLife
from pynats_server.server.run_files import RunFiles
from pynats_server.server.state import ReloadReport, ServerState
from pynats_server.server.tls_watch import TlsWatch
from pynats_server.settings import SettingsError, diff, validate_start
from pynats_server.tls.force import TlsInForce, put_in_force
from pynats_server.tls.plan import plan_of

if TYPE_CHECKING:
    from pynats_server.tls.https import HttpsContexts

ENABLED = "Reloaded: tls = enabled"
Load = Callable[[], Options]
# Of what is to be reloaded, or of its surroundings; others are ours.
FAULTS = (SettingsError, ValueError, LogError, OSError, JetStreamError)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reload changes."""

    state: ServerState
    handler: ClientHandler
    info: InfoMessage
    jetstream: JetStreamLife
    resolver: ResolverLife
    run_files: RunFiles
    tls_watch: TlsWatch
    https: HttpsContexts | None  # of monitoring


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that was read and checked, and what it needs."""

    old: Options  # that it was compared with
    options: Options
    changes: list[str]  # as lines of the log
    plan: Plan
    authenticator: Chain
    tls: TlsInForce | None  # what is in force, if nothing of it changes
    log: Other | None  # if that changes
    changed: frozenset[str]  # accounts
    unchanged: frozenset[str]  # users, as well as their accounts

    def drop(self) -> None:
        """It will not count."""
        if self.log is not None:
            self.log.drop()


def prepare_reload(state: ServerState, load: Load | None) -> Prepared:
    """Reads the configuration again with `load` and does all that is possible before it counts. Any
    thread may call it, one at a time. Raises one of FAULTS, if there is no fault of ours."""
    old = state.options
    if load is None:
        raise ValueError("can only reload config when a file is provided using -c or --config")
    accepted = accept_again(load(), Accepted(old, state.plan))
    options = accepted.options
    changes = diff(old, options)
    validate_start(options)
    for change in changes:
        if not change.reloadable:
            raise ValueError(change.refusal)
    authenticator = state.make_authenticator(options)
    notices = [notice for change in changes for notice in change.notices]
    tls = _prepare_tls(state, options)
    if tls is not state.tls and ENABLED not in notices and old.tls == options.tls:
        notices.append(ENABLED)
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
        notices,
        accepted.plan,
        authenticator,
        tls,
        # Last, because it changes something: a file.
        state.log.open_other(options.log, state.program) if changes_log else None,
        changed,
        unchanged,
    )


def _prepare_tls(state: ServerState, options: Options) -> TlsInForce | None:
    """Reads its files again."""
    if options.tls is None:
        return None
    plan = plan_of(options.tls)
    before = state.tls
    if before is None or not before.is_same(plan) or before.ocsp != options.ocsp:
        return put_in_force(options.tls, plan, options.ocsp)
    return before if before.options == options.tls else replace(before, options=options.tls)


def apply_reload(parts: Parts, prepare: Callable[[], Prepared]) -> str:
    """Takes over what `prepare` gives; the log says what has changed as soon as that holds for all,
    or why nothing has. Returns that, or nothing. `state.last_reload` has the report."""
    state, log = parts.state, parts.state.log
    prepared = None
    try:
        prepared = prepare()
        if prepared.old is not state.options:  # another reload has come in between
            prepared.drop()
            read, prepared = prepared.options, None
            prepared = prepare_reload(state, lambda: read)
        parts.jetstream.check_reload(prepared.options)
    except Exception as error:
        if prepared is not None:
            prepared.drop()
        parts.jetstream.abandon()
        fault = _told(error)
        log.error(f"Failed to reload server configuration: {fault}")
        state.last_reload = ReloadReport(time.time(), fault, ())
        return fault
    faults = _apply(parts, prepared)
    state.last_reload = ReloadReport(time.time(), "; ".join(faults), tuple(prepared.changes))
    state.when_shared(partial(_tell, log, prepared, faults))
    return state.last_reload.fault


def _tell(log: Logger, prepared: Prepared, faults: list[str]) -> None:
    for line in prepared.changes:
        log.notice(line)
    digest = prepared.options.config_digest
    log.notice("Reloaded server configuration" + (f" ({digest})" if digest else ""))
    for fault in faults:
        log.error(f"Reloaded, but not all of it: {fault}")


def _told(error: Exception) -> str:
    if isinstance(error, FAULTS):
        return "; ".join(str(error).splitlines())
    return f"internal error, please report: {error!r}"


def _apply(parts: Parts, prepared: Prepared) -> list[str]:
    """Has each room follow, in an order that holds: what one fails at does not keep the others from
    it. Returns what was wrong."""
    state, options = parts.state, prepared.options
    old, state.options = state.options, options
    state.config_load_time = time.time()
    faults: list[str] = []
    told = options.client_advertise != old.client_advertise

    def tell_if(changed: bool) -> None:
        nonlocal told
        told = told or changed

    some = prepared.changed if limits.same_limits(old, options) else None
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("log", lambda: _follow_log(state, prepared)),
        ("engine", lambda: limits.configure_engine(state)),
        ("accounts", lambda: state.accounts.add(options)),  # before users are moved to them
        ("resolver", parts.resolver.follow),
        ("exports and imports", lambda: state.share(prepared.plan)),
        ("limits of publishing", lambda: rates.limit_accounts(state)),
        (
            "log-ins",
            lambda: tell_if(
                reauthorize.reload(
                    state, parts.handler.log_in, prepared.authenticator, prepared.unchanged
                )
            ),
        ),
        ("TLS", lambda: _follow_tls(parts, prepared)),
        ("JetStream", lambda: parts.jetstream.follow(options)),
        # After JetStream and the clients have left them.
        ("accounts that are gone", state.drop_accounts),
        ("PID and ports files", parts.run_files.follow),
        ("limits of clients", lambda: tell_if(limits.reload(state, some))),
        ("INFO", lambda: parts.info.reload(told)),
    )
    for name, step in steps:
        try:
            step()
        except Exception as error:
            faults.append(f"{name}: {_told(error)}")
    return faults


def _follow_tls(parts: Parts, prepared: Prepared) -> None:
    """New connections get it; the others keep what they have, unless their certificates are no
    longer among the pinned ones."""
    state = parts.state
    before, state.tls = state.tls, prepared.tls
    parts.tls_watch.follow()
    if parts.https is not None:
        parts.https.follow()
    pins = before.plan.pins if before is not None else frozenset()
    if state.tls is not None and state.tls.plan.pins != pins:
        parts.handler.arrivals.drop_unpinned()


def _follow_log(state: ServerState, prepared: Prepared) -> None:
    if prepared.log is not None:
        state.log.use_other(prepared.log)
    else:
        state.log.restore_levels()
