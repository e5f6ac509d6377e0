"""What is in a release: bills of materials (CycloneDX), and checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pynats_packaging.release.running import Environment, ReleaseError, run
from pynats_packaging.release.tools import Tools

CHECKSUMS = "SHA256SUMS"
_SCHEMA = "1.6"
_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.from_version(sys.argv[2])).validate_str(
    open(sys.argv[1], encoding="utf-8").read())
sys.exit(str(problem) if problem else 0)
"""


def bill_of_materials(
    wheel: Path, environment: Environment, pyproject: Path, tools: Tools, epoch: int
) -> Path:
    """What is installed with a wheel, beside it as `WHEEL.cdx.json`."""
    bill = wheel.with_name(f"{wheel.stem}.cdx.json")
    run(
        [
            tools.bin / "cyclonedx-py", "environment", environment.python,
            "--pyproject", pyproject, "--output-reproducible", "--spec-version", _SCHEMA,
            "--output-format", "JSON", "-o", bill,
        ],
        epoch=epoch,
    )  # fmt: skip
    run([tools.python, "-c", _VALIDATE, bill, _SCHEMA])
    told = json.loads(bill.read_text())
    names = {component["name"].lower() for component in told["components"]}
    if told["metadata"]["component"]["name"] != "pynats-toolbox" or "nats-py" not in names:
        raise ReleaseError(f"{bill.name} is not about what was installed")
    return bill


def write_checksums(folder: Path) -> Path:
    """`SHA256SUMS` of all files in a folder, which `sha256sum -c` reads."""
    sums = folder / CHECKSUMS
    files = sorted(path for path in folder.iterdir() if path.is_file() and path != sums)
    sums.write_text(
        "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    )
    return sums
