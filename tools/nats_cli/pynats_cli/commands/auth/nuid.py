"""`auth nuid gen`."""

from __future__ import annotations

from pynats_common.ids.nuid import new_nuid
from pynats_common.records import dataclass

from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line


@dataclass(kw_only=True)
class GenerateOptions:
    pass


def generate(_: GlobalOptions, options: GenerateOptions) -> None:
    line(new_nuid())
