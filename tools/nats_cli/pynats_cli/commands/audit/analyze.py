"""`pynats audit analyze`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.audit.report import as_markdown, as_text
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line, log, note, show
from pynats_cli.servers.audit.analysis import analyze as run_checks
from pynats_cli.servers.audit.analysis import cut, load_report
from pynats_cli.servers.audit.snapshot import Snapshot
from pynats_cli.servers.system.archive import Archive


@dataclass(kw_only=True)
class AnalyzeOptions(Shown, Force):
    archive: Annotated[str, arg("Archive to check")] = ""
    max_examples: Annotated[
        int, opt("--max-examples", help="Most examples of each check; 0 for all", kind=UNSIGNED)
    ] = 5
    skip: Annotated[
        list[str], opt("--skip", placeholder="CODE", help="Leave out a check; may be repeated")
    ] = field(default_factory=list)
    load: Annotated[str, opt("--load", placeholder="FILE", help="Show a report that was saved")] = (
        ""
    )
    save: Annotated[str, opt("--save", placeholder="FILE", help="Save the report")] = ""
    markdown: Annotated[bool, opt("--markdown", help="Print Markdown", panel="Output")] = False
    verbose: Annotated[bool, opt("--verbose", help="Say what each check looked at")] = False


def analyze(_: GlobalOptions, options: AnalyzeOptions) -> None:
    """Checks an archive, or shows a report that was saved."""
    if options.load:
        report, source = load_report(Path(options.load)), options.load
    elif options.archive:
        report, source = _checked(options), options.archive
    else:
        raise CliError("archive path is required")
    if options.save:
        _save(Path(options.save), report, options.force)
    if options.markdown:
        line(as_markdown(cut(report, options.max_examples)))
        return
    show(
        options,
        cut(report, options.max_examples),
        lambda: as_text(report, source, options.max_examples),
    )


def _checked(options: AnalyzeOptions) -> dict[str, Any]:
    with Archive(options.archive) as archive:
        snapshot = Snapshot(archive)
        if not snapshot.complete:
            note(
                f"pynats: warning: {options.archive} was not finished: "
                "what it lacks was not checked"
            )
        return run_checks(snapshot, options.skip, log if options.verbose else None)


def _save(path: Path, report: dict[str, Any], force: bool) -> None:
    """Saves the whole report, with all examples. It tells of servers: only the owner may read."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as stream:
            json.dump(report, stream, indent=3)
    except FileExistsError:
        raise CliError(
            f'result file "{path}" already exists, use --force to overwrite it'
        ) from None
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror}") from None
