"""Where the commands of backups stand, and what of a configuration goes into one."""

from __future__ import annotations

import pytest
from pynats_cli.commands.backup import IN_ACCOUNT, IN_STREAM
from pynats_cli.jetstream.backup.folder import visible_config
from pynats_common.commandline.tree import Command


@pytest.mark.parametrize("command", [*IN_STREAM, *IN_ACCOUNT], ids=lambda row: row.target)
def test_the_former_places_are_hidden_and_take_the_same_flags(command: Command) -> None:
    assert command.hidden
    module, function = command.target.rsplit(":", 1)
    group, _, verb = function.partition("_")
    now = {"backup": "taking", "restore": "restoring"}[verb]
    here = Command(group, "", f"{module.rpartition('.')[0]}.{now}:{group}")
    assert issubclass(command.options(), here.options())


def test_a_backup_has_the_level_of_a_server_and_none_of_its_other_notes() -> None:
    notes = {"_nats.ver": "2.15.1", "_nats.level": "5"}
    assert visible_config({"name": "S", "metadata": notes}) == {"name": "S"}
    kept = {"_nats.req.level": "2", "mine": "1"}
    assert visible_config({"name": "S", "metadata": notes | kept}) == {
        "name": "S",
        "metadata": kept,
    }
