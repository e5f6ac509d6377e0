"""Bundles that come with the program."""

from __future__ import annotations

from pynats_cli.servers.bundles.builtin.compose import COMPOSE
from pynats_cli.servers.bundles.builtin.managed import KUBERNETES, OPERATOR
from pynats_cli.servers.bundles.builtin.single import SINGLE
from pynats_cli.servers.bundles.bundle import Bundle

BUILTIN: dict[str, Bundle] = {
    **SINGLE,
    "operator": OPERATOR,
    "compose": COMPOSE,
    "kubernetes": KUBERNETES,
}
