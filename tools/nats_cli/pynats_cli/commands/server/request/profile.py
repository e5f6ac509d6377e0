"""`pynats server request profile`: profiles of the servers' memory, locks and time, as files."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FOLDER, UNSIGNED, Choice

from pynats_cli.commands.server.options import Archived
from pynats_cli.commands.server.request.options import RequestOptions
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line, note
from pynats_cli.servers.audit.layout import component
from pynats_cli.servers.system.archive import Archive
from pynats_cli.servers.system.requests import ask, error_text

PROFILES = ("allocs", "heap", "goroutine", "mutex", "threadcreate", "block", "cpu")
_CPU_NS = 5_000_000_000


@dataclass(kw_only=True)
class ProfileOptions(RequestOptions, Archived):
    """Flags of `server request profile`."""

    profile: Annotated[str, arg("Which profile", Choice(*PROFILES))]
    dir: Annotated[str, arg("Folder for the files", EXISTING_FOLDER)] = "."
    level: Annotated[int, opt("--level", kind=UNSIGNED, help="How much detail, 0 to 2")] = 0


async def profile(options: GlobalOptions, chosen: ProfileOptions) -> int:
    """Write profiles to <profile>-<date>-<time>-<server>."""
    stamp = f"{chosen.profile}-{time.strftime('%Y%m%d-%H%M%S')}"
    written = 0
    found = _archived(chosen) if chosen.archive else await _asked(options, chosen)
    for server, data in found:
        # The name comes from a server: it shall not lead out of the folder.
        path = Path(chosen.dir) / f"{stamp}-{component(server)}"
        try:
            path.write_bytes(data)
        except OSError as error:
            raise CliError(f"cannot write {path}: {error.strerror}") from None
        line(f'Server "{server}" profile written: {path.resolve()}')
        written += 1
    return 0 if written else 1


async def _asked(options: GlobalOptions, chosen: ProfileOptions) -> list[tuple[str, bytes]]:
    from dataclasses import replace

    from pynats_cli.connect.opening import open_session

    request: dict[str, Any] = {"name": chosen.profile, "debug": chosen.level}
    if chosen.profile == "cpu":
        request["duration"] = _CPU_NS
        options = replace(options, timeout_ns=options.timeout_ns + _CPU_NS)
    async with open_session(options) as session:
        documents = await ask(session, "PROFILEZ", request, servers=chosen.servers)
    found = []
    for document in documents:
        server, data = document.get("server") or {}, document.get("data") or {}
        name = str(server.get("name") or "")
        if document.get("error"):
            note(f'Server "{name}": {error_text(document["error"])}')
        elif data.get("error"):
            note(f'Server "{name}": {data["error"]}')
        else:
            found.append((name, _decoded(name, data.get("profile"))))
    return found


def _decoded(server: str, text: Any) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except binascii.Error:
        raise CliError(f'the profile of server "{server}" is no base64') from None


def _archived(chosen: ProfileOptions) -> list[tuple[str, bytes]]:
    names = {f"{chosen.profile}_{chosen.level}"} | ({chosen.profile} if not chosen.level else set())
    with Archive(chosen.archive) as archive:
        found = [
            (server, archive.read(path))
            for server, name, path in archive.profiles()
            if name in names and chosen.name in ("", server)
        ]
    if not found:
        note(
            f'no captured profiles matched "{chosen.profile}" at level {chosen.level} in '
            f"{chosen.archive}; audit gather captures goroutine at levels 1 and 2"
        )
    return found
