"""The screen of `server account info`, from ACCOUNTZ."""

from __future__ import annotations

import time
from typing import Any

from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import duration, local_time, since


def account_screen(account: dict[str, Any]) -> Columns:
    """Everything a server knows of an account."""
    screen = Columns(f"Account information for account {account.get('account_name')}")
    _details(screen, account)
    _mappings(screen, account.get("mappings") or {})
    _imports(screen, account.get("imports") or [])
    _exports(screen, account.get("exports") or [])
    _responses(screen, account.get("responses") or {})
    _revoked(screen, account.get("revoked_user") or {})
    return screen


def _details(screen: Columns, account: dict[str, Any]) -> None:
    updated = account.get("update_time")
    screen.section("Details")
    screen.add("Complete", _yes(account.get("complete")))
    screen.add("Expired", _yes(account.get("expired")))
    screen.add("System Account", _yes(account.get("is_system")))
    screen.add("Updated", f"{local_time(updated)} ({since(updated, time.time_ns())} ago)")
    screen.add("JetStream", _yes(account.get("jetstream_enabled")))
    screen.add_if("Issuer", str(account.get("issuer_key") or ""))
    screen.add_if("Tag", str(account.get("name_tag") or ""))
    screen.add_if("Tags", ", ".join(account.get("tags") or ()))


def _mappings(screen: Columns, mappings: dict[str, Any]) -> None:
    if mappings:
        screen.section("Mappings")
    for number, (source, destinations) in enumerate(sorted(mappings.items())):
        if number:
            screen.space()
        screen.text(f"  {source}")
        for each in destinations:
            weight, cluster = each.get("weight"), each.get("cluster")
            screen.add(
                "Destination",
                str(each.get("subject"))
                + (f", in cluster {cluster}" if cluster else "")
                + (f", with weight {weight}" if weight not in (None, 100) else ""),
            )


def _imports(screen: Columns, imports: list[dict[str, Any]]) -> None:
    if imports:
        screen.section("Imports")
    ordered = sorted(imports, key=lambda item: str(item.get("local_subject") or ""))
    ordered.sort(key=_is_service)
    for number, each in enumerate(ordered):
        if number:
            screen.space()
        local, remote = each.get("local_subject") or each.get("to"), each.get("subject")
        renamed = f" from subject {remote}" if local and local != remote else ""
        screen.add(
            "Subject", f"{local or remote}{renamed} {'in' if renamed else 'from'} "
            f"account {each.get('account')}",
        )  # fmt: skip
        screen.add("Type", str(each.get("type") or ""))
        screen.add("Sharing", _yes(each.get("share")))
        screen.add("Tracking", _yes(each.get("tracking")))
        if each.get("invalid"):
            screen.add("Invalid", "true")


def _exports(screen: Columns, exports: list[dict[str, Any]]) -> None:
    if exports:
        screen.section("Exports")
    ordered = sorted(exports, key=lambda item: str(item.get("subject") or ""))
    ordered.sort(key=_is_service, reverse=True)
    for number, each in enumerate(ordered):
        if number:
            screen.space()
        screen.add("Subject", str(each.get("subject")))
        screen.add("Type", str(each.get("type") or ""))
        screen.add("Tokens Required", _yes(each.get("token_req")))
        screen.add("Response Type", str(each.get("response_type") or ""))
        screen.add_list("Accounts", each.get("approved_accounts") or ())
        revoked = each.get("revoked_act") or {}
        screen.add_if(
            "Revoked", "\n".join(f"{key} {local_time(at)}" for key, at in revoked.items())
        )
        latency = each.get("service_latency") or {}
        if latency:
            sampling = latency.get("sampling")
            share = f"{sampling}%" if isinstance(sampling, int) else sampling
            screen.add("Latency", f"{share} to {latency.get('results')}")
        threshold = int(each.get("response_threshold") or 0)
        screen.add_if("Response Threshold", duration(threshold) if threshold else "")


def _responses(screen: Columns, responses: dict[str, Any]) -> None:
    if responses:
        screen.section("Responses")
    for subject, each in sorted(responses.items()):
        screen.add(subject, f"{each.get('type') or 'service'} from account {each.get('account')}")


def _revoked(screen: Columns, revoked: dict[str, Any]) -> None:
    if revoked:
        screen.section("Revoked Users")
    for user, at in sorted(revoked.items()):
        screen.add(user, local_time(at))


def _is_service(item: dict[str, Any]) -> bool:
    """Servers tell of imported streams first, and of exported services; within these in no order,
    or another one each time."""
    return item.get("type") == "service"


def _yes(value: object) -> str:
    return "true" if value else "false"
