"""Why connections end: one reason each, shown in logs, monitoring and events."""

from __future__ import annotations

from enum import IntEnum


class CloseReason(IntEnum):
    """Reasons in the order of the real server's list; `str()` gives its wording."""

    CLIENT_CLOSED = 1
    AUTHENTICATION_TIMEOUT = 2
    AUTHENTICATION_VIOLATION = 3
    TLS_HANDSHAKE_ERROR = 4
    SLOW_CONSUMER_PENDING_BYTES = 5
    SLOW_CONSUMER_WRITE_DEADLINE = 6
    WRITE_ERROR = 7
    READ_ERROR = 8
    PARSE_ERROR = 9
    STALE_CONNECTION = 10
    PROTOCOL_VIOLATION = 11
    BAD_CLIENT_PROTOCOL_VERSION = 12
    WRONG_PORT = 13
    MAX_ACCOUNT_CONNECTIONS_EXCEEDED = 14
    MAX_CONNECTIONS_EXCEEDED = 15
    MAX_PAYLOAD_EXCEEDED = 16
    MAX_CONTROL_LINE_EXCEEDED = 17
    MAX_SUBSCRIPTIONS_EXCEEDED = 18
    DUPLICATE_ROUTE = 19
    ROUTE_REMOVED = 20
    SERVER_SHUTDOWN = 21
    AUTHENTICATION_EXPIRED = 22
    WRONG_GATEWAY = 23
    MISSING_ACCOUNT = 24
    REVOCATION = 25
    INTERNAL_CLIENT = 26
    MSG_HEADER_VIOLATION = 27
    NO_RESPONDERS_REQUIRES_HEADERS = 28
    CLUSTER_NAME_CONFLICT = 29
    DUPLICATE_REMOTE_LEAFNODE = 30
    DUPLICATE_CLIENT_ID = 31
    DUPLICATE_SERVER_NAME = 32
    MINIMUM_VERSION_REQUIRED = 33
    CLUSTER_NAMES_IDENTICAL = 34
    KICKED = 35
    PROXY_NOT_TRUSTED = 36
    PROXY_REQUIRED = 37

    def __str__(self) -> str:
        return _TEXT[self]


_TEXT = {
    CloseReason.CLIENT_CLOSED: "Client Closed",
    CloseReason.AUTHENTICATION_TIMEOUT: "Authentication Timeout",
    CloseReason.AUTHENTICATION_VIOLATION: "Authentication Failure",
    CloseReason.TLS_HANDSHAKE_ERROR: "TLS Handshake Failure",
    CloseReason.SLOW_CONSUMER_PENDING_BYTES: "Slow Consumer (Pending Bytes)",
    CloseReason.SLOW_CONSUMER_WRITE_DEADLINE: "Slow Consumer (Write Deadline)",
    CloseReason.WRITE_ERROR: "Write Error",
    CloseReason.READ_ERROR: "Read Error",
    CloseReason.PARSE_ERROR: "Parse Error",
    CloseReason.STALE_CONNECTION: "Stale Connection",
    CloseReason.PROTOCOL_VIOLATION: "Protocol Violation",
    CloseReason.BAD_CLIENT_PROTOCOL_VERSION: "Bad Client Protocol Version",
    CloseReason.WRONG_PORT: "Incorrect Port",
    CloseReason.MAX_ACCOUNT_CONNECTIONS_EXCEEDED: "Maximum Account Connections Exceeded",
    CloseReason.MAX_CONNECTIONS_EXCEEDED: "Maximum Connections Exceeded",
    CloseReason.MAX_PAYLOAD_EXCEEDED: "Maximum Message Payload Exceeded",
    CloseReason.MAX_CONTROL_LINE_EXCEEDED: "Maximum Control Line Exceeded",
    CloseReason.MAX_SUBSCRIPTIONS_EXCEEDED: "Maximum Subscriptions Exceeded",
    CloseReason.DUPLICATE_ROUTE: "Duplicate Route",
    CloseReason.ROUTE_REMOVED: "Route Removed",
    CloseReason.SERVER_SHUTDOWN: "Server Shutdown",
    CloseReason.AUTHENTICATION_EXPIRED: "Authentication Expired",
    CloseReason.WRONG_GATEWAY: "Wrong Gateway",
    CloseReason.MISSING_ACCOUNT: "Missing Account",
    CloseReason.REVOCATION: "Credentials Revoked",
    CloseReason.INTERNAL_CLIENT: "Internal Client",
    CloseReason.MSG_HEADER_VIOLATION: "Message Header Violation",
    CloseReason.NO_RESPONDERS_REQUIRES_HEADERS: "No Responders Requires Headers",
    CloseReason.CLUSTER_NAME_CONFLICT: "Cluster Name Conflict",
    CloseReason.DUPLICATE_REMOTE_LEAFNODE: "Duplicate Remote LeafNode Connection",
    CloseReason.DUPLICATE_CLIENT_ID: "Duplicate Client ID",
    CloseReason.DUPLICATE_SERVER_NAME: "Duplicate Server Name",
    CloseReason.MINIMUM_VERSION_REQUIRED: "Minimum Version Required",
    CloseReason.CLUSTER_NAMES_IDENTICAL: "Cluster Names Identical",
    CloseReason.KICKED: "Kicked",
    CloseReason.PROXY_NOT_TRUSTED: "Proxy Not Trusted",
    CloseReason.PROXY_REQUIRED: "Proxy Required",
}
