"""Which accounts have JetStream, at start and after a reload.

See https://docs.nats.io/reference/config/accounts/jetstream.
"""

from __future__ import annotations

from collections.abc import Mapping

from pynats_server.accounts.registry import AccountRegistry
from pynats_server.core.account import Account
from pynats_server.jetstream.capacity import JetStreamLimits
from pynats_server.jetstream.manager import JetStream
from pynats_server.options import GLOBAL_ACCOUNT, AccountLimits, Options

Wanted = Mapping[str, AccountLimits | None]


def wanted(options: Options) -> Wanted:
    """The limits of every account; None = without JetStream. Without configured accounts the global
    one has it, otherwise those that ask for it; the system account never."""
    names = [GLOBAL_ACCOUNT, *options.accounts, options.system_account_name]
    found = {name: options.accounts[name].jetstream if name in options.accounts else None
             for name in names}  # fmt: skip
    if options.operator.enabled:  # the others come by their JWTs
        found[GLOBAL_ACCOUNT] = None
    elif options.only_global_account:
        found[GLOBAL_ACCOUNT] = AccountLimits()
    return found


def check_promises(accounts: Wanted, server: JetStreamLimits) -> None:
    """Raises ValueError if accounts are promised more than the server has."""
    limits = [each for each in accounts.values() if each is not None]
    for what, code, most, promised in (
        ("memory", 10028, server.max_memory, [each.max_memory for each in limits]),
        ("storage", 10047, server.max_file, [each.max_storage for each in limits]),
    ):
        total = sum(max(0, each) for each in promised)
        if 0 <= most < total:
            raise ValueError(
                f"insufficient {what} resources available ({code}): accounts are promised {total} "
                f"bytes, the server has {most}"
            )


def start(
    jetstream: JetStream, accounts: Wanted, known: Mapping[str, Account], by_jwt: bool = False
) -> None:
    """Gives JetStream to the accounts configured to have it, and warns about streams on disk that
    belong to others, unless these come `by_jwt`."""
    for name, limits in accounts.items():
        if limits is None:
            jetstream.refuse(known[name])
        else:
            jetstream.enable(known[name], limits)
    for name in jetstream.folders_without_account() if not by_jwt else ():
        why = "has no JetStream" if name in accounts else "is not configured"
        jetstream.log.warn(
            f"JetStream: the streams of account '{name}' stay in {jetstream.folder / name} "
            f"untouched: the account {why}"
        )


def check_reload(jetstream: JetStream, options: Options) -> None:
    """Raises ValueError where new options promise accounts more than the server has."""
    new, now = options.jetstream, jetstream.figures()
    sizes = JetStreamLimits(
        now.max_memory if new.max_memory is None else new.max_memory,
        now.max_storage if new.max_file is None else new.max_file,
        jetstream.context.store_dir,
    )
    check_promises(wanted(options), sizes)


def reload(jetstream: JetStream, options: Options, known: AccountRegistry) -> None:
    """Follows new options: sizes, which accounts have JetStream, and which are gone."""
    jetstream.context.set_options(options.jetstream)
    jetstream.context.max_payload = options.max_payload
    jetstream.set_sizes(options.jetstream.max_memory, options.jetstream.max_file)
    _follow(jetstream, wanted(options), known)
    for account in known.surplus(options):
        jetstream.forget(account)


def _follow(jetstream: JetStream, accounts: Wanted, known: Mapping[str, Account]) -> None:
    """Gives and takes JetStream. The global account keeps what it had without being configured:
    accounts that were added must not take its streams away from running clients."""
    for name, limits in accounts.items():
        if limits is None and name == GLOBAL_ACCOUNT and name in jetstream.accounts:
            jetstream.log.warn(
                "JetStream: account '$G' keeps its streams until the next start, which will give "
                "JetStream only to the accounts that are configured to have it"
            )
        else:
            follow(jetstream, known[name], limits)


def follow(
    jetstream: JetStream,
    account: Account,
    limits: AccountLimits | None,
    tiers: Mapping[str, AccountLimits] | None = None,
) -> None:
    """Gives one account JetStream, changes its limits, or takes it away (None). With `tiers`,
    limits by number of replicas, they are shown with these."""
    has = jetstream.accounts.get(account.name)
    if limits is None:
        jetstream.refuse(account)
        if has is not None:
            name = account.name
            jetstream.log.notice(f"JetStream switched off for account '{name}', its files stay")
    elif has is not None:
        has.set_limits(limits, tiers)
    else:
        try:
            jetstream.enable_again(account, limits, tiers)
        except OSError as error:
            jetstream.not_enabled(account, error)
