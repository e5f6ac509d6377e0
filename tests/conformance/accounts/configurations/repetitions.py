"""What is exported more than once, or by several exports, and who may import it; several faults."""

from __future__ import annotations

from tests.conformance.accounts.configurations.imports import service, stream
from tests.conformance.accounts.configurations.texts import accounts, exporting, in_account, listed


def imported(who: str, wanted: str, *exports: str) -> str:
    """One of B and C imports of A."""
    bodies = {"B": "", "C": ""} | {who: listed("imports", wanted)}
    return accounts(A=listed("exports", exports), **bodies)


_EXPORTS = [
    (service("a"), '{service: "a", accounts: [B]}', '{service: "a", accounts: [C]}'),
    (stream("a"), '{stream: "a", accounts: [B]}', '{stream: "a", accounts: [C]}'),
    (service("a"), "{service: a, accounts: [B]}", "{service: a}"),
    (service("a"), "{service: a}", "{service: a, accounts: [B]}"),
    (stream("a"), "{stream: a}", "{stream: a, accounts: [B]}"),
    (stream("a"), "{stream: a, accounts: [B]}", "{stream: a}"),
    (service("a.B"), '{service: "a.*", account_token_position: 2}', '{service: "a.*"}'),
    (service("a.B"), '{service: "a.*"}', '{service: "a.*", account_token_position: 2}'),
    (stream("a.B"), '{stream: "a.*"}', '{stream: "a.*", account_token_position: 2}'),
    (stream("a.B"), '{stream: "a.*", account_token_position: 2}', '{stream: "a.*"}'),
    (service("a.C"), '{service: "a.*", account_token_position: 2, accounts: [B]}'),
    (service("a.x"), '{service: "a.*", account_token_position: 2, accounts: [B]}'),
    (service("a.*"), '{service: "a.*", account_token_position: 2, accounts: [B]}'),
    (service("a.B.x"), '{service: "a.*.*", account_token_position: 2}',
     '{service: "a.*.*", account_token_position: 3}'),
    (service("a.x.B"), '{service: "a.*.*", account_token_position: 2}',
     '{service: "a.*.*", account_token_position: 3}'),
    (stream("a.b"), '{stream: "a.>", accounts: [B]}', "{stream: a.b}"),
    (stream("a.b"), '{stream: "a.>"}', "{stream: a.b, accounts: [B]}"),
    (service("a.b"), '{service: "a.>"}', "{service: a.b, accounts: [B]}"),
    (service("a.b"), '{service: "a.>", accounts: [B]}', "{service: a.b}"),
    # What is wrong with an export, and what that means for imports of it
    (stream("a"), "{stream: a, accounts: [NOPE]}"),
    (stream("a"), "{stream: a, accounts: [B, NOPE]}"),
    (service("a"), "{service: a, accounts: [NOPE]}"),
    (stream("a.B"), '{stream: "a.*", account_token_position: 1}'),
    (service("a.B"), '{service: "a.*", account_token_position: 1}'),
    (service("a"), '{service: a, latency: ">"}'),
    (service("a"), '{service: a, latency: ">", accounts: [NOPE]}'),
]  # fmt: skip
_FROM_TWO = [
    (service("q", ", to: x", "D"), service("q", ", to: x"), service("r", ", to: x")),
    (service("q", ", to: x"), service("q", ", to: x", "D"), service("r", ", to: x")),
    (service("q", ", to: x"), service("q", ", to: x", "D"), service("q", ", to: x", "D")),
    (service("q", ", to: x"), service("q", ", to: x", "D")),
]
TEXTS = [
    *(imported(who, wanted, *exports) for wanted, *exports in _EXPORTS for who in "BC"),
    *(
        accounts(
            A=listed("exports", ("{service: q}", "{service: r}")),
            D=listed("exports", "{service: q}"),
            B=listed("imports", items),
        )
        for items in _FROM_TWO
    ),
    # Metrics must not be requests
    exporting('{service: a, latency: "x.y"}', '{service: "x.*"}'),
    exporting('{service: "x.*"}', '{service: a, latency: "x.y"}'),
    exporting("{service: a, latency: a}"),
    exporting('{stream: "x.*"}', '{service: a, latency: "x.y"}'),
    exporting("{service: a, latency: x}", "{service: a}"),
    exporting("{service: a, response: stream}", "{service: a, response: singleton, latency: x}"),
    exporting("{service: a, response: stream}", "{service: a, response: chunked}"),
    exporting('{service: a, threshold: "1s", response_time: 5}'),
    # All that is wrong is said
    accounts(A=listed("exports", "{stream: a, accounts: [NOPE]}") + "\n"
             + listed("imports", stream("x", account="B")), B=""),
    accounts(A=listed("exports", "{stream: a, accounts: [NOPE]}"),
             B=listed("imports", (stream("x"), service("y")))),
    accounts(A="", B=listed("imports", (stream("x"), stream("y"), stream("z", account="Z"),
                                        service("y"), service("y", account="Z")))),
    accounts(A="", B=listed("imports", stream("x")), C=listed("imports", service("x"))),
    in_account("Msg_Trace: {foo: 1}"),
    in_account("trace_dest: {foo: 1}"),
]  # fmt: skip
