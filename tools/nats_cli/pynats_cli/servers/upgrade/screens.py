"""What an upgrade would change, as text."""

from __future__ import annotations

from pynats_cli.servers.upgrade.rules import BREAKS, NOTE, WARNING, Finding

_TITLES = {BREAKS: "Breaks", WARNING: "Changes", NOTE: "To know"}


def upgrade_screen(findings: list[Finding], now: str, target: str, looked_at: list[str]) -> str:
    """Findings by severity, then the sum."""
    lines = [f"Upgrade from {now or 'any version'} to {target}, by {', '.join(looked_at)}", ""]
    for severity, title in _TITLES.items():
        chosen = [finding for finding in findings if finding.severity == severity]
        if not chosen:
            continue
        lines.append(f"{title}:")
        for finding in chosen:
            place = f"{finding.place}: " if finding.place else ""
            lines.append(f"  [{finding.version}] {place}{finding.message}")
            if finding.remedy:
                lines.append(f"         → {finding.remedy}")
        lines.append("")
    count = sum(finding.severity == BREAKS for finding in findings)
    lines.append(f"{count} breaks" if count else "nothing that was looked at breaks")
    return "\n".join(lines)
