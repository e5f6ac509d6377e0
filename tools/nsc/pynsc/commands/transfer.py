"""Keys and JWTs in and out: import, export, keys migrate, reissue, fix (restore), migrate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text, remove, short_path, write_atomic
from pynats_common.accounts_store.store import (
    Store,
    load_claims,
    load_token,
    operators,
    parse_claims,
)
from pynats_common.commandline.declare import arg, opt
from pynats_common.creds import CredsError, extract_key_pair
from pynats_common.nkeys import KeyPair, NkeyError, Prefix

from pynsc.cli import KeySelection, Many, Options, Text
from pynsc.commands.listing import collect_keys
from pynsc.core.session import Session
from pynsc.core.values import items, new_name

FILE_BYTES_MAX = 2 * 1024 * 1024


@dataclass
class ImportKeys(Options):
    dir: Annotated[Text, opt("--dir", "-d", help="directory with key files", ask="directory")] = ""
    recurse: Annotated[bool, opt("--recurse", "-R", help="look below it too")] = False


def _files(folder: Path, recurse: bool) -> Iterator[Path]:
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a directory")
    for path in sorted(folder.rglob("*") if recurse else folder.iterdir()):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= FILE_BYTES_MAX:
            yield path


def _pair_in(path: Path) -> KeyPair | None:
    try:
        return extract_key_pair(read_text(path))
    except (CredsError, NkeyError, StoreError):
        return None


def import_keys(session: Session, options: ImportKeys) -> None:
    """Copies seeds of .nk and .creds files into the keystore."""
    if not options.dir:
        raise StoreError("a directory is required", "use --dir")
    count = 0
    for path in _files(Path(options.dir).expanduser(), options.recurse):
        pair = _pair_in(path) if path.suffix in (".nk", ".creds") else None
        if pair is not None and pair.prefix in (
            Prefix.OPERATOR, Prefix.ACCOUNT, Prefix.USER, Prefix.CURVE,
        ):  # fmt: skip
            session.keys.save(pair)
            session.report.ok(f"{pair.prefix.label} key {pair.public_key} imported")
            count += 1
    if not count:
        raise StoreError("no keys found", "key files end in .nk or .creds; -R looks below")


@dataclass
class ImportUser(Options):
    pos: Annotated[Text, arg(help="JWT or creds file", placeholder="file")] = ""
    file: Annotated[Text, opt("--file", "-f", help="JWT or creds file", ask="file")] = ""
    skip: Annotated[bool, opt("--skip", help="import despite validation issues")] = False
    overwrite: Annotated[bool, opt("--overwrite", help="replace an existing one")] = False


@dataclass
class ImportAccount(Options):
    pos: Annotated[Text, arg(help="JWT file", placeholder="file")] = ""
    file: Annotated[Text, opt("--file", "-j", "-f", help="JWT file", ask="file")] = ""
    skip: Annotated[bool, opt("--skip", help="import despite validation issues")] = False
    overwrite: Annotated[bool, opt("--overwrite", help="replace an existing one")] = False
    force: Annotated[
        bool, opt("--force", help="take over an account that another operator signed")
    ] = False


def _check_incoming(
    session: Session, claims: jwt.Claims, old: jwt.Claims | None,
    options: ImportUser | ImportAccount,
) -> None:  # fmt: skip
    """Refuses claims that would replace something else or do not validate."""
    words = f'{claims.claim_type} "{claims.name}"'
    if old is not None and not options.overwrite:
        raise StoreError(f"{words} already exists", "use --overwrite to replace it")
    if old is not None and old.sub != claims.sub:
        raise StoreError(
            f"{words} exists with another key ({old.sub})", "rename or delete that one"
        )
    for issue in jwt.validate(claims):
        if issue.level is jwt.Level.WARNING or options.skip:
            session.report.warn(f"validation resulted in: {issue.description}")
        else:
            raise StoreError(
                f"validation resulted in: {issue.description}", "use --skip to ignore it"
            )


def _incoming_file(options: ImportUser | ImportAccount) -> Path:
    if not (options.file or options.pos):
        raise StoreError("a file is required", "use --file")
    return Path(options.file or options.pos).expanduser()


def import_account(session: Session, options: ImportAccount) -> None:
    """Imports an account JWT. This operator signs a self-signed one, with --force any other too."""
    path = _incoming_file(options)
    claims, store = load_claims(jwt.AccountClaims, path), session.store()
    name = new_name(claims.name)
    _check_incoming(session, claims, store.account(name) if name in store.accounts() else None,
                    options)  # fmt: skip
    if store.operator().did_sign(claims):
        store.save_account(name, load_token(path))
    elif store.managed:
        raise StoreError("the operator of this store did not sign it", "push it to the operator")
    elif claims.iss == claims.sub or options.force:
        session.save_account(claims, name)
        session.report.ok(f'account "{name}" signed by operator "{store.name}"')
    else:
        raise StoreError(f'another operator ({claims.iss}) signed account "{name}"',
                         "use --force to sign it with this operator's key")  # fmt: skip
    session.report.ok(f"account {name} was successfully imported")


def import_user(session: Session, options: ImportUser) -> None:
    """Imports a user JWT, or creds with their key, into the account that issued it."""
    path = _incoming_file(options)
    claims, store = load_claims(jwt.UserClaims, path), session.store()
    account = store.account_named(claims.account)
    if not account:
        raise StoreError(f"the account {claims.account} that issued this user is not here",
                         "import the account first")  # fmt: skip
    if not store.account(account).did_sign(claims):
        raise StoreError(f'account "{account}" did not sign this user', "ask for a new JWT")
    name = new_name(claims.name)
    old = store.user(account, name) if name in store.users(account) else None
    _check_incoming(session, claims, old, options)
    pair = _pair_in(path)
    if pair is not None and pair.public_key == claims.sub:
        session.report.ok(f"key stored {short_path(session.keys.save(pair))}")
    session.store_user_token(account, name, load_token(path), claims.sub)
    session.report.ok(f"user {name} was successfully imported")


@dataclass
class ExportKeys(KeySelection):
    dir: Annotated[Text, opt("--dir", "-d", help="directory to write to", ask="directory")] = ""
    curves: Annotated[bool, opt("--curves", help="curve keys")] = False
    curve: Annotated[Text, opt("--curve", help="only this curve key")] = ""
    all: Annotated[bool, opt("--all", "-A", help="everything")] = False
    not_referenced: Annotated[bool, opt("--not-referenced", help="keys that no JWT names")] = False
    force: Annotated[bool, opt("--force", "-F", help="overwrite files")] = False
    remove: Annotated[
        bool, opt("--remove", "-R", help="remove exported keys from the keystore")
    ] = False
    include_jwts: Annotated[bool, opt("--include-jwts", help="write JWTs too")] = False


def export_keys(session: Session, options: ExportKeys) -> None:
    if not options.dir:
        raise StoreError("a directory is required", "use --dir")
    folder, store = Path(options.dir).expanduser(), session.store()
    account = session.account_name(options.account) if options.account else ""
    keys = collect_keys(session, account, everything=not account)
    wanted = {k for k, on in (("operator", options.operator),
              ("account", options.accounts or account),
              ("user", options.users or options.user), ("curve", options.curves or options.curve))
              if on}  # fmt: skip
    publics = [k.pub for k in keys if (options.all or not wanted or k.kind in wanted)
               and (not options.user or k.kind != "user" or k.name == options.user)
               and (not options.curve or k.kind != "curve" or k.pub == options.curve)]  # fmt: skip
    if options.not_referenced:
        known = {k.pub for k in collect_keys(session, everything=True)}
        publics = [p for p in session.keys.all_public() if p not in known]
    pairs = [p for p in (session.keys.get(k) for k in publics if options.filter in k) if p]
    if not pairs:
        raise StoreError("no stored keys match", "see list keys --all")
    targets = {folder / f"{pair.public_key}.nk": pair for pair in pairs}
    existing = [path for path in targets if path.exists()]
    if existing and not options.force:
        raise StoreError(f"{existing[0]} exists", "use --force to overwrite")
    for path, pair in targets.items():
        write_atomic(path, pair.seed)
        session.report.ok(f"exported {pair.public_key}")
    for pair in pairs if options.remove else []:
        session.keys.remove(pair.public_key)
    if options.include_jwts:
        for source in sorted(store.root.rglob("*.jwt")):
            token = load_token(source)
            write_atomic(folder / f"{jwt.decode(token).sub}.jwt", token)
        session.report.ok("exported JWTs")


def keys_migrate(session: Session, options: Options) -> None:
    """Moves seeds of the older flat layouts to the current one; originals stay until all are
    moved."""
    moved = []
    for path in session.keys.flat_keys():
        pair = _pair_in(path)
        if pair is not None and session.keys.path_of(pair.public_key) != path:
            session.keys.save(pair)
            moved.append(path)
    for path in moved:
        remove(path)  # False where another command has moved it meanwhile
    session.report.ok(f"migrated {len(moved)} keys")


@dataclass
class Reissue(Options):
    pos: Annotated[Text, arg(help="operator name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="operator name")] = ""
    convert_to_signing_key: Annotated[
        bool, opt("--convert-to-signing-key", help="keep the old key as signing key")
    ] = False


def reissue_operator(session: Session, options: Reissue) -> None:
    """Creates a new identity key; prepares everything before the first file changes."""
    store = session.store(options.pos or options.name)
    if store.managed:
        raise StoreError("a managed operator can only be re-issued by its owner")
    claims = store.operator()
    accounts = [(name, store.account(name)) for name in store.accounts()]
    old = claims.sub
    pair = session.keyring.new(Prefix.OPERATOR)
    claims.sub = pair.public_key
    if options.convert_to_signing_key and old not in claims.nats.signing_keys:
        claims.nats.signing_keys.append(old)
    still_valid = set(claims.nats.signing_keys)
    signer = pair
    if claims.nats.strict_signing_key_usage:
        stored = [p for p in map(session.keys.get, claims.nats.signing_keys) if p]
        if not stored:
            raise StoreError("signing keys are required and none is stored", "import one first")
        signer = stored[0]
    signed = [(n, jwt.encode(a, signer)) for n, a in accounts if a.iss not in still_valid]
    session.save_operator(claims, pair)
    session.report.ok(
        f'operator "{store.name}" successfully changed identity to: {pair.public_key}'
    )
    if options.convert_to_signing_key:
        session.report.ok(f'old operator key "{old}" turned into signing key')
    for name, token in signed:
        store.save_account(name, token)
        session.report.ok(f'account "{name}" re-signed')
    session.report.note("generate the server configuration again and restart the servers")


@dataclass
class Fix(Options):
    source: Annotated[Many, opt("--in", help="directories with JWTs, keys and creds")] = None
    out: Annotated[Text, opt("--out", help="directory for the rebuilt tree")] = ""
    creds: Annotated[bool, opt("--creds", help="generate creds files")] = False


def fix(session: Session, options: Fix) -> None:
    """Rebuilds stores from loose files: the newest JWT of each identity, in its issuer's folder."""
    sources, out = items(options.source), Path(options.out or ".").expanduser()
    if not sources or not options.out:
        raise StoreError("--in and --out are required")
    if out.exists() and any(out.iterdir()):
        raise StoreError(f"{out} is not empty", "choose a new directory")
    newest: dict[str, tuple[jwt.Claims, str]] = {}
    session.keys.root = out / "keys"
    for source in sources:
        for path in _files(Path(source).expanduser(), recurse=True):
            pair = _pair_in(path) if path.suffix in (".nk", ".creds") else None
            if pair is not None:
                session.keys.save(pair)
            _remember_newest(path, newest)
    all_claims = list(newest.values())
    found = [c for c, _ in all_claims if isinstance(c, jwt.OperatorClaims)]
    if not found:
        raise StoreError("no operator JWT found", "add the directory that has it with --in")
    session.env.config["store_root"] = str(out / "operators")
    for operator in found:
        store = Store.create(out / "operators", new_name(operator.name))
        store.save_operator(newest[operator.sub][1])
        session.report.ok(f'operator "{operator.name}"')
        for account, token in all_claims:
            if isinstance(account, jwt.AccountClaims) and operator.did_sign(account):
                _fix_account(session, store, account, token, all_claims, options.creds)
    session.report.ok(f"rebuilt {out}: use env --store {out / 'operators'}")


