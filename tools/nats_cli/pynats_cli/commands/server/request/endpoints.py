"""The monitoring endpoints of all servers: one compact JSON document for each that answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED, Choice

from pynats_cli.commands.server.health import HealthFlags
from pynats_cli.commands.server.options import Archived
from pynats_cli.commands.server.request.options import RequestOptions, WaitOptions
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line
from pynats_cli.servers.system.sources import open_source

STATES = ("open", "closed", "all")
"""In the order of their numbers in requests."""
_SORTS = (
    "cid", "start", "subs", "pending", "msgs_to", "msgs_from", "bytes_to", "bytes_from", "last",
    "idle", "uptime", "stop", "reason", "rtt",
)  # fmt: skip


async def _print(
    options: GlobalOptions,
    chosen: RequestOptions,
    kind: str,
    request: dict[str, Any],
    *,
    wait: int = 0,
    archive: str = "",
    account: str = "",
    empty: str = "",
) -> None:
    """Prints the documents; with `empty` only those whose data has something in this list."""
    async with open_source(options, archive) as source:
        documents = await source.ask(
            kind, request, expect=wait, servers=chosen.servers, account=account
        )
    for document in documents:
        if not empty or (document.get("data") or {}).get(empty):
            line(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


async def variables(options: GlobalOptions, chosen: WaitOptions) -> None:
    """Settings and counts."""
    await _print(options, chosen, "VARZ", {}, wait=chosen.wait, archive=chosen.archive)


@dataclass(kw_only=True)
class ConnectionsOptions(WaitOptions):
    """Flags of `server request connections`."""

    sort: Annotated[str, opt("--sort", kind=Choice(*_SORTS), help="Order of connections")] = "cid"
    subscriptions: Annotated[bool, opt("--subscriptions", help="With subscriptions")] = False
    filter_cid: Annotated[
        int, opt("--filter-cid", kind=UNSIGNED, placeholder="CID", help="Only this connection")
    ] = 0
    filter_state: Annotated[
        str, opt("--filter-state", kind=Choice(*STATES), help="Only in this state")
    ] = "open"
    filter_user: Annotated[str, opt("--filter-user", help="Only of this user")] = ""
    filter_account: Annotated[str, opt("--filter-account", help="Only of this account")] = ""
    filter_subject: Annotated[
        str, opt("--filter-subject", help="Only with interest in this subject")
    ] = ""
    filter_empty: Annotated[
        bool, opt("--filter-empty", help="Only servers that have connections")
    ] = False


async def connections(options: GlobalOptions, chosen: ConnectionsOptions) -> None:
    """Connections."""
    request = {
        "sort": chosen.sort,
        "auth": True,
        "subscriptions": chosen.subscriptions,
        "subscriptions_detail": chosen.subscriptions,
        "offset": chosen.offset,
        "limit": chosen.limit,
        "cid": chosen.filter_cid,
        "state": STATES.index(chosen.filter_state),
        "user": chosen.filter_user,
        "acc": chosen.filter_account,
        "filter_subject": chosen.filter_subject,
    }
    await _print(
        options, chosen, "CONNZ", request, wait=chosen.wait, archive=chosen.archive,
        account=chosen.filter_account, empty="connections" if chosen.filter_empty else "",
    )  # fmt: skip


@dataclass(kw_only=True)
class SubscriptionsOptions(WaitOptions):
    """Flags of `server request subscriptions`."""

    detail: Annotated[bool, opt("--detail", help="Every subscription")] = False
    filter_account: Annotated[str, opt("--filter-account", help="Only of this account")] = ""
    filter_subject: Annotated[
        str, opt("--filter-subject", help="Only those that a message to it would reach")
    ] = ""


async def subscriptions(options: GlobalOptions, chosen: SubscriptionsOptions) -> None:
    """Subscriptions."""
    request: dict[str, Any] = {
        "offset": chosen.offset, "limit": chosen.limit, "subscriptions": chosen.detail,
    }  # fmt: skip
    if chosen.filter_account:
        request["account"] = chosen.filter_account
    if chosen.filter_subject:
        request["test"] = chosen.filter_subject
    await _print(
        options, chosen, "SUBSZ", request, wait=chosen.wait, archive=chosen.archive,
        account=chosen.filter_account,
    )  # fmt: skip


@dataclass(kw_only=True)
class AccountsOptions(WaitOptions):
    """Flags of `server request accounts`."""

    account: Annotated[str, opt("--account", help="Details of this account")] = ""


async def accounts(options: GlobalOptions, chosen: AccountsOptions) -> None:
    """Accounts."""
    await _print(
        options, chosen, "ACCOUNTZ", {"account": chosen.account}, wait=chosen.wait,
        archive=chosen.archive, account=chosen.account,
    )  # fmt: skip


@dataclass(kw_only=True)
class JetStreamOptions(WaitOptions):
    """Flags of `server request jetstream`."""

    account: Annotated[str, opt("--account", help="Only this account")] = ""
    accounts: Annotated[bool, opt("--accounts", help="With accounts")] = False
    streams: Annotated[bool, opt("--streams", help="With streams")] = False
    consumer: Annotated[bool, opt("--consumer", help="With consumers")] = False
    config: Annotated[bool, opt("--config", help="With configurations")] = False
    raft: Annotated[bool, opt("--raft", help="With Raft groups")] = False
    leader: Annotated[bool, opt("--leader", help="Only the leader of the meta group")] = False
    stream_leader: Annotated[bool, opt("--stream-leader", help="Only leaders of streams")] = False
    all: Annotated[
        bool, opt("--all", help="With accounts, streams, consumers, configurations and Raft groups")
    ] = False


async def jetstream(options: GlobalOptions, chosen: JetStreamOptions) -> None:
    """JetStream."""
    every = chosen.all
    request: dict[str, Any] = {
        "account": chosen.account,
        "accounts": every or chosen.accounts,
        "streams": every or chosen.streams,
        "consumer": every or chosen.consumer,
        "config": every or chosen.config,
        "raft": every or chosen.raft,
        "leader_only": chosen.leader,
        "stream_leader_only": chosen.stream_leader,
        "offset": chosen.offset,
        "limit": chosen.limit,
    }
    request = {name: value for name, value in request.items() if value}
    await _print(
        options, chosen, "JSZ", request, wait=chosen.wait or int(chosen.leader),
        archive=chosen.archive, account=chosen.account,
    )  # fmt: skip


@dataclass(kw_only=True)
class HealthOptions(HealthFlags, WaitOptions):
    """Flags of `server request jetstream-health`."""

    details: Annotated[bool, opt("--details/--no-details", help="Every failure in detail")] = True


async def jetstream_health(options: GlobalOptions, chosen: HealthOptions) -> None:
    """Health."""
    request = chosen.fields() | ({"details": True} if chosen.details else {})
    await _print(options, chosen, "HEALTHZ", request, wait=chosen.wait, archive=chosen.archive)


@dataclass(kw_only=True)
class RaftOptions(RequestOptions, Archived):
    """Flags of `server request raft`."""

    account: Annotated[str, opt("--account", help="Only groups of this account")] = ""
    group: Annotated[str, opt("--group", help="Only this group")] = ""


async def raft(options: GlobalOptions, chosen: RaftOptions) -> None:
    """Raft groups."""
    request = {"account": chosen.account, "group": chosen.group}
    await _print(options, chosen, "RAFTZ", request, archive=chosen.archive, account=chosen.account)


@dataclass(kw_only=True)
class RoutesOptions(WaitOptions):
    """Flags of `server request routes`."""

    subscriptions: Annotated[bool, opt("--subscriptions", help="With subscriptions")] = False


async def routes(options: GlobalOptions, chosen: RoutesOptions) -> None:
    """Routes."""
    request = {
        "subscriptions": chosen.subscriptions, "subscriptions_detail": chosen.subscriptions,
    }  # fmt: skip
    await _print(options, chosen, "ROUTEZ", request, wait=chosen.wait, archive=chosen.archive)


@dataclass(kw_only=True)
class GatewaysOptions(WaitOptions):
    """Flags of `server request gateways`."""

    wait: Annotated[int, arg("How many answers to wait for", UNSIGNED)] = 0
    filter_name: Annotated[str, arg("Only the gateway of this name")] = ""
    filter_account: Annotated[
        str, opt("--filter-account", help="Only this account in the details of accounts")
    ] = ""
    accounts: Annotated[bool, opt("--accounts", help="With accounts")] = False
    subscriptions: Annotated[
        bool, opt("--subscriptions/--no-subscriptions", help="With subscriptions of accounts")
    ] = True


async def gateways(options: GlobalOptions, chosen: GatewaysOptions) -> None:
    """Gateways."""
    detailed = chosen.accounts and chosen.subscriptions
    request = {
        "name": chosen.filter_name,
        "accounts": chosen.accounts,
        "account_name": chosen.filter_account,
        "subscriptions": detailed,
        "subscriptions_detail": detailed,
    }
    await _print(options, chosen, "GATEWAYZ", request, wait=chosen.wait, archive=chosen.archive)


@dataclass(kw_only=True)
class LeafnodesOptions(WaitOptions):
    """Flags of `server request leafnodes`."""

    subscriptions: Annotated[bool, opt("--subscriptions", help="With subscriptions")] = False


async def leafnodes(options: GlobalOptions, chosen: LeafnodesOptions) -> None:
    """Leafnodes."""
    request = {"subscriptions": chosen.subscriptions, "account": ""}
    await _print(options, chosen, "LEAFZ", request, wait=chosen.wait, archive=chosen.archive)


@dataclass(kw_only=True)
class QueuesOptions(RequestOptions, Archived):
    """Flags of `server request ipqueue`."""

    all: Annotated[bool, opt("--all/--no-all", help="Also empty queues")] = True
    filter: Annotated[str, opt("--filter", help="Only queues whose name contains this")] = ""


async def ipqueue(options: GlobalOptions, chosen: QueuesOptions) -> None:
    """Queues inside the servers."""
    request = {"all": chosen.all, "filter": chosen.filter}
    await _print(options, chosen, "IPQUEUESZ", request, archive=chosen.archive)
