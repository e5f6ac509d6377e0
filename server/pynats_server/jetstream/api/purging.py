"""ACCOUNT.PURGE: an operator removes all that an account has stored."""

from __future__ import annotations

from collections.abc import Callable

from pynats_common.ids.nuid import new_nuid

from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.api.request import Reply, Request
from pynats_server.jetstream.context import JetStreamContext
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.folders.moving import put_aside

Find = Callable[[str], JetStreamAccount | None]  # an account by name, if its requests are answered


async def purge(context: JetStreamContext, find: Find, request: Request) -> Reply:
    """Deletes the streams of the named account, or what lies in the folder of one without
    JetStream."""
    name = request.names[0]
    if "/" in name or "\\" in name:
        raise api_error(10051, err="account name can not contain path separators")
    account = find(name)
    streams = account.served() if account is not None and account.enabled else []
    context.log.notice(
        f"Purge request for account {name} (streams: {len(streams)}, "
        f"hasAccount: {'true' if account is not None else 'false'})"
    )
    if account is not None and account.enabled:
        async with account.changing:
            for stream in streams:
                if account.streams.get(stream.name) is stream:
                    await stream.consumers.settled()
                    await account.delete(stream)
    else:
        await _remove_folder(context, name)
    return {"initiated": True}


async def _remove_folder(context: JetStreamContext, name: str) -> None:
    folder, doomed = context.folder / name, context.staging / new_nuid()
    if name in (".", "..") or folder == context.staging:
        return
    try:
        await context.loop.run_in_executor(None, put_aside, folder, doomed)
    except FileNotFoundError:
        return
    except OSError as error:
        raise api_error(10051, err=error) from error
    context.remove_later(doomed)
