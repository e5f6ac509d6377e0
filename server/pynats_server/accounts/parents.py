"""What accounts do with messages that belong to a trace elsewhere (`msg_trace`)."""

from __future__ import annotations

from pynats_server.core.tracing.request import Parents
from pynats_server.options import AccountOptions


def parents_of(account: AccountOptions | None) -> Parents | None:
    """None = such messages are not traced."""
    if account is None or account.msg_trace is None or not account.msg_trace.dest:
        return None
    dest = account.msg_trace.dest.encode("utf-8", "surrogateescape")
    return Parents(dest, account.msg_trace.sampling)
