"""Answers to requests that were made before a reload after which the accounts share otherwise."""

from __future__ import annotations

from tests.conformance.accounts.rows.reloads import BEFORE, STREAM, config
from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

_ANSWERS = """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        reload after
        a REPLY | answer
        a REPLY | again
        b PUB s.1 in | ask
        a REPLY | answer
        """
_STREAMS = '{stream: "ev.>"}'
_FAR = f'C {{ {users("c")}\n exports = [{{service: "s.*"}}] }}'
_MIDDLE = 'imports = [{service: {account: C, subject: "s.*"}}]'


def late(name: str, after: str, before: str = BEFORE) -> Scenario:
    return Scenario(f"late answer: {name}", before, _ANSWERS, {"after": after})


ROWS = [
    late("the export and its import are gone", config(exports=_STREAMS, imports=STREAM)),
    late("all that they share is gone", config(exports="", imports="")),
    late("the import is gone", config(imports=STREAM)),
    late("another export, too", config(exports=f'{_STREAMS}, {{service: "s.*"}}, {{service: o}}')),
    late("the export is for some", config(
        exports=f'{_STREAMS}, {{service: "s.*", accounts: [B]}}')),
    late("the export is for others", config(
        exports=f'{_STREAMS}, {{service: "s.*", accounts: [C]}}', imports=STREAM, c="C {}")),
    late("the export answers in streams", config(
        exports=f'{_STREAMS}, {{service: "s.*", response: stream}}')),
    late("the export waits longer", config(
        exports=f'{_STREAMS}, {{service: "s.*", threshold: 60s}}')),
    late("the export is wider", config(exports=f'{_STREAMS}, {{service: "s.>"}}')),
    late("the import has another subject", config(
        imports='{service: {account: A, subject: "s.*"}, to: "t.*"}')),
    late("the exporter has mappings", config(a="mappings: {m: n}")),
    late("the importer has limits", config(b="limits: {max_subscriptions: 9}")),
    late("another account, too", config(c="C {}")),
    late("the importer is gone",
         BEFORE[:BEFORE.index("  B {")] + f"\n N {{ {users('b')} }}\n}}\n"),
    Scenario("late answer: the export and its import were gone", BEFORE, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        reload without
        reload with
        a REPLY | answer
        b PUB s.1 in | ask
        a REPLY | answer
        """, {"without": config(exports="", imports=""), "with": BEFORE}),
    Scenario("late answer: the service of a third account is gone",
        config(a=_MIDDLE, c=_FAR), """
        c SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        reload without
        c REPLY | answer
        """, {"without": config(c=f"C {{ {users('c')} }}")}),
    Scenario("late answer: the service in the middle is gone",
        config(a=_MIDDLE, c=_FAR), """
        c SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        reload without
        c REPLY | answer
        """, {"without": config(exports="", imports="", a=_MIDDLE, c=_FAR)}),
    Scenario("late answer: the answer has a reply", BEFORE, """
        a SUB s.* 1
        a SUB back 2
        b SUB in 1
        b PUB s.1 in | ask
        a REPLY back | answer
        reload without
        b REPLY | more
        """, {"without": config(exports="", imports="")}),
]  # fmt: skip
