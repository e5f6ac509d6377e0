"""JetStream of a server: begins at the start or by a reload, ends by a reload or at shutdown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pynats_common.go.durations import human_duration_ns
from pynats_common.go.errno import error_text

from pynats_server.server.state import ServerState

if TYPE_CHECKING:
    from pynats_server.jetstream.manager import JetStream


class JetStreamError(Exception):
    """JetStream cannot be started; the text says why."""


def start_jetstream(state: ServerState) -> None:
    """Starts it as the options ask for. Raises JetStreamError, and then nothing was changed."""
    from pynats_server.jetstream import enablement, store_folder
    from pynats_server.jetstream.banner import banner_lines
    from pynats_server.jetstream.capacity import resolve
    from pynats_server.jetstream.manager import JetStream

    begun = time.perf_counter_ns()
    log, options = state.log, state.options.jetstream
    log.notice("Starting JetStream")
    accounts = enablement.wanted(state.options)
    try:
        folder = store_folder.take(options.store_dir)
    except OSError as error:
        raise JetStreamError(f"Can't start JetStream: {_reason(error)}") from error
    for warning in folder.warnings:
        log.warn(warning)
    try:
        limits = resolve(options, folder.store_dir)
        enablement.check_promises(accounts, limits)
        jetstream = JetStream(state.engine, log, options, limits, state.name, state.turns, folder)
    except (ValueError, OSError) as error:
        folder.release()
        reason = _reason(error) if isinstance(error, OSError) else str(error)
        raise JetStreamError(f"Can't start JetStream: {reason}") from error
    state.jetstream = jetstream
    for line in banner_lines(options, limits):
        log.notice(line)
    try:
        enablement.start(jetstream, accounts, state.accounts)
    except OSError as error:
        raise JetStreamError(f"Can't start JetStream: {_reason(error)}") from error
    log.notice(f"Took {human_duration_ns(time.perf_counter_ns() - begun)} to start JetStream")


async def stop_jetstream(state: ServerState, jetstream: JetStream) -> None:
    """Closes every stream."""
    state.log.notice("Initiating JetStream Shutdown...")
    await jetstream.stop()
    state.log.notice("JetStream Shutdown")


def _reason(error: OSError) -> str:
    """An error of the system with its place; ours say all in their text."""
    if error.errno is None:
        return str(error)
    return f"{error.filename}: {error_text(error)}" if error.filename else error_text(error)
