"""`auth account mappings`: which subjects of an account lead elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.files import read_text
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, UNSIGNED
from pynats_common.jwt.types import WeightedMapping
from pynats_common.records import dataclass

from pynats_cli.commands.auth.options import OperatorOption
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import store_errors
from pynats_cli.identities.pickers import menu, named_account
from pynats_cli.identities.sharing_screens import mapping_screen, mappings_table
from pynats_cli.screen.ask import ask
from pynats_cli.screen.output import line, show


@dataclass(kw_only=True)
class AddOptions(OperatorOption):
    account: Annotated[str, arg("Account to change")] = ""
    source: Annotated[str, arg("Subject that is mapped")] = ""
    target: Annotated[str, arg("Subject that it leads to")] = ""
    weight: Annotated[int, arg("Percentage of the messages", kind=UNSIGNED)] = 100
    cluster: Annotated[str, arg("Only in this cluster")] = ""
    config: Annotated[
        str, opt("--config", help="JSON or YAML file with mappings", kind=EXISTING_FILE)
    ] = ""


def add(_: GlobalOptions, options: AddOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        found = _from_file(Path(options.config)) if options.config else _from_line(options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            for source, targets in found.items():
                claims.nats.mappings.setdefault(source, []).extend(targets)
            edition.save_account(claims)
        shown = {source: claims.nats.mappings[source] for source in found}
        line(mapping_screen(shown))


def _from_line(options: AddOptions) -> dict[str, list[WeightedMapping]]:
    source = options.source or ask("Source subject", missing="SOURCE")
    target = options.target or ask("Target subject", missing="TARGET")
    return {
        source: [WeightedMapping(subject=target, weight=options.weight, cluster=options.cluster)]
    }


def _from_file(path: Path) -> dict[str, list[WeightedMapping]]:
    """Mappings by source: `source: [{subject, weight, cluster}, …]`. Raises CliError."""
    from pynats_cli.identities.documents import load_document

    try:
        value = load_document(read_text(path))
    except ValueError as error:
        raise CliError(f"unable to load config file: {error}") from None
    if not isinstance(value, dict) or not value:
        raise CliError(f"{path} holds no mappings: sources with lists of targets are expected")
    return {str(source): [_target(path, source, item) for item in _list(path, source, targets)]
            for source, targets in value.items()}  # fmt: skip


def _list(path: Path, source: object, value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise CliError(f"{path}: {source}: a list of targets is expected")
    return value


def _target(path: Path, source: object, value: object) -> WeightedMapping:
    if not isinstance(value, dict) or not isinstance(value.get("subject"), str):
        raise CliError(f"{path}: {source}: each target needs a subject")
    weight = value.get("weight", 100)
    if not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
        raise CliError(f"{path}: {source}: weight {weight!r} is not a percentage")
    cluster = str(value.get("cluster") or "")
    return WeightedMapping(subject=value["subject"], weight=weight, cluster=cluster)


@dataclass(kw_only=True)
class ListOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account to show")] = ""


def list_mappings(_: GlobalOptions, options: ListOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        show(options, mappings_json(claims.nats.mappings), lambda: mappings_table(claims))


def mappings_json(mappings: dict[str, list[WeightedMapping]]) -> dict[str, Any]:
    """As `nats` shows them."""
    return {
        source: [
            {"Subject": each.subject, "Weight": each.weight, "Cluster": each.cluster}
            for each in targets
        ]
        for source, targets in sorted(mappings.items())
    }


@dataclass(kw_only=True)
class RemoveOptions(OperatorOption):
    account: Annotated[str, arg("Account to change")] = ""
    source: Annotated[str, arg("Subject that is mapped")] = ""


def remove(_: GlobalOptions, options: RemoveOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        source = _pick(store.account(account), options.source, "delete")
        if not source:
            return
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            if claims.nats.mappings.pop(source, None) is None:
                raise CliError(f'mapping "{source}" not found')
            edition.save_account(claims)
        line(f"Deleted mapping {{{source}}}")


def _pick(claims: jwt.AccountClaims, given: str, purpose: str) -> str:
    """The source of a mapping; empty if there are none to choose from."""
    if given:
        return given
    if not claims.nats.mappings:
        line("No mappings defined")
        return ""
    return menu(f"a mapping to {purpose}", "source subject", sorted(claims.nats.mappings))


@dataclass(kw_only=True)
class InfoOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account to show")] = ""
    source: Annotated[str, arg("Subject that is mapped")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        source = _pick(claims, options.source, "inspect")
        if not source:
            return
        if source not in claims.nats.mappings:
            raise CliError(f'mapping "{source}" not found')
        found = {source: claims.nats.mappings[source]}
        show(options, mappings_json(found), lambda: mapping_screen(found))
