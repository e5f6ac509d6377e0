"""`pynats apply`: streams, consumers and buckets as a file declares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import Choice

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError, UsageError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.apply.acting import act, read_present
from pynats_cli.jetstream.apply.document import Document, read_document
from pynats_cli.jetstream.apply.export import FORMS, export
from pynats_cli.jetstream.apply.plan import REMOVE, Plan, Present, make_plan
from pynats_cli.jetstream.apply.screens import plan_screen
from pynats_cli.screen.ask import confirm
from pynats_cli.screen.human import thousands
from pynats_cli.screen.output import note, show, write


@dataclass(kw_only=True)
class ApplyOptions(Shown):
    """What is applied, and how."""

    file: Annotated[str, arg("File to apply: YAML, TOML or JSON", placeholder="FILE")] = ""
    dry_run: Annotated[
        bool, opt("--dry-run", help="Only show what would change; exit code 1 if anything would")
    ] = False
    prune: Annotated[
        bool,
        opt("--prune", help="Remove what an earlier apply has marked and the file no longer has"),
    ] = False
    yes: Annotated[bool, opt("--yes", "-y", help="Change without asking")] = False
    export: Annotated[
        str,
        opt("--export", help="Write what is there as such a file instead", kind=Choice(*FORMS),
            bare="yaml"),
    ] = ""  # fmt: skip


async def apply(session: Session, options: ApplyOptions) -> int | None:
    """Make streams, consumers and buckets what a file declares.

    Shows each field that would change, asks, and changes it. A field that the file does not name
    stays as it is. What is applied is marked in its metadata; nothing is ever removed without
    --prune, and nothing that is not marked.
    """
    if options.export:
        if options.file:
            raise UsageError("--export writes to standard output and takes no file")
        write(export(await read_present(session), options.export))
        return None
    if not options.file:
        raise UsageError("a file to apply is missing")
    document = read_document(options.file)
    plan = make_plan(document, await _present(session, document), options.prune)
    if options.dry_run or not plan.changes:
        _show(options, plan, applied=False)
        return 1 if plan.changes else None
    if options.form == "table":
        _show(options, plan, applied=False)
    if not options.yes and not confirm(_question(plan), missing="--yes"):
        note("nothing was changed")
        return 1
    failures = await act(session, plan)
    if options.form != "table":
        _show(options, plan, applied=True)
    for failure in failures:
        note(f"pynats: error: {failure}")
    done = len(plan.changes) - len(failures)
    note(f"{done} of {len(plan.changes)} changes made")
    if failures:
        raise CliError(f"{len(failures)} changes failed")
    return None


async def _present(session: Session, document: Document) -> Present:
    """Consumers matter where some are declared, or may be marked."""
    return await read_present(session, {declared.stream_name for declared in document.streams})


def _question(plan: Plan) -> str:
    removed = plan.of(REMOVE)
    if not removed:
        return f"Make these {len(plan.changes)} changes?"
    messages = sum(change.messages for change in removed)
    return (
        f"Make these {len(plan.changes)} changes, and remove {len(removed)} with "
        f"{thousands(messages)} messages for good?"
    )


def _show(options: ApplyOptions, plan: Plan, applied: bool) -> None:
    changes = [change.as_json() for change in plan.changes]
    data = {"changes": changes, "unchanged": plan.same, "applied": applied}
    show(options, data, lambda: plan_screen(plan))
