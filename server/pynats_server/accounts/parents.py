"""What accounts do with messages that belong to a trace elsewhere: those whose headers carry a
trace context (W3C) are traced without asking for it where the account has a `msg_trace`
(docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts)."""

from __future__ import annotations

from pynats_common.go.text import bytes_of

from pynats_server.core.tracing.request import Parents
from pynats_server.options import AccountOptions


def parents_of(account: AccountOptions | None) -> Parents | None:
    """None = such messages are not traced."""
    if account is None or account.msg_trace is None or not account.msg_trace.dest:
        return None
    dest = bytes_of(account.msg_trace.dest)
    return Parents(dest, account.msg_trace.sampling)
