"""What a program may say of accounts that share, and what it is told otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from pynats_server import (
    AccountOptions,
    MappingTarget,
    Options,
    Server,
    ServerError,
    ServiceExport,
    ServiceLatency,
    StreamImport,
    TraceOptions,
)


def account(**given: Any) -> Options:
    return Options(accounts={"A": AccountOptions(**given)})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            Options(mappings={"a.*": [MappingTarget("n.{{wildcard(3)}}")]}),
            "mappings['a.*']: invalid mapping destination: wildcard index out of range "
            "in {{wildcard(3)}}: [3]",
        ),
        (
            account(mappings={"m..*": [MappingTarget("n")]}),
            "accounts['A'].mappings['m..*']: it is no subject",
        ),
        (
            account(mappings={"m": [MappingTarget("a", 90), MappingTarget("b", 90)]}),
            "accounts['A'].mappings['m']: total weight needs to be <= 100",
        ),
        (
            account(mappings={"m": [MappingTarget("a", -5)]}),
            "accounts['A'].mappings['m']: weight needs to be >= 0",
        ),
        (
            account(service_exports=[ServiceExport("s", latency=ServiceLatency("l", 500))]),
            "accounts['A'].service_exports['s'].latency: sampling is not 0 to 100",
        ),
        (
            account(stream_imports=[StreamImport("B", "s", prefix="p", to="t")]),
            "accounts['A'].stream_imports['s']: both prefix and to",
        ),
        (
            account(msg_trace=TraceOptions("t.*", 500)),
            "accounts['A'].msg_trace.dest: 't.*' is no subject to publish to; "
            "accounts['A'].msg_trace.sampling: it is not 1 to 100",
        ),
    ],
)  # fmt: skip
def test_what_accounts_cannot_share_is_named(options: Options, told: str) -> None:
    with pytest.raises(ServerError) as raised:
        Server(options, log=None)
    assert str(raised.value) == told
