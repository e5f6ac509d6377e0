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
        _row("info", "Show an operator", "operator:info", "i", "show", "view",
             examples=("pynats auth operator info ACME",)),
        _row("list", "List operators", "operator:list_operators", "ls",
             examples=("pynats auth operator list",)),
        _row("edit", "Change an operator", "operator:edit", "update",
             examples=("pynats auth operator edit ACME --service tls://nats.example.com",)),
        _row("import", "Take over an operator from its JWT and keys",
             "operator_files:import_operator",
             examples=("pynats auth operator import ACME.jwt operator.nk signing.nk",)),
        _row("select", "Choose the operator that is used when none is named", "operator:select",
             examples=("pynats auth operator select ACME",)),
        _row("backup", "Write an operator with all below it, keys too, to a file",
             "operator_files:write_backup",
             examples=("pynats auth operator backup ACME acme.json --key curve.nk",)),
        _row("restore", "Restore an operator from a backup", "operator_files:restore",
             examples=("pynats auth operator restore ACME acme.json --key curve.nk",)),
        Group("keys", "Signing keys of operators", aliases=("sk", "s"), commands=(
            _row("list", "List signing keys", "operator_keys:list_keys", "ls",
                 examples=("pynats auth operator keys list ACME",)),
            _row("add", "Create a signing key", "operator_keys:add", "new", "create",
                 examples=("pynats auth operator keys add ACME",)),
            _row("rm", "Remove a signing key", "operator_keys:remove", "delete",
                 examples=("pynats auth operator keys rm ACME OCK5...",)),
        )),
    ),
)  # fmt: skip
_IMPORTS = Group(
    "imports", "What an account takes from others", aliases=("i", "imp", "import"),
    commands=(
        _row("add", "Import a subject", "imports:add", "new", "a", "n",
             examples=("pynats auth account imports add time time.now APP --source OPS",)),
        _row("info", "Show an import", "imports:info", "i", "show", "view",
             examples=("pynats auth account imports info time APP",)),
        _row("edit", "Change an import", "imports:edit", "update",
             examples=("pynats auth account imports edit time APP --local clock",)),
        _row("ls", "List imports", "imports:list_imports", "list",
             examples=("pynats auth account imports ls APP",)),
        _row("rm", "Remove an import", "imports:remove",
             examples=("pynats auth account imports rm time APP",)),
        _row("kv", "Import a key-value bucket", "imports:import_bucket", hidden=True),
    ),
)  # fmt: skip
_EXPORTS = Group(
    "exports", "What an account offers to others", aliases=("e", "exp", "export"),
    commands=(
        _row("add", "Export a subject", "exports:add", "new", "a", "n",
             examples=("pynats auth account exports add time time.now OPS --service",)),
        _row("info", "Show an export", "exports:info", "i", "show", "view",
             examples=("pynats auth account exports info time OPS",)),
        _row("edit", "Change an export", "exports:edit", "update",
             examples=("pynats auth account exports edit time OPS --description 'The time'",)),
        _row("ls", "List exports", "exports:list_exports", "list",
             examples=("pynats auth account exports ls OPS",)),
        _row("rm", "Remove an export", "exports:remove",
             examples=("pynats auth account exports rm time OPS",)),
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
        _row("info", "Show an account", "account:info", "show", "view",
             examples=("pynats auth account info APP",)),
        _row("edit", "Change an account", "account:edit", "update",
             examples=("pynats auth account edit APP --connections 100",)),
        _row("ls", "List accounts", "account:list_accounts",
             examples=("pynats auth account ls",)),
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
            _row("info", "Show a signing key", "signing_keys:info", "i", "show", "view",
                 examples=("pynats auth account keys info APP reader",)),
            _row("ls", "List signing keys", "signing_keys:list_keys", "list",
                 examples=("pynats auth account keys ls APP",)),
            _row("rm", "Remove a signing key", "signing_keys:remove",
                 examples=("pynats auth account keys rm APP --key reader",)),
        )),
        Group("mappings", "Which subjects lead elsewhere", aliases=("m", "mapping", "map"),
              commands=(
            _row("add", "Map a subject", "mappings:add", "new", "a",
                 examples=("pynats auth account mappings add APP 'orders.*' "
                           "'orders.{{partition(3,1)}}.{{wildcard(1)}}'",)),
            _row("ls", "List mappings", "mappings:list_mappings", "list",
                 examples=("pynats auth account mappings ls APP",)),
            _row("rm", "Remove a mapping", "mappings:remove",
                 examples=("pynats auth account mappings rm APP 'orders.*'",)),
            _row("info", "Show a mapping", "mappings:info", "i", "show", "view",
                 examples=("pynats auth account mappings info APP 'orders.*'",)),
        )),
    ),
)  # fmt: skip
_USER = Group(
    "user", "Users of accounts", aliases=("u", "usr", "users"),
    commands=(
        _row("add", "Create a user", "user:add", "create", "new",
             examples=("pynats auth user add alice APP --defaults --credential alice.creds",
                       "pynats auth user add bob APP --key reader")),
        _row("info", "Show a user", "user:info", "i", "show", "view",
             examples=("pynats auth user info alice APP",)),
        _row("edit", "Change a user", "user:edit", "update",
             examples=("pynats auth user edit alice APP --payload 65536",)),
        _row("ls", "List users", "user:list_users",
             examples=("pynats auth user ls APP",)),
        _row("rm", "Remove a user", "user:remove",
             examples=("pynats auth user rm alice APP",)),
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
        _row("show", "Show a key's public half", "nkey:show",
             examples=("pynats auth nkey show user.nk",)),
        _row("sign", "Sign a file", "nkey:sign",
             examples=("pynats auth nkey sign note.txt user.nk",)),
        _row("verify", "Verify a signature", "nkey:verify",
             examples=("pynats auth nkey verify note.txt note.sig user.pub",)),
        _row("seal", "Seal a file for a recipient", "nkey:seal", "encrypt", "enc",
             examples=("pynats auth nkey seal note.txt curve.nk XB3...",)),
        _row("unseal", "Open a sealed file", "nkey:unseal", "open", "decrypt", "dec",
             examples=("pynats auth nkey unseal note.sealed curve.nk XA7...",)),
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
        Group(
            "nuid",
            "Unique ids",
            commands=(
                _row("gen", "Generate an id", "nuid:generate", examples=("pynats auth nuid gen",)),
            ),
        ),
    ),
)
