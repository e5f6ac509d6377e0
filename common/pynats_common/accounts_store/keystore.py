"""Seeds on disk: `keys/<kind>/<letters 2-3>/<PUBLIC KEY>.nk`, and creds files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import make_dir, read_text, remove, write_atomic
from pynats_common.nkeys import KeyPair, NkeyError, from_seed, is_valid_public


class KeyStore:
    """Keys below `root` (which holds `keys` and `creds`)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, public: str) -> Path:
        return self.root / "keys" / public[0] / public[1:3] / f"{public}.nk"

    def save(self, pair: KeyPair) -> Path:
        """Stores a seed, and hides the folder from git unless NSC_NO_GIT_IGNORE is set."""
        path = self.path_of(pair.public_key)
        ignore = self.root / ".gitignore"
        if not os.environ.get("NSC_NO_GIT_IGNORE") and not ignore.exists():
            make_dir(self.root)
            write_atomic(ignore, "# ignore all nk and creds files\n**/*.nk\n**/*.creds\n")
        write_atomic(path, pair.seed)
        return path

    def has(self, public: str) -> bool:
        return bool(public) and self.path_of(public).exists()

    def get(self, public: str) -> KeyPair | None:
        """Pair of a stored key, or None. Raises StoreError when the file is damaged."""
        if not is_valid_public(public) or not self.has(public):
            return None
        path = self.path_of(public)
        try:
            pair = from_seed(read_text(path).strip())
        except NkeyError as error:
            raise StoreError(f"key file {path} is damaged: {error}") from None
        if pair.public_key != public:
            raise StoreError(f"key file {path} holds another key", "rename it after its own key")
        return pair

    def remove(self, public: str) -> bool:
        return remove(self.path_of(public))

    def all_public(self) -> Iterator[str]:
        """Public keys of all stored seeds, sorted."""
        for path in sorted((self.root / "keys").glob("[OAUX]/*/*.nk")):
            if is_valid_public(path.stem):
                yield path.stem

    def flat_keys(self) -> list[Path]:
        """Key files of the old flat layout, which `keys migrate` moves."""
        return sorted(self.root.glob("*/*/*.nk")) + sorted(self.root.glob("*.nk"))

    def creds_path(self, operator: str, account: str, user: str) -> Path:
        return self.root / "creds" / operator / account / f"{user}.creds"
