"""`pynats audit upgrade`: what a newer server would break here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import EXISTING_FILE, EXISTING_FOLDER, Kind

from pynats_cli.errors import UsageError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import show
from pynats_cli.servers.upgrade.facts import Facts, Live
from pynats_cli.servers.upgrade.rules import BREAKS, Version, judge, parse_version

VERSION = Kind("VERSION", parse_version)


@dataclass(kw_only=True)
class UpgradeOptions(Shown):
    """Where to look, and what for."""

    to: Annotated[Version | None, opt("--to", help="The release to upgrade to", kind=VERSION)] = (
        None
    )
    from_: Annotated[
        Version | None,
        opt("--from", help="The release that runs (default: what the server says)", kind=VERSION),
    ] = None
    config: Annotated[
        list[str],
        opt("--config", help="Configuration of a server; may be repeated", kind=EXISTING_FILE,
            panel="Where to look"),
    ] = field(default_factory=list)  # fmt: skip
    jwt: Annotated[
        list[str],
        opt("--user-jwt", help="File with a JWT, or credentials; may be repeated",
            kind=EXISTING_FILE, panel="Where to look"),
    ] = field(default_factory=list)  # fmt: skip
    store: Annotated[
        list[str],
        opt("--store", help="Folder with JWTs, such as a store of pynsc; may be repeated",
            kind=EXISTING_FOLDER, panel="Where to look"),
    ] = field(default_factory=list)  # fmt: skip
    live: Annotated[
        bool,
        opt("--live/--no-live", help="Look at the server and the streams of the account",
            panel="Where to look"),
    ] = True  # fmt: skip


async def upgrade(options: GlobalOptions, chosen: UpgradeOptions) -> int | None:
    """Say what an upgrade of the servers would break.

    Looks at configurations, at permissions, imports and exports in them and in JWTs, and at the
    streams of the account. The exit code is 1 if anything breaks.
    """
    if chosen.to is None:
        raise UsageError("--to is missing: the release to upgrade to")
    facts, looked_at = _facts(chosen)
    if chosen.live:
        facts.live = await _live(options)
        looked_at.append(facts.live.name)
    if not looked_at:
        raise UsageError("nothing to look at: give --config, --user-jwt or --store, or a server")
    now = chosen.from_
    if now is None and facts.live is not None and facts.live.version:
        now = parse_version(facts.live.version)
    findings = judge(facts, now, chosen.to)
    shown_now, target = _shown(now), _shown(chosen.to)
    data = {
        "from": shown_now or None,
        "to": target,
        "looked_at": looked_at,
        "findings": [finding.as_json() for finding in findings],
    }

    def screen() -> str:
        from pynats_cli.servers.upgrade.screens import upgrade_screen

        return upgrade_screen(findings, shown_now, target, looked_at)

    show(chosen, data, screen)
    return 1 if any(finding.severity == BREAKS for finding in findings) else None


def _facts(chosen: UpgradeOptions) -> tuple[Facts, list[str]]:
    from pynats_cli.servers.upgrade.from_config import source_of_config
    from pynats_cli.servers.upgrade.from_jwt import source_of_jwt, sources_of_store

    facts = Facts()
    facts.sources += [source_of_config(file) for file in chosen.config]
    facts.sources += [source_of_jwt(file) for file in chosen.jwt]
    for folder in chosen.store:
        facts.sources += sources_of_store(folder)
    return facts, [*chosen.config, *chosen.jwt, *chosen.store]


async def _live(options: GlobalOptions) -> Live:
    from pynats_cli.connect.opening import open_session
    from pynats_cli.servers.upgrade.running import live_of

    async with open_session(options) as session:
        return await live_of(session)


def _shown(version: Version | None) -> str:
    return ".".join(map(str, version)) if version is not None else ""
