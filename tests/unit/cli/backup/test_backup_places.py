"""Where the commands of backups stand."""

from __future__ import annotations

import pytest
from pynats_cli.commands.backup import IN_ACCOUNT, IN_STREAM
from pynats_common.commandline.tree import Command


@pytest.mark.parametrize("command", [*IN_STREAM, *IN_ACCOUNT], ids=lambda row: row.target)
def test_the_former_places_are_hidden_and_take_the_same_flags(command: Command) -> None:
    assert command.hidden
    module, function = command.target.rsplit(":", 1)
    group, _, verb = function.partition("_")
    now = {"backup": "taking", "restore": "restoring"}[verb]
    here = Command(group, "", f"{module.rpartition('.')[0]}.{now}:{group}")
    assert issubclass(command.options(), here.options())
