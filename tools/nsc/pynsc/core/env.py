"""Locations: directories, nsc.json, environment variables.

XDG layout first; the folders of older releases (~/.nsc, ~/.nkeys) are used when only they exist.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pynats_common.accounts_store.files import make_dir, read_json, write_atomic
from pynats_common.accounts_store.locks import locked
from pynats_common.program.xdg import config_home, data_home


@dataclass
class Environment:
    """The directories in use and the stored choice (nsc.json, unknown fields kept)."""

    config_dir: Path
    data_dir: Path
    keys_dir: Path
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def config_file(self) -> Path:
        return self.config_dir / "nsc.json"

    @property
    def stores_dir(self) -> Path:
        root = self.config.get("store_root")
        return Path(root) if isinstance(root, str) and root else self.data_dir

    @property
    def operator(self) -> str:
        return str(self.config.get("operator") or "")

    @property
    def account(self) -> str:
        return str(self.config.get("account") or "")

    def remember(self, **values: str) -> None:
        """Stores the current operator, account or store root; what others stored meanwhile stays.

        The store root of this run is stored with them: a name without its folder is no choice.
        """
        self.config.setdefault("store_root", str(self.stores_dir))
        self.config.update(values)
        make_dir(self.config_dir)
        with locked(self.config_dir / ".nsc.json.lock", "pynsc, which writes nsc.json"):
            known = _read_config(self.config_file)
            for name in ("store_root", "operator", "account"):
                known.setdefault(name, "")
            self.config = {**known, "store_root": self.config["store_root"], **values}
            write_atomic(self.config_file, json.dumps(self.config, indent=1) + "\n")


def load_environment(config_dir: str = "", data_dir: str = "", keystore_dir: str = "",
                     all_dirs: str = "") -> Environment:  # fmt: skip
    """Environment from flags, then variables, then defaults."""
    home = Path.home()
    config = _first(
        config_dir, all_dirs, os.environ.get("NSC_HOME", ""),
        default=config_home() / "nats" / "nsc", legacy=home / ".nsc", marker="nsc.json",
    )  # fmt: skip
    data = _first(
        data_dir, all_dirs,
        default=data_home() / "nats" / "nsc" / "stores", legacy=home / ".nsc" / "nats", marker="",
    )  # fmt: skip
    keys = _first(
        keystore_dir, all_dirs, os.environ.get("NKEYS_PATH", ""),
        default=data_home() / "nats" / "nsc" / "keys", legacy=home / ".nkeys", marker="",
    )  # fmt: skip
    env = Environment(config, data, keys)
    env.config = _read_config(env.config_file)
    if data_dir or all_dirs:
        env.config["store_root"] = str(data)
    return env


def _read_config(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _first(*choices: str, default: Path, legacy: Path, marker: str) -> Path:
    for choice in choices:
        if choice:
            return Path(choice).expanduser().absolute()
    if not (default / marker).exists() and (legacy / marker).exists():
        return legacy
    return default
