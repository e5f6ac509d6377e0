"""`pynats server generate`: a folder of configuration from a bundle's questions and templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import KEY_VALUE

from pynats_cli.errors import CliError
from pynats_cli.screen import ask
from pynats_cli.screen.output import log, note
from pynats_cli.servers.bundles.builtin import BUILTIN
from pynats_cli.servers.bundles.bundle import Bundle, load_bundle
from pynats_cli.servers.bundles.form import answers
from pynats_cli.servers.bundles.rendering import Rendering, write_files

if TYPE_CHECKING:
    from pynats_cli.global_options import GlobalOptions


@dataclass(kw_only=True)
class GenerateOptions:
    target: Annotated[str, arg("Folder to make")]
    source: Annotated[
        str,
        opt("--source", help="Bundle: a folder, a ZIP file or its URL; or a built-in one's name"),
    ] = ""
    set: Annotated[
        dict[str, str], opt("--set", help="Answer a question of the bundle", kind=KEY_VALUE)
    ] = field(default_factory=dict)
    operator: Annotated[
        str, opt("--operator", help="Operator, for bundles that need one", placeholder="NAME")
    ] = ""
    defaults: Annotated[bool, opt("--defaults", help="Do not ask what has a default answer")] = (
        False
    )


def generate(_: GlobalOptions, options: GenerateOptions) -> None:
    """Asks, and makes the folder.

    Bundles that are built in: server, leafnode, synadia-cloud, operator, compose, kubernetes.
    """
    target = Path(options.target)
    if target.exists():
        raise CliError(f"{target} exists already")
    bundle = _bundle(options.source)
    note(bundle.description.strip())
    values = _required(bundle, options.operator)
    values |= answers(bundle.form, options.set, options.defaults)
    rendering = Rendering(bundle, values)
    if bundle.before:
        note(rendering.text(bundle.before))
    for path in write_files(target, rendering.files()):
        log(f"Created {path}")
    if bundle.after:
        note(rendering.text(bundle.after))


def _required(bundle: Bundle, operator: str) -> dict[str, Any]:
    """What a bundle needs besides answers; under the names that `nats` gives to templates."""
    if not bundle.needs_operator:
        if operator:
            raise CliError("the bundle needs no --operator")
        return {}
    from pynats_cli.identities.book import Book, store_errors
    from pynats_cli.identities.entities import public_operator
    from pynats_cli.identities.pickers import pick_operator

    book = Book()
    if not operator and not book.operators():
        raise CliError("no operator found")
    with store_errors():
        return {"Requirements": {"Operator": public_operator(pick_operator(book, operator))}}


def _bundle(source: str) -> Bundle:
    if source in BUILTIN:
        return BUILTIN[source]
    if source:
        if not set(source) & set("./\\:") and not Path(source).exists():
            raise CliError(
                f"{source} is neither a file nor a built-in bundle: {', '.join(BUILTIN)}"
            )
        return load_bundle(source)
    names = [f"{name}: {bundle.description}" for name, bundle in BUILTIN.items()]
    chosen = ask.choose("Select a template", names, missing="--source")
    return BUILTIN[chosen.partition(":")[0]]
