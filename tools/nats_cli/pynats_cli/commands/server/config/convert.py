"""`pynats server config convert`: a configuration file in another form."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import Choice
from pynats_common.config import ConfigError

from pynats_cli.errors import CliError, UsageError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import note, write
from pynats_cli.servers.configfile.converting import FORMS, form_of
from pynats_cli.servers.configfile.converting import convert as converted
from pynats_cli.servers.configfile.files import read_text, write_text

_FORM = Choice(*FORMS, conf="nats", yml="yaml")


@dataclass(kw_only=True)
class ConvertOptions:
    """From what to what."""

    file: Annotated[str, arg("File to convert; - is standard input")]
    to: Annotated[
        str, opt("--to", help="Form of the result (default: TOML, or NATS of others)", kind=_FORM)
    ] = ""
    from_: Annotated[
        str, opt("--from", help="Form of the file (default: by its name)", kind=_FORM)
    ] = ""
    output: Annotated[
        str, opt("--output", "-o", help="File to write; its name may say the form")
    ] = ""


def convert(options: GlobalOptions, chosen: ConvertOptions) -> None:
    """Write a configuration file in another form: NATS, TOML, YAML or JSON.

    Comments go along where the form can hold them. Other forms than NATS have no variables and no
    includes: values take their place. The result is checked to mean the same.
    """
    source = chosen.from_ or form_of(chosen.file)
    target = chosen.to or (form_of(chosen.output) if chosen.output else "")
    target = target or ("toml" if source == "nats" else "nats")
    text = read_text(chosen.file)
    try:
        done = converted(text, chosen.file, source, target, os.environ)
    except ConfigError as error:
        raise CliError(str(error)) from None
    if chosen.output:
        if chosen.output == chosen.file:
            raise UsageError("--output is the file itself")
        write_text(chosen.output, done.text)
    else:
        write(done.text)
    for text in done.notes:
        note(f"pynats: {text}")
