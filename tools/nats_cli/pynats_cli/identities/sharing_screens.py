"""Exports, imports and mappings on the screen."""

from __future__ import annotations

from pynats_common import jwt
from pynats_common.accounts_store.store import Store
from pynats_common.jwt.types import Export, Import, WeightedMapping

from pynats_cli.identities.account_screens import moment
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import truth
from pynats_cli.screen.tables import Table


def export_screen(export: Export) -> str:
    """One export."""
    screen = Columns(f"Export info for {export.name} exporting {export.subject}")
    screen.section("Configuration")
    screen.add("Name", export.name)
    screen.add_if("Description", export.description)
    screen.add("Kind", export.type.capitalize())
    screen.add_if("Info", export.info_url)
    screen.add("Subject", export.subject)
    screen.add("Activation Required", truth(export.token_req))
    screen.add("Account Token Position", str(export.account_token_position))
    screen.add("Advertised", truth(export.advertise))
    screen.section("Revocations")
    if not export.revocations:
        screen.text("No revocations found")
    for public, at in sorted(export.revocations.items()):
        screen.add(public, moment(at))
    return screen.render() + "\n"


def exports_table(claims: jwt.AccountClaims) -> str:
    """All exports of an account."""
    table = Table(f"Exports for account {claims.name}",
                  ("Name", "Kind", "Subject", "Activation Required", "Advertised",
                   "Token Position", "Revocations"))  # fmt: skip
    for export in sorted(claims.nats.exports, key=lambda item: item.subject):
        table.add(export.name, export.type.capitalize(), export.subject, truth(export.token_req),
                  truth(export.advertise), export.account_token_position,
                  len(export.revocations))  # fmt: skip
    return table.render() + "\n" if table.rows else "No Exports defined"


def import_screen(store: Store, entry: Import) -> str:
    """One import."""
    local = entry.local or entry.subject
    screen = Columns(f'Import info for import "{entry.name}" importing "{local}"')
    screen.section("Configuration")
    screen.add("Name", entry.name)
    name = store.account_named(entry.account)
    screen.add("From Account", f"{name} ({entry.account})" if name else entry.account)
    screen.add("Local Subject", local)
    screen.add("Kind", entry.type.capitalize())
    screen.add("Remote Subject", entry.subject)
    screen.add("Sharing Connection Info", truth(entry.share))
    if not entry.is_service:
        screen.add("Allows Message Tracing", truth(entry.allow_trace))
    return screen.render() + "\n"


def imports_table(store: Store, claims: jwt.AccountClaims) -> str:
    """All imports of an account."""
    table = Table(f"Imports for account {claims.name}",
                  ("Name", "Kind", "Source", "Local Subject", "Remote Subject", "Allows Tracing",
                   "Sharing Connection Info"))  # fmt: skip
    for entry in sorted(claims.nats.imports, key=lambda item: item.local or item.subject):
        table.add(entry.name, entry.type.capitalize(),
                  store.account_named(entry.account) or entry.account,
                  entry.local or entry.subject, entry.subject,
                  "" if entry.is_service else truth(entry.allow_trace),
                  truth(entry.share))  # fmt: skip
    return table.render() + "\n" if table.rows else "No Imports defined"


def mapping_screen(mappings: dict[str, list[WeightedMapping]]) -> str:
    """Where subjects lead; the total is what all targets of a subject have."""
    screen = Columns("Subject mappings")
    for source, targets in sorted(mappings.items()):
        screen.section("Configuration" if len(mappings) == 1 else f"Configuration of {source}")
        for target in targets:
            screen.add("Source", source)
            screen.add("Target", target.subject)
            screen.add("Weight", str(target.weight))
            screen.add("Cluster", target.cluster)
            screen.text("")
        screen.add("Total weight", str(sum(target.weight for target in targets)))
    return screen.render() + "\n"


def mappings_table(claims: jwt.AccountClaims) -> str:
    """All mappings of an account."""
    table = Table(f"Subject mappings for account {claims.name}",
                  ("Source Subject", "Target Subject", "Weight", "Cluster"))  # fmt: skip
    for source, targets in sorted(claims.nats.mappings.items()):
        for target in targets:
            table.add(source, target.subject, target.weight, target.cluster)
    return table.render() + "\n" if table.rows else "No mappings defined"
