"""Screens and tables of object buckets."""

from __future__ import annotations

from collections.abc import Iterable

from pynats_cli.jetstream.cluster import add_cluster, visible_metadata
from pynats_cli.jetstream.objects.bucket import Note, ObjectBucket
from pynats_cli.screen import human
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.tables import Table


def bucket_screen(bucket: ObjectBucket) -> Columns:
    """Configuration and state of a bucket."""
    config = bucket.config
    sealed, age, limit = config.get("sealed"), config.get("max_age"), config.get("max_bytes", -1)
    columns = Columns(
        f"Information for Object Store Bucket {bucket.name} "
        f"created {human.local_time(bucket.info['created'])}"
    )
    columns.section("Configuration")
    columns.add("Bucket Name", bucket.name)
    columns.add_if("Description", config.get("description", ""))
    columns.add("Replicas", str(config.get("num_replicas", 1)))
    columns.add("TTL", human.duration(age) if age and not sealed else "unlimited")
    columns.add("Sealed", "true" if sealed else "false")
    columns.add("Size", human.bytes_text(int(bucket.state["bytes"])))
    columns.add("Maximum Bucket Size", human.bytes_text(limit) if limit > 0 else "unlimited")
    columns.add("Storage", str(config.get("storage", "")).capitalize())
    columns.add("Backing Store Kind", "JetStream")
    columns.add("JetStream Stream", bucket.stream)
    _add_pairs(columns, "Metadata", sorted(visible_metadata(config).items()))
    add_cluster(columns, bucket.info)
    return columns


def _add_pairs(columns: Columns, label: str, pairs: Iterable[tuple[str, str]]) -> None:
    """One row for each, the label at the first only."""
    text = [f"{key}: {value}" for key, value in pairs]
    if text:
        columns.add(label, "\n".join(text))


def object_screen(note: Note) -> Columns:
    """What is known of an object."""
    columns = Columns(f"Object information for {note.bucket} > {note.name}")
    columns.add_if("Description", note.description)
    if link := note.link:
        columns.add(
            "Link To", " > ".join(str(link[key]) for key in ("bucket", "name") if link.get(key))
        )
    columns.add("Size", human.bytes_text(note.size))
    columns.add("Modification Time", human.local_time(note.created))
    columns.add("Chunks", human.thousands(note.chunks))
    if note.digest:
        columns.add("Digest", f"SHA-256 {note.digest.hex()}")
    if note.deleted:
        columns.add("Deleted", "true")
    headers = ((key, value) for key, values in sorted(note.headers.items()) for value in values)
    _add_pairs(columns, "Headers", headers)
    _add_pairs(columns, "Metadata", sorted(note.metadata.items()))
    return columns


def objects_table(notes: Iterable[Note]) -> Table:
    """The objects of a bucket."""
    table = Table("Bucket Contents", ["Name", "Size", "Time"])
    for note in notes:
        table.add(note.name, human.bytes_text(note.size), human.local_time(note.created))
    return table


def watch_line(note: Note) -> str:
    """One line of `watch`."""
    at = f"[{human.local_time(note.created)}]"
    if note.deleted:
        return f"{at} DEL {note.bucket} > {note.name}"
    size = human.bytes_text(note.size)
    return f"{at} PUT {note.bucket} > {note.name}: {size} bytes in {note.chunks} chunks"
