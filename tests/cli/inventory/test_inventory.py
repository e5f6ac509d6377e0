"""Every command and flag of the original is there, or has a reason."""

from __future__ import annotations

import pytest
from pynats_cli.global_options import global_flags

from tests.cli.inventory.compare import ABSENT, inventory, reason, rows

ROWS = list(rows())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path.replace(" ", "-"))
def test_a_command_has_what_the_original_has(row: object) -> None:
    missing = [what for what in row.missing if not reason(row.path, what)]  # type: ignore[attr-defined]
    assert not missing


def test_global_flags_are_those_of_the_original() -> None:
    theirs = {f"--{name}" for name, facts in inventory()["flags"].items() if "hidden" not in facts}
    assert theirs - set(global_flags()) == set()


def test_reasons_are_for_what_is_missing() -> None:
    used = set()
    for row in ROWS:
        for what in row.missing:
            used |= {key for key in ABSENT if f"{row.path} {what}".startswith(key)}
    assert set(ABSENT) - used == set()
