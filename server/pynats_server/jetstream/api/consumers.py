"""Consumers, of which this version has none: it says so, and never leaves a client waiting.

What can be answered truthfully is answered as the real server answers it for streams without
consumers; creating one is refused.
"""

from __future__ import annotations

from pynats_server.jetstream.api import direct
from pynats_server.jetstream.api.listing import LIST_PAGE, NAMES_PAGE
from pynats_server.jetstream.api.request import Reply, Request
from pynats_server.jetstream.errors import api_error


def create(request: Request) -> Reply:
    """CONSUMER.CREATE and CONSUMER.DURABLE.CREATE. Raises ApiError 10059, 10012."""
    _ = request.stream
    raise api_error(10012, err="this version of pynats-server has no consumers")


def names(request: Request) -> Reply:
    """CONSUMER.NAMES. Raises ApiError 10059."""
    return _nothing(request, NAMES_PAGE)


def listing(request: Request) -> Reply:
    """CONSUMER.LIST. Raises ApiError 10059."""
    return _nothing(request, LIST_PAGE)


def _nothing(request: Request, limit: int) -> Reply:
    _ = request.stream
    return {"total": 0, "offset": 0, "limit": limit, "consumers": []}


def named(request: Request) -> Reply:
    """CONSUMER.INFO and CONSUMER.DELETE. Raises ApiError 10038, 10059, 10014."""
    request.require_empty()
    return not_found(request)


def not_found(request: Request) -> Reply:
    """Any other request about one consumer. Raises ApiError 10059, 10014."""
    _ = request.stream
    raise api_error(10014)


def next_message(request: Request) -> None:
    """CONSUMER.MSG.NEXT: nobody listens there."""
    direct.nowhere(request)
