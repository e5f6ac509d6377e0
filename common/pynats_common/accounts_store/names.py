"""Names of operators, accounts and users, which are names of files too."""

from __future__ import annotations

from pynats_common.accounts_store.errors import StoreError


def check_name(name: str) -> str:
    """The name, if it is safe as a file's name. Raises StoreError."""
    if not name.strip():
        raise StoreError("name cannot be empty")
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
        raise StoreError(f"name {name!r} is not allowed", "names have no control characters")
    if any("\ud800" <= letter <= "\udfff" for letter in name):  # bytes of a command line
        raise StoreError(f"name {name!r} is not allowed", "names are UTF-8")
    if "/" in name or "\\" in name or "\0" in name or name in (".", ".."):
        raise StoreError(f"name {name!r} is not allowed", "names cannot contain / or \\")
    return name
