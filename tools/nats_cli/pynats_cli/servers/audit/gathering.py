"""Asks the servers of a system for everything an audit needs.

Servers and accounts are discovered first; what others answer is left out. A server that does not
answer, or answers with an error, is a line in the log, not the end.
"""

from __future__ import annotations

import base64
import getpass
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynats_common.go.times import format_time_ns
from pynats_common.program.version import RELEASE

from pynats_cli.errors import CliError
from pynats_cli.servers.audit import layout
from pynats_cli.servers.audit.writing import ArchiveWriter
from pynats_cli.servers.system import requests

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_SUBJECT = "$SYS.REQ.SERVER.PING"
_PAGE_ITEMS = 1024
_CPU_PROFILE_S = 2
_EVERYTHING: dict[str, dict[str, Any]] = {
    "CONNZ": {"subscriptions": True, "subscriptions_detail": True, "limit": _PAGE_ITEMS,
              "offset": 0},
    "SUBSZ": {"subscriptions": True, "limit": _PAGE_ITEMS, "offset": 0},
    "ROUTEZ": {"subscriptions": True, "subscriptions_detail": True},
    "GATEWAYZ": {"accounts": True},
    "LEAFZ": {"subscriptions": True},
    "JSZ": {"accounts": True, "streams": True, "consumer": True, "config": True, "raft": True,
            "limit": _PAGE_ITEMS},
    "HEALTHZ": {"details": True},
}  # fmt: skip
_OF_ACCOUNT: dict[str, dict[str, Any]] = {
    "CONNZ": {"subscriptions": True, "auth": True, "limit": _PAGE_ITEMS},
    "SUBSZ": {"subscriptions": True, "limit": _PAGE_ITEMS},
    "LEAFZ": {"subscriptions": True},
}  # fmt: skip
_STREAMS = {"streams": True, "direct_consumer": True, "config": True, "raft": True}
_PAGED = {"CONNZ": "connections", "SUBSZ": "subscriptions_list"}


@dataclass(kw_only=True)
class Wanted:
    """What is gathered."""

    cluster: str = ""
    server_endpoints: bool = True
    server_profiles: bool = True
    account_endpoints: bool = True
    streams: bool = True
    consumers: bool = True
    details: bool = True


@dataclass
class _System:
    """What was discovered: servers by id, accounts, and which of them each server knows."""

    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[str, set[str]] = field(default_factory=dict)
    system_account: str = ""


