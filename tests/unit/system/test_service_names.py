"""Names that stand in two places, because one of them is loaded late, are the same."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from pynats_server.accounts.automatic import EXPORTS
from pynats_server.core.interest.subscription import Subscription
from pynats_server.resolver.directory.full import FullResolver
from pynats_server.system.services.desk import Desk
from pynats_server.system.services.table import SERVICES


class Listed(Desk):
    """A desk that notes what it would listen to."""

    def __init__(self, answers: Sequence[str] = FullResolver.answers) -> None:
        resolver = SimpleNamespace(answers=answers)
        state: Any = SimpleNamespace(id="NSERVER", resolver=resolver, system_account=None)
        nothing: Any = None
        super().__init__(state, nothing, nothing, nothing, nothing)
        self.heard: list[tuple[str, str]] = []
        self.open()

    def _listen(
        self, subject: str, name: str, about: int = 0, kept: list[Subscription] | None = None
    ) -> None:
        assert (about > 0) == ("*" in subject)
        self.heard.append((subject, name))


def test_whatever_is_listened_to_can_be_answered_and_nothing_else() -> None:
    assert {name for _, name in Listed().heard} == set(SERVICES)


def test_without_a_resolver_that_answers_only_updates_are_heard() -> None:
    assert {name for _, name in Listed(()).heard if "CLAIMS" in name} == {"CLAIMS UPDATE"}


def test_no_subject_is_listened_to_twice() -> None:
    subjects = [subject for subject, _ in Listed().heard]
    assert len(set(subjects)) == len(subjects)


def test_what_all_accounts_import_of_the_system_account_is_listened_to() -> None:
    assert {export.subject for export in EXPORTS} <= {subject for subject, _ in Listed().heard}
