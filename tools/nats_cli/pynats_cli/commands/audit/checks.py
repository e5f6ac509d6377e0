"""`pynats audit checks`."""

from __future__ import annotations

from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import show
from pynats_cli.screen.tables import Table
from pynats_cli.servers.audit.catalog import CHECKS


def checks(_: GlobalOptions, options: Shown) -> None:
    """Lists the checks and what they compare with."""
    show(options, [check.to_json() for check in CHECKS], _table)


def _table() -> str:
    table = Table("Audit Checks", ("Suite", "Code", "Description", "Configuration"))
    for check in CHECKS:
        settings = ", ".join(each.shown() for each in check.settings)
        table.add(check.suite, check.code, check.description, settings)
    return table.render()
