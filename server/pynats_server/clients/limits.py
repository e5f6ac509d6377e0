"""Applies the options to the engine and to each client, at start and after a reload."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pynats_common.go.durations import SECOND_NS

from pynats_server.auth import Verdict
from pynats_server.clients.session import session_of
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.readiness.patience import AWAKE_NS
from pynats_server.core.reasons import CloseReason
from pynats_server.machine.cores import usable_cores
from pynats_server.options import ConnectionLimits, Options
from pynats_server.server.state import ServerState

TICK_MAX_S = 0.25  # between two checks of all connections' timers
TICK_MIN_S = 0.01
TOO_MANY_IN_ACCOUNT = "maximum account active connections exceeded"


def configure_engine(state: ServerState) -> None:
    """Passes the engine its options."""
    engine, options = state.engine, state.options
    engine.max_pending = options.max_pending
    engine.write_deadline_ns = int(options.write_deadline * SECOND_NS)
    engine.stall_producers = not options.no_fast_producer_stall
    engine.tracing = state.log.part("clients").trace_enabled
    # On one core, staying awake would only keep everybody else from running.
    engine.vigil.patience.most_ns = AWAKE_NS if usable_cores() > 1 else 0
    shortest = min(options.ping_interval, options.auth_timeout, options.write_deadline)
    engine.tick_interval_s = max(TICK_MIN_S, min(TICK_MAX_S, shortest / 4))


_NONE = ConnectionLimits()  # nobody changes it
_OF_CLIENTS = ("max_control_line", "max_payload", "max_subscriptions", "ping_interval", "ping_max")


def same_limits(old: Options, new: Options) -> bool:
    """Whether the server's own limits of clients are the same."""
    return all(getattr(old, name) == getattr(new, name) for name in _OF_CLIENTS)


def apply_limits(
    client: ClientConnection, state: ServerState, verdict: Verdict | None = None
) -> None:
    """Sets a client's limits: the lowest of the server's, its account's and its user's."""
    options, own = state.options, account_limits(client, state)
    client.max_control_line = options.max_control_line
    client.max_payload = _lower(options.max_payload, own.max_payload)
    client.max_subscriptions = _lower(options.max_subscriptions or -1, own.max_subscriptions)
    if verdict is not None:
        client.max_payload = _lower(client.max_payload, verdict.max_payload)
        client.max_subscriptions = _lower(client.max_subscriptions, verdict.max_subscriptions)
    client.ping_interval_ns = int(options.ping_interval * SECOND_NS)
    client.ping_max = options.ping_max


def lowered(state: ServerState, verdict: Verdict) -> Iterator[str]:
    """For the log: where a client's account or user would let it do more than the server does."""
    found, options = state.account_options(verdict.account), state.options
    own = found.limits if found is not None else _NONE
    for name, most, wanted in (
        ("Payload", options.max_payload, (own.max_payload, verdict.max_payload)),
        (
            "Subscriptions", options.max_subscriptions,
            (own.max_subscriptions, verdict.max_subscriptions),
        ),
    ):  # fmt: skip
        if 0 < most < _lower(*wanted):
            yield f"Max {name} set to {most} from server overrides account or user config"


def account_limits(client: ClientConnection, state: ServerState) -> ConnectionLimits:
    """The limits of a client's account; none before CONNECT."""
    found = state.account_options(client.account.name) if client.account is not None else None
    return found.limits if found is not None else _NONE


def _lower(first: int, second: int) -> int:
    """The lower limit; negative means unlimited."""
    return max(first, second) if first < 0 or second < 0 else min(first, second)


def reload(state: ServerState, changed: Collection[str] | None = None) -> bool:
    """Applies new limits to the clients of the `changed` accounts, or to all of them, and closes
    those above them. Returns whether a limit that INFO names changed."""
    told = False
    for client in state.clients():
        account = client.account
        if changed is not None and account is not None and account.name not in changed:
            continue
        told = limit_again(state, client) or told
    _cut_surplus(state)
    return told


def limit_again(state: ServerState, client: ClientConnection) -> bool:
    """Applies changed limits to a client, and closes it if it is above them. Returns whether a
    limit that INFO names changed."""
    before = client.max_payload
    apply_limits(client, state, session_of(client).verdict)
    if 0 <= client.max_subscriptions < client.subscription_count:
        close_above_limit(client)
    return client.max_payload != before


def close_above_limit(client: ClientConnection) -> None:
    """It has more subscriptions than it may have, or may have none at all."""
    if not client.closing:
        client.fail_with("maximum subscriptions exceeded", CloseReason.MAX_SUBSCRIPTIONS_EXCEEDED)


def _cut_surplus(state: ServerState) -> None:
    """Closes the newest clients where an account or the server has too many."""
    options = state.options
    for name, account in options.accounts.items():
        cut_surplus(state.accounts[name], account.limits.max_connections)
    most = options.max_connections
    if not most or len(state.engine.connections) <= max(0, most):
        return
    for client in _surplus(state.clients(), max(0, most)):
        client.fail_with("maximum connections exceeded", CloseReason.MAX_CONNECTIONS_EXCEEDED)


def cut_surplus(account: Account, most: int) -> None:
    """Closes the newest clients of an account above `most`; negative = no limit."""
    for client in _surplus(account.clients, most):
        client.fail_with(TOO_MANY_IN_ACCOUNT, CloseReason.MAX_ACCOUNT_CONNECTIONS_EXCEEDED)


def _surplus(clients: Iterable[ClientConnection], most: int) -> list[ClientConnection]:
    """The newest clients above `most`; negative = no limit."""
    newest_first = sorted((c for c in clients if not c.closing), key=_cid, reverse=True)
    return newest_first[: max(0, len(newest_first) - most)] if most >= 0 else []


def _cid(client: ClientConnection) -> int:
    return client.cid
