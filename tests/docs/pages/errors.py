"""docs/reference/errors.md: what the server answers when it refuses, why it closes connections, and
the exit codes of all programs."""

from __future__ import annotations

from typing import Final

from pynats_cli.reference.errorcodes.records import known
from pynats_cli.servers.checks.result import Status
from pynats_common.program.running import INTERRUPTED
from pynats_server.core.reasons import CloseReason

from tests.docs.pages.flags import EXIT_CODES
from tests.docs.pages.markdown import MADE, code, filled, prose, sentence, table

HEAD = f"""# Errors

{MADE}
Texts and codes are nats-server's: client libraries know them. Where a name is filled in, it stands
in braces here.

"""
# Text of -ERR, what brings it about, and the reason for which the connection is closed, if it is.
# tests/docs/test_errors.py looks whether the server's code has these, and no others.
PROTOCOL_ERRORS: Final[tuple[tuple[str, str, CloseReason | None], ...]] = (
    ("Authorization Violation", "The log-in was refused: nobody has these credentials, or a client "
     "that must log in began with something else than CONNECT.",
     CloseReason.AUTHENTICATION_VIOLATION),
    ("Authentication Timeout", "No good CONNECT within `authorization.timeout`.",
     CloseReason.AUTHENTICATION_TIMEOUT),
    ("User Authentication Expired", "The user's JWT, or what a log-in was good for, has ended.",
     CloseReason.AUTHENTICATION_EXPIRED),
    ("User Authentication Revoked", "The account's JWT revokes the user's.",
     CloseReason.REVOCATION),
    ("Account Authentication Expired", "The account's JWT has ended.",
     CloseReason.AUTHENTICATION_EXPIRED),
    ("Connection throttling is active. Please try again later.",
     "More TLS handshakes in a second than `tls.connection_rate_limit`.",
     CloseReason.MAX_CONNECTIONS_EXCEEDED),
    ("maximum connections exceeded", "The server has `max_connections` clients.",
     CloseReason.MAX_CONNECTIONS_EXCEEDED),
    ("maximum account active connections exceeded", "The account has as many clients as it may.",
     CloseReason.MAX_ACCOUNT_CONNECTIONS_EXCEEDED),
    ("invalid client protocol", "`protocol` of CONNECT is neither 0 nor 1.",
     CloseReason.BAD_CLIENT_PROTOCOL_VERSION),
    ("no responders requires headers support",
     "CONNECT wants `no_responders` without `headers`.",
     CloseReason.NO_RESPONDERS_REQUIRES_HEADERS),
    ("Unknown Protocol Operation", "Bytes that begin no verb of the protocol.",
     CloseReason.PROTOCOL_VIOLATION),
    ("maximum control line exceeded", "A line longer than `max_control_line`.",
     CloseReason.MAX_CONTROL_LINE_EXCEEDED),
    ("Maximum Payload Violation", "A message longer than `max_payload` of server, account or user.",
     CloseReason.MAX_PAYLOAD_EXCEEDED),
    ("maximum subscriptions exceeded", "More subscriptions than a client may have: the SUB is "
     "refused. If a limit is lowered below what a client has, the client is closed.", None),
    ("Stale Connection", "`ping_max` PINGs of the server were not answered.",
     CloseReason.STALE_CONNECTION),
    ("Invalid Subject", "A SUB whose subject is none: empty tokens, blanks, `>` not at the end, "
     "too many tokens.", None),
    ("Invalid Publish Subject", "A PUB to a subject that is none, where CONNECT asked for "
     "`pedantic`.", None),
    ('Permissions Violation for Publish to "{subject}"', "The client may not publish there; the "
     "message is dropped.", None),
    ('Permissions Violation for Publish with Reply of "{subject}"', "The client may not use that "
     "reply subject; the message is dropped.", None),
    ('Permissions Violation for Publish to "{subject}", publish rate exceeded', "A limit of "
     "publishing with `publish_limit_action: refuse` (ours only); the message is dropped.", None),
    ('Permissions Violation for Subscription to "{subject}"', "The client may not subscribe there; "
     'with a queue group, `using queue "{queue}"` follows. With a `(sid "{sid}")` a reload, or a '
     "new JWT, has ended a subscription that was allowed before.", None),
    ('Permissions Violation for Subscription to "{subject}", too many tokens',
     "The subject has more tokens than `max_subscription_tokens`.", None),
)  # fmt: skip
REASONS: Final = {
    CloseReason.CLIENT_CLOSED: "The client has gone.",
    CloseReason.AUTHENTICATION_TIMEOUT: "It did not log in in time.",
    CloseReason.AUTHENTICATION_VIOLATION: "Its log-in was refused.",
    CloseReason.TLS_HANDSHAKE_ERROR: "The handshake failed or took longer than `tls.timeout`.",
    CloseReason.SLOW_CONSUMER_PENDING_BYTES: "More than `max_pending` waited for it.",
    CloseReason.SLOW_CONSUMER_WRITE_DEADLINE: "Nothing moved for `write_deadline`.",
    CloseReason.WRITE_ERROR: "The system refused a write.",
    CloseReason.READ_ERROR: "The system refused a read: a reset, for example.",
    CloseReason.PARSE_ERROR: "The client sent an `-ERR`, or a CONNECT that is no JSON.",
    CloseReason.STALE_CONNECTION: "It did not answer PINGs.",
    CloseReason.PROTOCOL_VIOLATION: "It sent what is no protocol, or a verb with wrong arguments.",
    CloseReason.BAD_CLIENT_PROTOCOL_VERSION: "Its CONNECT asked for an unknown protocol.",
    CloseReason.MAX_ACCOUNT_CONNECTIONS_EXCEEDED: "Its account is full.",
    CloseReason.MAX_CONNECTIONS_EXCEEDED: "The server is full.",
    CloseReason.MAX_PAYLOAD_EXCEEDED: "Its message was too large.",
    CloseReason.MAX_CONTROL_LINE_EXCEEDED: "Its line was too long.",
    CloseReason.MAX_SUBSCRIPTIONS_EXCEEDED: "It has more subscriptions than a new limit allows.",
    CloseReason.SERVER_SHUTDOWN: "The server ends, at once or as a lame duck.",
    CloseReason.AUTHENTICATION_EXPIRED: "What it was let in with has ended.",
    CloseReason.REVOCATION: "Its user was revoked.",
    CloseReason.NO_RESPONDERS_REQUIRES_HEADERS: "Its CONNECT contradicts itself.",
    CloseReason.KICKED: "An operator asked for it (`$SYS.REQ.SERVER.ID.KICK`).",
    CloseReason.PROXY_NOT_TRUSTED: "It came through a proxy that is not in `proxies`.",
    CloseReason.PROXY_REQUIRED: "Its user may come through a trusted proxy only.",
}


