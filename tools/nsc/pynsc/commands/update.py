"""`update`: installs a new version with pip.

The original fetches a release of its single binary. Here pip, run by this interpreter, installs the
newest (or the given) version of the distribution.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pynats_common.accounts_store.errors import StoreError
from pynats_common.commandline.declare import opt

from pynsc.cli import Options, Text
from pynsc.core.session import Session

DISTRIBUTION = "pynats-toolbox"
INDEX_TIMEOUT_S = 15
_VERSION = re.compile(r"v?(\d+(?:[.!+-]?[0-9A-Za-z]+)*)\Z")


@dataclass
class Update(Options):
    version: Annotated[Text, opt("--version", help="version to update to, or latest")] = ""


def update(session: Session, options: Update) -> None:
    """Installs the latest or the given version of the toolbox."""
    wanted = _wanted_version(options.version)
    have = metadata.version(DISTRIBUTION)
    if wanted == have:
        session.report.ok(f"current version {have} is the requested version")
        return
    _refuse_foreign_installation()
    session.report.note(f"asking the package index for {DISTRIBUTION} {wanted or 'latest'}")
    now = upgrade(DISTRIBUTION, wanted)
    if now == have:
        session.report.ok(f"current version {have} is the latest version")
    else:
        session.report.ok(f"updated {DISTRIBUTION} from version {have} to {now}")


def _wanted_version(text: str) -> str:
    """The version without a leading v; empty for the latest. Raises StoreError."""
    if text.strip().lower() in ("", "latest"):
        return ""
    match = _VERSION.match(text.strip())
    if not match:
        raise StoreError(f"version {text!r} is invalid", "use for example 1.2.0, or latest")
    return match[1]


def _refuse_foreign_installation() -> None:
    """Names the right tool if pip must not or cannot replace the files."""
    # A build leaves metadata in the source folder, which is found first when that is on the path.
    found = list(metadata.distributions(name=DISTRIBUTION))
    if any(_is_editable(each) for each in found):
        raise StoreError("this installation runs from a source folder",
                         "update the folder (git pull), then run make build")  # fmt: skip
    if "pipx" in Path(sys.prefix).parts:
        raise StoreError("pipx manages this installation", f"run: pipx upgrade {DISTRIBUTION}")
    if find_spec("pip") is None:
        installer = next(filter(None, (each.read_text("INSTALLER") for each in found)), "").strip()
        command = "uv pip install" if installer == "uv" else "the tool that installed it"
        raise StoreError("pip is not installed here", f"update {DISTRIBUTION} with {command}")


def _is_editable(distribution: metadata.Distribution) -> bool:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return bool(origin.get("dir_info", {}).get("editable"))


def upgrade(distribution: str, wanted: str, python: str = sys.executable) -> str:
    """Lets pip install `wanted` (empty: the latest) for `python`; returns the new version.

    Raises StoreError with pip's reason when it fails; pip then restores the old version.
    """
    requirement = f"{distribution}=={wanted}" if wanted else distribution
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
               "--quiet", "--retries", "1", "--timeout", str(INDEX_TIMEOUT_S)]  # fmt: skip
    # pip takes what is installed for the latest version where it cannot look, so it is first asked
    # for one regardless of that.
    looked = [*command, "--dry-run", "--ignore-installed", "--no-deps", requirement]
    done = subprocess.run(looked, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        done = subprocess.run(
            [*command, "--upgrade", requirement], capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        what = wanted or "the latest version"
        raise StoreError(f"cannot update to {what}: {_reason(done.stderr)}",
                         "is the package index reachable? See pip config list")  # fmt: skip
    ask = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    shown = subprocess.run(
        [python, "-c", ask, distribution], capture_output=True, text=True, check=False
    )
    if shown.returncode != 0:
        raise StoreError(f"{distribution} is not installed any more", f"pip install {distribution}")
    return shown.stdout.strip()


def _reason(stderr: str) -> str:
    """The last line of pip's errors; the earlier lines have the same information in parts."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pip gave no reason"])[-1]
