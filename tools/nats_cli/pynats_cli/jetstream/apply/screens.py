"""A plan as text: one line for each stream and consumer, the fields that change below."""

from __future__ import annotations

from pynats_cli.jetstream.apply.fields import shown_value
from pynats_cli.jetstream.apply.plan import CHANGE, CREATE, REMOVE, Change, FieldChange, Plan
from pynats_cli.screen.human import thousands

_SIGNS = {CREATE: "+", CHANGE: "~", REMOVE: "-"}


def plan_screen(plan: Plan) -> str:
    """What would be done, and the sum of it."""
    lines: list[str] = []
    for change in plan.changes:
        lines.append(_title(change))
        lines += [f"    {_field(change, each)}" for each in change.fields]
    if plan.changes:
        lines.append("")
    return "\n".join([*lines, summary(plan)])


def _title(change: Change) -> str:
    note = f" with {thousands(change.messages)} messages" if change.messages else ""
    return f"{_SIGNS[change.action]} {change.title}{note}"


def _field(change: Change, each: FieldChange) -> str:
    after = shown_value(each.kind, each.after)
    if change.action == CREATE:
        return f"{each.name}: {after}"
    note = "  (cannot be changed: the server will refuse)" if each.fixed else ""
    return f"{each.name}: {shown_value(each.kind, each.before)} → {after}{note}"


def summary(plan: Plan) -> str:
    """`1 to create, 2 to change, 0 to remove, 3 unchanged`."""
    counts = [len(plan.of(action)) for action in (CREATE, CHANGE, REMOVE)]
    return (
        f"{counts[0]} to create, {counts[1]} to change, {counts[2]} to remove, "
        f"{plan.same} unchanged"
    )