def page() -> str:
    """The page."""
    return "".join((HEAD, _protocol(), _reasons(), _api(), _statuses(), _exit_codes()))


def _protocol() -> str:
    rows = (
        (code(text), prose(why), code(str(reason)) if reason is not None else "")
        for text, why, reason in PROTOCOL_ERRORS
    )
    about = filled(
        "A client gets `-ERR 'TEXT'`. If a close reason stands behind it, the connection ends; the "
        "log and `/connz?state=closed` have that reason. Without one, it goes on. A verb with "
        "wrong arguments, and a message with headers where they are not supported, end the "
        "connection (`Protocol Violation`) without an `-ERR`: the log has the arguments."
    )
    return f"## Protocol errors\n\n{about}{table(('text', 'cause', 'closes with'), rows)}\n"


def _reasons() -> str:
    rows = ((code(str(reason)), prose(why)) for reason, why in REASONS.items())
    others = ", ".join(code(str(reason)) for reason in CloseReason if reason not in REASONS)
    about = filled(
        "Why a connection ended: in the log, in `reason` of `/connz?state=closed`, in events of "
        "the system account, and by number in `nats_server_connections_closed_total`."
    )
    return f"## Close reasons\n\n{about}{table(('reason', 'meaning'), rows)}\n" + filled(
        f"Of parts that do not exist yet, or of other servers only: {others}."
    )


def _api() -> str:
    about = filled(
        "The `error` object of answers of the JetStream API: `err_code` is its number, `code` a "
        "status like that of HTTP, `description` the text. `{err}` is a reason of its own. "
        "`pynats errors lookup CODE` shows them at a terminal. What a full or failing disk "
        "answers is in [behaviour](behaviour.md)."
    )
    rows = ((str(e.error_code), str(e.code), sentence(prose(_told(e.description, e.comment))),
             code(e.constant)) for e in known())  # fmt: skip
    head = ("err_code", "code", "description", "name in Go")
    return f"## JetStream API\n\n{about}{table(head, rows)}\n"