def _remember_newest(path: Path, newest: dict[str, tuple[jwt.Claims, str]]) -> None:
    if path.suffix not in (".jwt", ".creds"):
        return
    try:
        token = load_token(path)
        claims = jwt.decode(token)
    except (StoreError, jwt.JwtError):
        return
    if claims.sub not in newest or newest[claims.sub][0].iat < claims.iat:
        newest[claims.sub] = (claims, token)


def _fix_account(
    session: Session, store: Store, account: jwt.AccountClaims, token: str,
    all_claims: list[tuple[jwt.Claims, str]], creds: bool,
) -> None:  # fmt: skip
    from pynats_common.creds import encode_creds

    name = new_name(account.name)
    store.save_account(name, token)
    session.report.ok(f'account "{name}"')
    for user, user_token in all_claims:
        if not (isinstance(user, jwt.UserClaims) and account.did_sign(user)):
            continue
        user_name = new_name(user.name)
        store.save_user(name, user_name, user_token)
        session.report.ok(f'user "{user_name}"')
        pair = session.keys.get(user.sub)
        if creds and pair is not None:
            path = session.keys.creds_path(store.name, name, user_name)
            write_atomic(path, encode_creds(user_token, pair))


@dataclass
class Migrate(Options):
    url: Annotated[Text, opt("--url", "-u", help="account JWT file")] = ""
    operator_dir: Annotated[Text, opt("--operator-dir", help="store of the other operator")] = ""
    force: Annotated[bool, opt("--force", "-F", help="replace existing accounts")] = False


def migrate(session: Session, options: Migrate) -> None:
    """Copies accounts and users from another operator's store; this operator signs them."""
    if not options.operator_dir:
        import_account(
            session, ImportAccount(file=options.url, overwrite=options.force, force=options.force)
        )
        return
    source = Path(options.operator_dir).expanduser()
    if source.name not in operators(source.parent):
        raise StoreError(f"{source} is not an operator's directory")
    other, store = Store(source), session.store()
    for name in other.accounts():
        if name in store.accounts() and not options.force:
            raise StoreError(f'account "{name}" already exists', "use --force to replace it")
    for name in other.accounts():
        session.save_account(other.account(name), name)
        for user in other.users(name):
            text = load_token(other.user_path(name, user))
            parse_claims(jwt.UserClaims, text, user)
            store.save_user(name, user, text)
        session.report.ok(f'migrated account "{name}"')
