"""Proves that the sanitized build finds faults: every planted fault must end its process with the
expected report. `make sanitize` runs this first, as

    python -m tests.support.check_sanitized FOLDER_OF_THE_BUILD
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pynats_server.core import ledger, subject

TIMEOUT_S = 60.0

# Fault: (statement, what its report must contain)
PLANTED = {
    "index behind the end": ("planted.index(b'abcd', 4)", "IndexError"),
    "negative index": ("planted.index(b'abcd', -1)", "IndexError"),
    "attribute of None": ("planted.attribute(None)", "AttributeError"),
    "read behind a block": ("planted.beyond(24)", "AddressSanitizer: heap-buffer-overflow"),
    "shift too far": ("planted.shifted(1, 40)", "shift exponent 40 is too large"),
    "copy from NULL": ("planted.copy_from_nowhere(0)", "null pointer passed as argument"),
}


def missed(statement: str, report: str) -> str:
    """Why a fault was not found; empty if it was."""
    found = subprocess.run(
        [sys.executable, "-c", f"import planted; {statement}"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if found.returncode == 0:
        return "nobody noticed"
    return "" if report in found.stderr else f"no {report!r} in:\n{found.stderr}"


def main(folder: str) -> int:
    problems = [
        f"{name}: {problem}"
        for name, (statement, report) in PLANTED.items()
        if (problem := missed(statement, report))
    ]
    if not Path(subject.__file__).is_relative_to(Path(folder).resolve()):
        problems.append(f"the data plane comes from {subject.__file__}")
    if not ledger.COUNTED:
        problems.append("built without BROKER_DEBUG")
    for problem in problems:
        print(f"sanitized build: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
