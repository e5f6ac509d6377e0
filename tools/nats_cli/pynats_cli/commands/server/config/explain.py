"""`pynats server config explain`: what a key of the configuration is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import show
from pynats_cli.servers.configfile.explaining import Explanation, UnknownKey
from pynats_cli.servers.configfile.explaining import explain as explanations


@dataclass(kw_only=True)
class ExplainOptions(Shown):
    """Which key."""

    key: Annotated[str, arg("Key: max_payload, jetstream.limits, accounts.A.users")]


def explain(options: GlobalOptions, chosen: ExplainOptions) -> None:
    """Say what a key of the configuration is: its meaning, type, default, and an example."""
    try:
        found = explanations(chosen.key)
    except UnknownKey as error:
        raise CliError(str(error)) from None
    data = [explanation.as_json() for explanation in found]
    show(chosen, data, lambda: "\n\n".join(_screen(each) for each in found))


def _screen(explanation: Explanation) -> str:
    columns = Columns(f"{explanation.path}: {explanation.meaning}")
    columns.add("Type", explanation.kind)
    columns.add_if("Default", explanation.default)
    columns.add("Reload", "yes" if explanation.reloadable else "no, at the next start")
    columns.add_if("Also", ", ".join(explanation.names[1:]))
    if explanation.only_original:
        columns.add("Server", "nats-server; not in pynats-server yet")
    lines = [columns.render()]
    if explanation.keys:
        width = max(len(name) for name, _ in explanation.keys)
        lines += ["", "Keys:", ""]
        lines += [f"  {name.ljust(width)}  {meaning}" for name, meaning in explanation.keys]
    example = "\n".join(f"  {line}" for line in explanation.example.splitlines())
    return "\n".join([*lines, "", "Example:", "", example])
