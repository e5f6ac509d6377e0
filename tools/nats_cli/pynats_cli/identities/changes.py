"""Changes that several commands make to claims: tags and permissions."""

from __future__ import annotations

from collections.abc import Iterable

from pynats_common import jwt


def change_tags(tags: list[str], add: Iterable[str], remove: Iterable[str] = ()) -> None:
    """Adds tags behind those that are there, and removes others; both lower-cased."""
    for tag in jwt.normalize_tags(list(add)):
        if tag not in tags:
            tags.append(tag)
    for tag in jwt.normalize_tags(list(remove)):
        if tag in tags:
            tags.remove(tag)
