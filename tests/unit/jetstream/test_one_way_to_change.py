"""Nobody but `apply` (and its compiled half) changes what a stream holds."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pynats_server.jetstream
import pytest
from pynats_server.jetstream.store import Store
from pynats_server.jetstream.store.places import SourcePlaces

ROOM = Path(pynats_server.jetstream.__file__).parent

# Every method of a store and of the places of sources is one or the other.
CHANGES = {
    "append", "append_many", "compact", "delete", "displace", "owe",
    "enforce_limits", "enforcing", "erase", "keep_last", "purge", "purging", "remove", "skip",
    "thin", "truncate",
}  # fmt: skip
DOES_NOT = {
    "attach", "block_at", "change_meta", "close", "closing", "commit", "commit_kept", "count_from",
    "count_pending", "counting_from", "expired", "fail", "find_last", "find_last_of", "find_next",
    "find_next_of", "find_noticed", "find_since", "flush", "get", "guard", "is_live",
    "last_of_each", "literal_bounds", "load",
    "load_last", "load_previous", "loading", "lost",
    "lost_between", "lost_bytes", "missing", "newest_of", "next_expiry",
    "num_subjects", "oldest", "read", "read_for_expiry", "seq_from_time", "size_of", "state",
    "subject_pages", "subject_state", "subject_states", "subject_totals", "time_for",
    "when_durable", "when_idle", "whole_to", "write_meta",
}  # fmt: skip
CHANGES_PLACES = {"configured", "copied", "found", "named", "restored", "seen"}
COMPILED = {
    "append_raw", "append_to", "bury_tail", "displace_older", "drop_front", "enforce", "evict",
    "purge_part", "thin_part",
}  # fmt: skip

ALLOWED = {
    "stream/apply.py": CHANGES | CHANGES_PLACES | COMPILED,
    "publish/appending.pyx": {
        "append_raw",
        "displace",
        "displace_older",
        "enforce",
        "keep_last",
        "owe",
    },  # fmt: skip,
    "publish/batch/staging.pyx": {"append_raw", "skip"},  # `append_to`, for `apply`
    # A store that is being restored is no stream's yet.
    "stream/backup.py": {"skip", "restored"},
    # Where nobody says to whom, see the use in `apply`.
    "stream/copying/places.py": {"found"},
}

STORES = {"store", "_store", "source_store", "target", "places"}
ALWAYS = (CHANGES | COMPILED) - {
    "append", "delete", "enforce", "purge", "purging", "remove", "skip",
}  # fmt: skip
"""Names that only stores have."""
CALL = re.compile(r"(?P<of>\w+)\.(?P<name>\w+)\s*\(")


def receiver(node: ast.expr) -> str:
    """The last name of what a method is called on."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def used(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """(of what, method) for every method that is called or handed on."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute):
                yield receiver(node.value), node.attr
    else:
        for match in CALL.finditer(text):
            yield match["of"], match["name"]


def changes(path: Path, text: str) -> set[str]:
    """The methods used there that change what a stream holds."""
    found = set()
    for of, name in used(path, text):
        if (of in STORES and name in CHANGES | COMPILED | CHANGES_PLACES) or name in ALWAYS:
            found.add(name)
    return found


def sources() -> list[Path]:
    found = [path for kind in ("*.py", "*.pyx") for path in ROOM.rglob(kind)]
    return [path for path in found if "store" not in path.relative_to(ROOM).parts]


def test_only_apply_changes_what_a_stream_holds() -> None:
    wrong = {}
    for path in sources():
        name = path.relative_to(ROOM).as_posix()
        extra = changes(path, path.read_text()) - ALLOWED.get(name, set())
        if extra:
            wrong[name] = sorted(extra)
    assert wrong == {}


@pytest.mark.parametrize("name", ALLOWED)
def test_no_exception_is_left_over(name: str) -> None:
    assert changes(ROOM / name, (ROOM / name).read_text())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "self.stream.store.remove(7)"),
        ("a.py", "call_later(1, stream.store.purge)"),
        ("a.py", "store.places.seen(key, place)"),
        ("a.py", "other.enforce_limits(1)"),
        ("a.pyx", "self.store.append_raw(subject, n)"),
    ],
)
def test_a_change_beside_apply_is_found(name: str, text: str) -> None:
    assert changes(Path(name), text)


def test_every_method_of_a_store_is_known_to_change_it_or_not() -> None:
    methods = {name for name, _ in inspect.getmembers(Store) if not name.startswith("_")}
    assert methods - {"on_disk", "places"} == CHANGES | DOES_NOT
    places = {name for name, _ in inspect.getmembers(SourcePlaces, inspect.isfunction)}
    assert places > CHANGES_PLACES
