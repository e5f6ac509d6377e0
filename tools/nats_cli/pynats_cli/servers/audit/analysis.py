"""Runs the checks over an archive, and the report they make: a JSON document of `nats`'s shape."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from pynats_common.files import read_whole
from pynats_common.go.times import format_time_ns

from pynats_cli.errors import CliError
from pynats_cli.servers.audit.catalog import CHECKS
from pynats_cli.servers.audit.outcome import Finding, Outcome, skipped
from pynats_cli.servers.audit.snapshot import Snapshot

TYPE = "io.nats.audit.v1.analysis"
_REPORT_BYTES_MAX = 256 * 1024 * 1024


def analyze(
    snapshot: Snapshot, skip: Collection[str] = (), note: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """The report, with every example. Raises CliError for an unknown code in `skip`."""
    unknown = set(skip) - {check.code for check in CHECKS}
    if unknown:
        raise CliError(f"unknown check {', '.join(sorted(unknown))}: see pynats audit checks")
    rows = []
    outcomes = {each.name: 0 for each in Outcome}
    for check in CHECKS:
        finding = Finding(Outcome.SKIP) if check.code in skip else _run(check, snapshot)
        for line in finding.notes if note is not None else ():
            assert note is not None
            note(line)
        outcomes[finding.outcome.name] += 1
        rows.append(_row(check.to_json(), finding))
    return {
        "type": TYPE,
        "time": format_time_ns(time.time_ns()),
        "metadata": snapshot.metadata,
        "skipped_checks": sorted(skip),
        "skipped_suites": [],
        "checks": rows,
        "outcomes": outcomes,
    }


def _run(check: Any, snapshot: Snapshot) -> Finding:
    try:
        finding: Finding = check.run(snapshot)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return skipped(f"unexpected content of the archive: {type(error).__name__}: {error}")
    return finding


def _row(check: dict[str, Any], finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if finding.examples:
        found["examples"] = finding.examples
    if finding.error:
        found["error"] = finding.error
    return {
        "check": check,
        "outcome": int(finding.outcome),
        "outcome_string": finding.outcome.name,
        "examples": found,
    }


def cut(report: dict[str, Any], most: int) -> dict[str, Any]:
    """The report with at most so many examples of each check; 0 = all."""
    if not most:
        return report
    rows = []
    for row in report["checks"]:
        examples = row["examples"].get("examples") or []
        if len(examples) > most:
            row = {**row, "examples": {**row["examples"], "examples": examples[:most]}}
        rows.append(row)
    return {**report, "checks": rows}


def load_report(path: Path) -> dict[str, Any]:
    """A report that was saved. Raises CliError."""
    try:
        report = json.loads(read_whole(path, _REPORT_BYTES_MAX))
    except OSError as error:
        raise CliError(f"cannot read report {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CliError(f"{path} is no report of audit analyze") from None
    if not isinstance(report, dict) or report.get("type") != TYPE:
        raise CliError(f"{path} is no report of audit analyze")
    return report
