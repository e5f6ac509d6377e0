"""Screens and tables of backups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pynats_common.go.times import format_time_ns

from pynats_cli.jetstream.backup.download import Taken
from pynats_cli.jetstream.backup.editing import Edited
from pynats_cli.jetstream.backup.reading import Summary
from pynats_cli.jetstream.backup.selection import REASONS
from pynats_cli.screen import human
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.tables import Table

COLUMNS = 3  # of the table of subjects
NAMES_SHOWN = 20
_RETENTION = {"limits": "Limits", "interest": "Interest", "workqueue": "WorkQueue"}


def taken_line(stream: str, taken: Taken) -> str:
    """What came, in one line."""
    return (
        f"Received {human.bytes_text(taken.received)} compressed data in {taken.chunks} chunks "
        f'for stream "{stream}" in {human.duration(taken.took_ns)}, '
        f"{human.bytes_text(taken.unpacked)} uncompressed"
    )


def info_screen(folder: Path, meta: dict[str, Any], summary: Summary) -> Columns:
    """What a backup holds, and what it says of itself."""
    config = meta["config"]
    columns = Columns(f"Information for backup of Stream {config['name']} in {folder}")
    _add_config(columns, config)
    columns.section("Consumers")
    columns.add("Count", human.thousands(len(summary.consumers)))
    names = sorted(summary.consumers)
    shown = names[:NAMES_SHOWN] + (["…"] if len(names) > NAMES_SHOWN else [])
    columns.add_if("Names", ", ".join(shown))
    columns.section("Messages")
    columns.add("Messages", human.thousands(summary.messages))
    columns.add("Bytes", human.bytes_text(summary.size))
    if summary.messages:
        columns.add("First Sequence", _place(*summary.first))
        columns.add("Last Sequence", _place(*summary.last))
    columns.add("Subjects", human.thousands(len(summary.subjects)))
    advisory = " (message and byte counts are advisory)" if summary.advisory else ""
    columns.section(f"Declared State{advisory}")
    state = summary.state
    columns.add("Messages", human.thousands(int(state.get("messages", 0))))
    columns.add("Bytes", human.bytes_text(int(state.get("bytes", 0))))
    columns.add("First Sequence", human.thousands(int(state.get("first_seq", 0))))
    columns.add("Last Sequence", human.thousands(int(state.get("last_seq", 0))))
    columns.add("Consumers", human.thousands(int(state.get("consumer_count", 0))))
    _add_edit(columns, meta.get("edit"))
    return columns


def _add_config(columns: Columns, config: dict[str, Any]) -> None:
    retention = str(config.get("retention", "limits"))
    columns.section("Configuration")
    columns.add("Name", config["name"])
    columns.add_if("Description", config.get("description", ""))
    columns.add_if("Subjects", ", ".join(config.get("subjects") or []))
    columns.add("Storage", str(config.get("storage", "file")).capitalize())
    columns.add("Retention", _RETENTION.get(retention, retention))
    columns.add("Replicas", str(config.get("num_replicas", 1)))
    columns.add("Maximum Messages", _limit(config.get("max_msgs")))
    columns.add("Maximum Per Subject", _limit(config.get("max_msgs_per_subject")))
    columns.add("Maximum Bytes", _size(config.get("max_bytes")))
    age = config.get("max_age")
    columns.add("Maximum Age", human.duration(age) if age else "unlimited")
    columns.add("Maximum Message Size", _size(config.get("max_msg_size")))
    columns.add("Maximum Consumers", _limit(config.get("max_consumers")))


def _limit(value: int | None) -> str:
    return human.thousands(value) if value and value > 0 else "unlimited"


def _size(value: int | None) -> str:
    return human.bytes_text(value) if value and value > 0 else "unlimited"


def _place(seq: int, time_ns: int) -> str:
    return f"{human.thousands(seq)} @ {human.local_time(format_time_ns(time_ns))}"


def _add_edit(columns: Columns, edit: dict[str, Any] | None) -> None:
    if not edit:
        return
    columns.section("Edit")
    columns.add("Tool Version", str(edit.get("version", "")))
    columns.add_if("Options", ", ".join(edit.get("options") or []))
    columns.add_if("Source Digest", str(edit.get("source_digest", "")))
    columns.add("Obfuscated", "true" if edit.get("obfuscated") else "false")


def subjects_table(stream: str, summary: Summary) -> Table:
    """Every subject with its messages, down the columns."""
    counts = summary.subject_counts()
    height = -(-len(counts) // COLUMNS) or 1
    columns = [counts[at : at + height] for at in range(0, len(counts), height)]
    title = f"{human.thousands(len(counts))} Subjects in backup of stream {stream}"
    table = Table(title, ["Subject", "Count"] * len(columns))
    for row in range(height):
        cells: list[str] = []
        for column in columns:
            name, count = column[row] if row < len(column) else ("", 0)
            cells += [name, human.thousands(count) if name else ""]
        table.add(*cells)
    return table


def edit_screen(edited: Edited, target: Path, written: bool) -> str:
    """What an edit kept and dropped."""
    kept, selection = edited.kept, edited.selection
    rows: list[tuple[str, object]] = [
        ("Stream", edited.stream),
        ("Target", str(target)),
        ("Source Messages", selection.source_messages),
        ("Source Subjects", len(selection.source_subjects)),
        ("Messages Kept", kept.messages),
        ("Subjects Kept", len(kept.subjects)),
    ]
    rows += [
        (f"Dropped by {reason}", selection.dropped[reason])
        for reason in REASONS
        if selection.dropped[reason]
    ]
    rows += [
        ("Consumers Kept", len(kept.consumers)),
        ("Consumers Dropped", edited.consumers_dropped),
    ]
    if selection.state_keys:
        rows.append(("Subject State Keys", selection.state_keys))
        rows.append(("Subject State Bytes", human.bytes_text(selection.state_bytes)))
    renumbered = selection.wish.renumber
    first = 1 if renumbered else kept.first[0] if kept.messages else edited.last_seq + 1
    rows += [
        ("Restored Messages", kept.messages),
        ("Restored Bytes", human.bytes_text(kept.size)),
        ("Restored First Sequence", first),
        ("Restored Last Sequence", edited.last_seq),
        ("Restored Consumers", len(kept.consumers)),
    ]
    if edited.tokens:
        rows.append(("Obfuscated Tokens", edited.tokens))
        rows.append(("Message Bodies Padded", edited.padded))
    if edited.key_file is not None:
        rows.append(("Key File", str(edited.key_file)))
    title = "Backup Edit Report" if written else "Dry Run, Nothing Was Written"
    columns = Columns(title)
    for label, value in rows:
        columns.add(label, human.thousands(value) if isinstance(value, int) else str(value))
    return columns.render()
