"""What Debian wants to read in a package: copyright, changelogs."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from email.utils import formatdate
from importlib.metadata import Distribution
from pathlib import Path

from pynats_packaging.deb.distributions import licence, licence_files

APACHE = "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"
HEAD = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: PyNATS
Comment: The package carries the Python packages that PyNATS needs. Each of them is
 listed here with the licence that it comes with.

Files: *
Copyright: 2026 The PyNATS authors
License: Apache-2.0

License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
"""


def copyright_text(needed: Sequence[Distribution] = ()) -> str:
    """The file `copyright`, in the form of DEP 5."""
    parts = [HEAD]
    for installed in needed:
        name, version = installed.metadata["Name"], installed.version
        folder = name.replace("-", "_").lower()
        texts = [_text(path) for path in licence_files(installed)]
        holders = sorted(
            {
                line.strip(" #*\t")
                for text in texts
                for line in text.splitlines()
                if line.strip(" #*\t").lower().startswith("copyright (c)")
            }
        )
        parts.append(
            f"Files: usr/lib/pynats/lib/*/site-packages/{folder}*\n"
            f"Copyright: {_indented(holders or [f'The authors of {name}'])}\n"
            f"License: {name}-{version}\n"
            f"Comment: {name} {version}, {licence(installed)}\n\n"
            f"License: {name}-{version}\n"
            + "\n".join(f" {line}".rstrip() if line.strip() else " ." for line in _joined(texts))
            + "\n"
        )
    return "\n".join(parts)


def _text(path: Path) -> str:
    """A licence; Apache's is on every Debian system."""
    text = path.read_text(errors="replace")
    if APACHE in text:
        return "Apache-2.0: the full text is in /usr/share/common-licenses/Apache-2.0."
    return text.strip()


def _joined(texts: Sequence[str]) -> list[str]:
    return "\n\n".join(texts or ["See its source distribution."]).splitlines()


def _indented(lines: Sequence[str]) -> str:
    return "\n ".join(lines)


def changelog(package: str, version: str, maintainer: str, epoch: int) -> bytes:
    """The packages' own changelog, which says that they were built."""
    text = (
        f"{package} ({version}) unstable; urgency=medium\n\n"
        f"  * Built from the sources of this version; what is new: changelog.gz.\n\n"
        f" -- {maintainer}  {formatdate(epoch)}\n"
    )
    return packed(text.encode())


def packed(content: bytes) -> bytes:
    """With gzip, without a time in it."""
    return gzip.compress(content, 9, mtime=0)
