"""`pynats server config lint`: finds mistakes in configuration files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt

from pynats_cli.errors import UsageError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import show
from pynats_cli.servers.configfile.files import read_text
from pynats_cli.servers.configfile.findings import Findings
from pynats_cli.servers.configfile.lint import lint as look


@dataclass(kw_only=True)
class LintOptions(Shown):
    """Which files, and how strictly."""

    files: Annotated[list[str], arg("Files: the NATS format, or TOML")]
    strict: Annotated[bool, opt("--strict", help="Exit code 1 for warnings, too")] = False
    ignore: Annotated[
        list[str] | None,
        opt("--ignore", placeholder="RULE", help="Leave out a rule; may be repeated"),
    ] = None


def lint(options: GlobalOptions, chosen: LintOptions) -> int | None:
    """Find mistakes in configuration files, without a server.

    Looks for wrong syntax, keys that do not exist, values of the wrong kind, deprecated and unsafe
    settings. What only a server can know (files, other servers) `pynats-server -t` checks.
    """
    if not chosen.files:
        raise UsageError("a file is missing")
    findings = Findings()
    for file in chosen.files:
        findings.extend(look(read_text(file), file, os.environ))
    findings[:] = [each for each in findings if each.rule not in (chosen.ignore or ())]
    data = [
        {
            "file": each.file, "line": each.line, "column": each.column,
            "severity": each.severity, "rule": each.rule, "message": each.message,
        }
        for each in findings
    ]  # fmt: skip
    show(chosen, data, lambda: "\n".join(f"{each} [{each.rule}]" for each in findings))
    return 1 if findings.errors or (chosen.strict and findings) else None
