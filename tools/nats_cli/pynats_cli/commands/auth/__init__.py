"""`pynats auth`: operators, accounts, users and their keys, in the store that `nsc` has too."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.auth"


def _row(
    name: str, help: str, target: str, *aliases: str, examples: tuple[str, ...] = (),
    hidden: bool = False,
) -> Command:  # fmt: skip
    return Command(name, help, f"{_HERE}.{target}", aliases, examples, offline=True, hidden=hidden)


_OPERATOR = Group(
    "operator", "Operators, who sign accounts", aliases=("o", "op"),
    commands=(
        _row("add", "Create an operator with a system account", "operator:add",
             examples=("pynats auth operator add ACME --service nats://nats.example.com",)),
        _row("info", "Show an operator", "operator:info", "i", "show", "view"),
        _row("list", "List operators", "operator:list_operators", "ls"),
        _row("edit", "Change an operator", "operator:edit", "update",
             examples=("pynats auth operator edit ACME --service tls://nats.example.com",)),
        _row("import", "Take over an operator from its JWT and keys",
             "operator_files:import_operator",
             examples=("pynats auth operator import ACME.jwt operator.nk signing.nk",)),
        _row("select", "Choose the operator that is used when none is named", "operator:select"),
        _row("backup", "Write an operator with all below it, keys too, to a file",
             "operator_files:write_backup",
             examples=("pynats auth operator backup ACME acme.json --key curve.nk",)),
        _row("restore", "Restore an operator from a backup", "operator_files:restore",
             examples=("pynats auth operator restore ACME acme.json --key curve.nk",)),
        Group("keys", "Signing keys of operators", aliases=("sk", "s"), commands=(
            _row("list", "List signing keys", "operator_keys:list_keys", "ls"),
            _row("add", "Create a signing key", "operator_keys:add", "new", "create"),
            _row("rm", "Remove a signing key", "operator_keys:remove", "delete"),
        )),
    ),
)  # fmt: skip
_IMPORTS = Group(
    "imports", "What an account takes from others", aliases=("i", "imp", "import"),
    commands=(
        _row("add", "Import a subject", "imports:add", "new", "a", "n",
             examples=("pynats auth account imports add time time.now APP --source OPS",)),
        _row("info", "Show an import", "imports:info", "i", "show", "view"),
        _row("edit", "Change an import", "imports:edit", "update"),
        _row("ls", "List imports", "imports:list_imports", "list"),
        _row("rm", "Remove an import", "imports:remove"),
        _row("kv", "Import a key-value bucket", "imports:import_bucket", hidden=True),
    ),
)  # fmt: skip
_EXPORTS = Group(
    "exports", "What an account offers to others", aliases=("e", "exp", "export"),
    commands=(
        _row("add", "Export a subject", "exports:add", "new", "a", "n",
             examples=("pynats auth account exports add time time.now OPS --service",)),
        _row("info", "Show an export", "exports:info", "i", "show", "view"),
        _row("edit", "Change an export", "exports:edit", "update"),
        _row("ls", "List exports", "exports:list_exports", "list"),
        _row("rm", "Remove an export", "exports:remove"),
        _row("kv", "Export a key-value bucket", "exports:export_bucket", hidden=True),
    ),
)  # fmt: skip
_ACCOUNT = Group(
    "account", "Accounts, and what they share", aliases=("a", "acct", "act"),
    commands=(
        _row("add", "Create an account", "account:add", "create", "new",
             examples=("pynats auth account add APP --defaults",
                       "pynats auth account add APP --jetstream --js-disk 10GB --js-memory 1GB "
                       "--defaults")),
        # "i" are the imports, as in the original.
        _row("info", "Show an account", "account:info", "show", "view"),
        _row("edit", "Change an account", "account:edit", "update",
             examples=("pynats auth account edit APP --connections 100",)),
        _row("ls", "List accounts", "account:list_accounts"),
        Command("push", "Send an account's JWT to the servers", f"{_HERE}.account_sync:push",
                examples=("pynats --context system auth account push APP",)),
        Command("query", "Fetch an account's JWT from the servers", f"{_HERE}.account_sync:query",
                aliases=("pull",),
                examples=("pynats --context system auth account query APP",)),
        _IMPORTS,
        _EXPORTS,
        Group("keys", "Signing keys of accounts, most with a role", aliases=("sk", "s"), commands=(
            _row("add", "Create a signing key", "signing_keys:add", "new", "a", "n",
                 examples=("pynats auth account keys add APP reader --sub-allow 'orders.>'",)),
            _row("info", "Show a signing key", "signing_keys:info", "i", "show", "view"),
            _row("ls", "List signing keys", "signing_keys:list_keys", "list"),
            _row("rm", "Remove a signing key", "signing_keys:remove"),
        )),
        Group("mappings", "Which subjects lead elsewhere", aliases=("m", "mapping", "map"),
              commands=(
            _row("add", "Map a subject", "mappings:add", "new", "a",
                 examples=("pynats auth account mappings add APP 'orders.*' "
                           "'orders.{{partition(3,1)}}.{{wildcard(1)}}'",)),
            _row("ls", "List mappings", "mappings:list_mappings", "list"),
            _row("rm", "Remove a mapping", "mappings:remove"),
            _row("info", "Show a mapping", "mappings:info", "i", "show", "view"),
        )),
    ),
)  # fmt: skip
_USER = Group(
    "user", "Users of accounts", aliases=("u", "usr", "users"),
    commands=(
        _row("add", "Create a user", "user:add", "create", "new",
             examples=("pynats auth user add alice APP --defaults --credential alice.creds",
                       "pynats auth user add bob APP --key reader")),
        _row("info", "Show a user", "user:info", "i", "show", "view"),
        _row("edit", "Change a user", "user:edit", "update"),
        _row("ls", "List users", "user:list_users"),
        _row("rm", "Remove a user", "user:remove"),
        _row("credential", "Write the credentials of a user to a file", "credential:credential",
             "cred", "creds",
             examples=("pynats auth user credential alice.creds alice APP --expire 30d",)),
    ),
)  # fmt: skip
_NKEY = Group(
    "nkey", "Keys alone: make them, sign and seal with them", aliases=("nk",),
    commands=(
        _row("gen", "Generate a key", "nkey:generate",
             examples=("pynats auth nkey gen user --public",)),
        _row("show", "Show a key's public half", "nkey:show"),
        _row("sign", "Sign a file", "nkey:sign"),
        _row("verify", "Verify a signature", "nkey:verify"),
        _row("seal", "Seal a file for a recipient", "nkey:seal", "encrypt", "enc"),
        _row("unseal", "Open a sealed file", "nkey:unseal", "open", "decrypt", "dec"),
    ),
)  # fmt: skip
GROUP = Group(
    "auth",
    "Operators, accounts, users and their keys",
    commands=(
        _OPERATOR,
        _ACCOUNT,
        _USER,
        _NKEY,
        Group("nuid", "Unique ids", commands=(_row("gen", "Generate an id", "nuid:generate"),)),
    ),
)
