"""The PID file and the ports file of a server: written at the start and when a reload names others,
removed at shutdown."""

from __future__ import annotations

from pathlib import Path

from pynats_common.go.errno import error_text

from pynats_server.process import run_files
from pynats_server.server.listen import client_url, monitor_url
from pynats_server.server.state import ServerState


class RunFileError(Exception):
    """The PID file cannot be written; the text says why."""


class RunFiles:
    """The files of one server. `write_ports` needs the addresses in use."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._pid: Path | None = None
        self._ports: Path | None = None

    def write_pid(self) -> None:
        """Raises RunFileError."""
        path = self._state.options.pid_file
        if path is None:
            return
        try:
            run_files.write_pid_file(path)
        except OSError as error:
            reason = error_text(error)
            raise RunFileError(f"Could not write pidfile: open {path}: {reason}") from error
        self._pid = path

    def write_ports(self) -> None:
        """Logs a failure: clients can connect all the same."""
        state = self._state
        if state.options.ports_file_dir is None:
            return
        urls = {"nats": [client_url(state)]}
        if monitored := monitor_url(state):
            urls["monitoring"] = [monitored]
        path = run_files.ports_file_path(state.options.ports_file_dir, state.program)
        try:
            run_files.write_ports_file(path, urls)
        except OSError as error:
            reason = error_text(error)
            state.log.error(f"Error writing ports file ({path}): open {path}: {reason}")
            return
        self._ports = path

    def follow(self) -> None:
        """Moves them to where the options of a reload want them. Logs failures."""
        options = self._state.options
        if options.pid_file != self._pid:
            self._remove(self._pid)
            self._pid = None
            try:
                self.write_pid()
            except RunFileError as error:
                self._state.log.error(str(error))
        wanted = options.ports_file_dir
        if wanted != (self._ports.parent if self._ports is not None else None):
            self._remove(self._ports)
            self._ports = None
            self.write_ports()

    def remove(self) -> None:
        """Removes them, if they still exist."""
        self._remove(self._pid)
        self._remove(self._ports)

    def _remove(self, path: Path | None) -> None:
        try:
            run_files.remove(path)
        except OSError as error:
            self._state.log.error(f"Error removing {path}: {error_text(error)}")
