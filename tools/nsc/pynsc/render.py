"""Reports: status lines to stderr, tables and results to stdout.

A terminal gets them drawn with Rich (`pynsc.terminal`, imported only then), a pipe as plain text.
"""

from __future__ import annotations

import json
import sys

from pynsc.core.report import Line, Report, Table

_MARKS = {"OK": "[ OK ]", "WARN": "[WARN]", "ERR": "[ERR ]", "NOTE": ">"}


def show(report: Report, as_json: bool) -> None:
    """Prints a finished report."""
    if as_json:
        _show_json(report)
        return
    _show_lines(report.lines, 0)
    for table in report.tables:
        if sys.stdout.isatty():
            from pynsc.terminal import print_table

            print_table(table, sys.stdout)
        else:
            print(render_table(table))
    if report.output is not None:
        sys.stdout.write(report.output if report.output.endswith("\n") else report.output + "\n")


def show_failure(report: Report | None, message: str, as_json: bool) -> None:
    """Prints the results so far, then the error as one line."""
    message = " ".join(message.split())
    if as_json:
        lines = [line.to_json() for line in report.lines] if report else []
        print(json.dumps({"ok": False, "error": message, "messages": lines}))
        return
    if report:
        _show_lines(report.lines, 0)
    if sys.stderr.isatty():
        from pynats_common.commandline.drawing import print_error

        print_error(message, sys.stderr)
    else:
        print(f"Error: {message}", file=sys.stderr)


def _show_json(report: Report) -> None:
    if report.data is not None:
        print(json.dumps(report.data, indent=2))
        if not (isinstance(report.data, dict) and "messages" in report.data):
            _show_lines([line for line in report.lines if line.level in ("WARN", "ERR")], 0)
        return
    data = {"ok": not report.failed, "messages": [line.to_json() for line in report.lines]}
    if report.output is not None:
        data["output"] = report.output
    print(json.dumps(data, indent=2))


def _show_lines(lines: list[Line], depth: int) -> None:
    for line in lines:
        mark, indent = _MARKS[line.level], "       " * depth
        if sys.stderr.isatty():
            from pynsc.terminal import print_line

            print_line(line, mark, indent, sys.stderr)
        else:
            print(f"{indent}{mark} {line.text}", file=sys.stderr)
        _show_lines(line.children, depth + 1)


def render_table(table: Table) -> str:
    """The table in the original's style: title in a full-width row, rules between sections."""
    rows = [row for section in table.sections for row in section]
    if table.header:
        rows.append(table.header)
    cells = [[cell.split("\n") for cell in row] for row in rows]
    count = max((len(row) for row in rows), default=1)
    widths = [
        max((len(part) for row in cells if i < len(row) for part in row[i]), default=0)
        for i in range(count)
    ]
    inner = sum(widths) + 3 * count - 1
    if inner < len(table.title) + 2:
        widths[-1] += len(table.title) + 2 - inner
        inner = len(table.title) + 2
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = ["+" + "-" * inner + "+", f"|{table.title:^{inner}}|", rule]
    if table.header:
        lines += [*_row(table.header, widths), rule]
    for section in table.sections:
        for row in section:
            lines += _row(row, widths)
        lines.append(rule)
    return "\n".join(lines)


def _row(row: list[str], widths: list[int]) -> list[str]:
    cells = [cell.split("\n") for cell in row] + [[""]] * (len(widths) - len(row))
    height = max(len(cell) for cell in cells)
    return [
        "| "
        + " | ".join(
            (cell[i] if i < len(cell) else "").ljust(width)
            for cell, width in zip(cells, widths, strict=True)
        )
        + " |"
        for i in range(height)
    ]