def _told(description: str, comment: str) -> str:
    text = f"`{description}`"
    return f"{text}: {comment[:1].lower() + comment[1:]}" if comment else text


STATUSES: Final = {
    "100 Idle Heartbeat": "Nothing to deliver; the consumer is alive.",
    "100 FlowControl Request": "To be answered, so that a push consumer goes on.",
    "204 EOB": "The end of a series of direct gets; `Nats-Num-Pending` tells what is left.",
    "400 Bad Request - {why}": "A pull that cannot be read, or does not fit the consumer's groups.",
    "404 No Messages": "A pull with `no_wait`, and there is nothing now.",
    "404 Message Not Found": "A direct get: no such message, or none of that subject.",
    "404 No Results": "A direct get for last messages: no subject has one.",
    "408 Request Timeout": "The pull's `expires` is over; `Nats-Pending-Messages` tells what it "
    "did not get.",
    "408 Requests Pending": "A pull with `no_wait`, and others wait before it.",
    "408 Empty Request": "A direct get without a question.",
    "408 Malformed Request": "A direct get that is no JSON.",
    "408 Bad Request": "A direct get whose question contradicts itself.",
    "408 No Interest": "A backup: nobody listens where it is to go.",
    "408 No Flow Response": "A backup: its receiver acknowledges nothing.",
    "409 Batch Completed": "A pull that limits bytes got all its messages, and bytes are left.",
    "409 Consumer Deleted": "The consumer, or its stream, of a waiting pull has gone.",
    "409 Consumer is push based": "A pull at a push consumer.",
    "409 Exceeded MaxRequestBatch of {limit}": "A pull asks for too many messages.",
    "409 Exceeded MaxRequestExpires of {limit}": "A pull wants to wait for too long.",
    "409 Exceeded MaxRequestMaxBytes of {limit}": "A pull asks for too many bytes.",
    "409 Exceeded MaxWaiting": "As many pulls wait as may.",
    "409 Message Size Exceeds MaxBytes": "The next message is larger than the pull allows.",
    "409 Server Shutdown": "The server of a waiting pull ends: ask again when it is there.",
    "412 Required Api Level": "The request asks for a newer API than this server has.",
    "413 Too Many Results": "A direct get for last messages of too many subjects.",
    "423 Nats-Pin-Id mismatch": "A pull of a client that is not the pinned one any more.",
    "423 Nats-Wrong-Pin-Id": "The same, of a pull that waited.",
    "429 Too Many Requests": "Publishes: more wait for the disk than `max_buffered_msgs`.",
    "500 Stream Deleted": "A backup, or a restore: its stream was deleted meanwhile.",
    "500 {why}": "A request that is answered by messages failed; the log has more.",
    "503": "Nobody listens on the subject of a request (`no_responders`).",
    "503 Publish Rate Exceeded": "A request that a limit of publishing refused (ours only).",
}


def _statuses() -> str:
    about = filled(
        "Messages without a body whose header block begins `NATS/1.0 STATUS TEXT` are no data. "
        "These there are:"
    )
    rows = ((code(status), prose(text)) for status, text in STATUSES.items())
    return f"## Statuses in headers\n\n{about}{table(('status', 'meaning'), rows)}\n"


def _exit_codes() -> str:
    checks = ", ".join(f"{status.value} {status.name.lower()}" for status in Status)
    server = ((f"`pynats-server` {number}", text) for number, text in EXIT_CODES.items())
    rows = (
        *server,
        ("`pynats` 0", "Done. Lists with nothing in them are no failure."),
        ("`pynats` 1", "Refused or failed, with one line on standard error (`pynats: error: …`)."),
        ("`pynats server check` and other checks", f"As Nagios counts: {checks}."),
        (f"all {INTERRUPTED}", "Ctrl-C."),
        ("`pynats` plugins", "The plugin's own."),
        ("`pynsc` 1", "Something was refused or failed; with `--json` the JSON says what."),
        ("`pynk` 1", "The same, with the line on standard output, as the original has it."),
    )
    return f"## Exit codes\n\n{table(('program and code', 'meaning'), rows)}"