class Gathering:
    """One run. `log` shows a line; all of them go into the archive."""

    def __init__(
        self, session: Session, archive: ArchiveWriter, wanted: Wanted,
        log: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._session = session
        self._archive = archive
        self._wanted = wanted
        self._show = log
        self._lines: list[str] = []
        self._system = _System()

    async def run(self) -> None:
        """Everything, in the order of `nats`."""
        await self._discover_servers()
        if self._wanted.account_endpoints or self._wanted.streams:
            await self._discover_accounts()
        for asked, what, work in (
            (self._wanted.server_endpoints, "server endpoints", self._server_endpoints),
            (self._wanted.server_profiles, "server profiles", self._profiles),
            (self._wanted.account_endpoints, "account endpoints", self._account_endpoints),
            (self._wanted.streams, "streams", self._streams),
        ):
            if asked:
                await work()
            else:
                self._log(f"Skipping {what} gathering")
        self._about()

    def _log(self, text: str) -> None:
        self._lines.append(text)
        self._show(text)

    # Discovery

    async def _discover_servers(self) -> None:
        self._log("Broadcasting PING to discover servers... (this may take a few seconds)")
        for document in await requests.ask(self._session, ""):
            server = document.get("server") or {}
            if self._wanted.cluster and server.get("cluster", "") != self._wanted.cluster:
                continue
            self._system.servers[str(server["id"])] = server
            self._log(f"Discovered server '{server.get('name')}' ({server.get('id')})")
        count = len(self._system.servers)
        self._log(f"Discovered {count} servers")
        if not count:
            where = f" in cluster {self._wanted.cluster}" if self._wanted.cluster else ""
            raise CliError(f"no server answered{where}")

    async def _discover_accounts(self) -> None:
        self._log("Broadcasting PING to discover accounts... ")
        for server, document in await self._asked("ACCOUNTZ", {}):
            data = document.get("data") or {}
            names = [str(name) for name in data.get("accounts") or []]
            for name in names:
                self._system.accounts.setdefault(name, set()).add(str(server["id"]))
            self._system.system_account = data.get("system_account") or ""
            self._log(f"Discovered {len(names)} accounts on server {server.get('name')}")
        if self._system.system_account:
            self._log(f"Discovered system account name: {self._system.system_account}")
        self._log(
            f"Discovered {len(self._system.accounts)} accounts "
            f"over {len(self._system.servers)} servers"
        )

    async def _asked(
        self, kind: str, request: dict[str, Any], account: str = ""
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Known servers and what they said; errors are logged and left out.

        With an account, the servers that know it are asked about it.
        """
        subject = _SUBJECT if not account else f"$SYS.REQ.ACCOUNT.{account}"
        asked = self._system.accounts.get(account) or self._system.servers
        # Where not all know the account, others may answer first: then all are waited for.
        expect = len(asked) if len(asked) == len(self._system.servers) else 0
        servers = requests.ServerFilter(cluster=self._wanted.cluster)
        body = request | servers.fields() if servers else request
        answers = await requests.scatter(self._session, f"{subject}.{kind}", body, expect=expect)
        good = []
        for answer in answers:
            server = self._system.servers.get(str(answer.server.get("id")))
            error = answer.document.get("error")
            if server is None:
                continue
            if error:
                text = requests.error_text(error)
                self._log(f"Received an error from server {server['name']}: {text}")
            else:
                good.append((server, answer.document))
        if expect > len(answers):
            self._log(f"{expect - len(answers)} servers did not answer {kind}")
        return good

    # Endpoints

    async def _server_endpoints(self) -> None:
        count = len(self._system.servers)
        self._log(f"Querying {len(layout.SERVER_ENDPOINTS)} endpoints on {count} known servers...")
        kept = 0
        for kind, artifact in layout.SERVER_ENDPOINTS:
            for server, document in await self._asked(kind, _EVERYTHING.get(kind, {})):
                where = layout.server_folder(server.get("cluster", ""), server["name"], artifact)
                kept += await self._keep(where, server, kind, document)
        self._log(f"Captured {kept} endpoint responses from {count} servers")

    async def _account_endpoints(self) -> None:
        accounts = self._system.accounts
        self._log(
            f"Querying {len(layout.ACCOUNT_ENDPOINTS)} endpoints "
            f"for {len(accounts)} known accounts..."
        )
        kept = 0
        for account in sorted(accounts):
            for kind, artifact in layout.ACCOUNT_ENDPOINTS:
                kept += await self._account_endpoint(account, kind, artifact)
        self._log(f"Captured {kept} endpoint responses from {len(accounts)} accounts")

    async def _account_endpoint(self, account: str, kind: str, artifact: str) -> int:
        if kind == "RAFTZ":
            answers = await self._asked(kind, {"account": account})
        elif kind == "IPQUEUESZ":
            answers = await self._asked(kind, {"filter": account})
        else:
            name = "INFO" if kind == "ACCOUNTZ" else kind
            answers = await self._asked(name, _OF_ACCOUNT.get(kind, {}), account)
        kept = 0
        for server, document in answers:
            if "data" not in document:
                continue
            where = layout.account_folder(
                account, server.get("cluster", ""), server["name"], artifact
            )
            self._archive.add_page(where, document)
            kept += 1
        return kept

    async def _keep(
        self, where: tuple[str, layout.Tags], server: dict[str, Any], kind: str,
        document: dict[str, Any],
    ) -> int:  # fmt: skip
        """Keeps an answer and the pages after it. Returns their number."""
        self._archive.add_page(where, document)
        items = _PAGED.get(kind)
        pages = 1
        if items is None:
            return pages
        data = document.get("data") or {}
        seen = len(data.get(items) or [])
        while seen < int(data.get("total") or 0):
            request = {**_EVERYTHING[kind], "offset": seen}
            try:
                document = await requests.ask_one(self._session, str(server["id"]), kind, request)
            except CliError as error:
                self._log(f"Page at {seen} of {kind} of server {server['name']}: {error}")
                break
            data = document.get("data") or {}
            found = len(data.get(items) or [])
            if not found:
                break
            self._archive.add_page(where, document)
            pages += 1
            seen += found
        return pages

    # Profiles

    async def _profiles(self) -> None:
        count = len(self._system.servers)
        self._log(f"Capturing {len(layout.PROFILES)} profiles on {count} known servers...")
        kept = 0
        for name, profile, level in layout.PROFILES:
            request: dict[str, Any] = {"name": profile, "debug": level}
            if profile == "cpu":
                seconds = min(_CPU_PROFILE_S, self._session.options.timeout_s / 2)
                request["duration"] = int(seconds * 1_000_000_000)
            for server, document in await self._asked("PROFILEZ", request):
                text = (document.get("data") or {}).get("profile")
                if not text:
                    self._log(f"Missing profile {name} in the answer of {server['name']}")
                    continue
                path, tags = layout.profile_path(server.get("cluster", ""), server["name"], name)
                self._archive.add(path, tags, base64.b64decode(text))
                kept += 1
        self._log(f"Captured {kept} server profiles from {count} servers")

    # Streams

    async def _streams(self) -> None:
        self._log("Gathering streams data...")
        for account in sorted(self._system.accounts):
            if account == self._system.system_account:
                continue
            found: set[str] = set()
            request = {**_STREAMS, "account": account, "consumer": self._wanted.consumers}
            for server, document in await self._asked("JSZ", request):
                found |= self._keep_streams(account, server, document)
            self._log(f"Discovered {len(found)} streams in account {account}")

    def _keep_streams(
        self, account: str, server: dict[str, Any], document: dict[str, Any]
    ) -> set[str]:
        found = set()
        for detail in streams_of(document.get("data") or {}, account):
            name = str(detail["name"])
            where = layout.stream_folder(account, name, server.get("cluster", ""), server["name"])
            self._archive.add_page(where, detail)
            found.add(name)
        return found

    # About the archive itself

    def _about(self) -> None:
        info = self._session.server_info
        details: dict[str, Any] = {"capture_timestamp": format_time_ns(time.time_ns())}
        if self._wanted.details:
            from pynats_cli.connect.session import connected_to

            details |= {
                "connected_server_name": info.get("server_name", ""),
                "connected_server_version": info.get("version", ""),
                "connect_url": connected_to(self._session.client),
                "user_name": _user(),
            }
        details["version"] = f"pynats {RELEASE}"
        data = json.dumps(details, indent=2).encode()
        self._archive.add_special(layout.METADATA, "audit_gather_metadata", data)
        text = "".join(f"{line}\n" for line in self._lines)
        self._archive.add_special(layout.LOG, "audit_gather_log", text.encode())


def streams_of(data: dict[str, Any], account: str) -> Sequence[dict[str, Any]]:
    """The streams of an account in a JSZ answer, whether for one account or for all."""
    if data.get("stream_detail"):
        return list(data["stream_detail"])
    for detail in data.get("account_details") or []:
        if account in (detail.get("name"), detail.get("id")):
            return list(detail.get("stream_detail") or [])
    return []


def _user() -> str:
    try:
        return f"{getpass.getuser()} ({platform.node()})"
    except (OSError, KeyError, ImportError):
        return "unknown"
