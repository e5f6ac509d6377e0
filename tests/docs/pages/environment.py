"""docs/reference/environment.md: variables that the programs read, and where their files are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pynats_cli.global_options import GLOBAL_FLAGS
from pynats_common.commandline.declare import parameters
from pynsc.cli import TlsOptions

from tests.docs.pages.markdown import MADE, code, filled, prose, table

SOURCES: Final = Path(__file__).parents[3]
PROGRAMS: Final = ("common", "server", "tools", "bench")
HEAD: Final = f"""# Environment and files

{MADE}
A flag wins over a variable, and a variable over the selected context.

"""
# What is not the variable of a flag: which program reads it, and what for.
VARIABLES: Final[dict[str, tuple[str, str]]] = {
    "NATS_TABLE_FORMAT": ("pynats", "how tables are drawn: `md`, `csv`, `tsv`; else with lines"),
    "LLMFORMAT": ("pynats", "`1`: tables as Markdown, no colours, no live screens"),
    "NO_COLOR": ("all", "set to anything: no colours"),
    "TERM": ("all", "`dumb`: no menus, no live screens"),
    "COLORFGBG": ("pynats-top", "whether the terminal is light, as some tell it"),
    "EDITOR": ("pynats", "the editor of `edit` commands"),
    "VISUAL": ("pynats", "the same, when there is no `EDITOR`"),
    "SOURCE_DATE_EPOCH": ("pynats", "date of the page that `--help-man` makes"),
    "TESTING": ("pynats", "`true`: information in columns is JSON, as in the original"),
    "PASSWORD": ("pynats", "`server passwd --pass`: the password to hash"),
    "NSC_HOME": ("pynsc", "folder of `nsc.json`"),
    "NKEYS_PATH": ("pynsc, pynats auth", "folder of the keys"),
    "NSC_CWD_ONLY": ("pynsc", "set: operator and account come from the current folder only"),
    "NSC_NO_GIT_IGNORE": ("pynsc", "set: no `.gitignore` beside keys"),
    "XDG_CONFIG_HOME": ("all tools", "where configurations are; default `~/.config`"),
    "XDG_DATA_HOME": ("all tools", "where data is; default `~/.local/share`"),
    "TZ": ("all", "the time zone; of schedules that name none, too"),
    "NOTIFY_SOCKET": ("pynats-server", "where a service manager hears how it is: sd_notify(3)"),
    "WATCHDOG_USEC": ("pynats-server", "how often the service manager wants to hear of it"),
    "WATCHDOG_PID": ("pynats-server", "of which process"),
    "PYNATS_TLS_ENGINE": (
        "pynats-server",
        "what does TLS: `cryptography`, `interpreter` or `python`; for comparisons",
    ),
}
FILES: Final = (
    ("`$XDG_CONFIG_HOME/nats/context/NAME.json`", "pynats, pynats-top", "contexts"),
    ("`$XDG_CONFIG_HOME/nats/context.txt`", "pynats", "the selected one"),
    ("`$XDG_CONFIG_HOME/nats/nsc/nsc.json`", "pynsc", "which operator and account are selected"),
    ("`$XDG_CONFIG_HOME/nats/cli/config.json`", "pynats auth", "which operator is selected"),
    ("`$XDG_DATA_HOME/nats/cli/plugins/`", "pynats", "plugins that are registered"),
    ("`$XDG_DATA_HOME/nats/nsc/stores/`", "pynsc, pynats auth", "JWTs, by operator"),
    ("`$XDG_DATA_HOME/nats/nsc/keys/`", "pynsc, pynats auth", "seeds and creds"),
    ("`~/.nsc`, `~/.nkeys`", "pynsc", "the same of older releases, where only these exist"),
    ("`STORE_DIR/jetstream/`", "pynats-server", "streams and consumers; without `store_dir` below "
     "the temporary folder, with a warning"),
    ("`STORE_DIR/jetstream/ACCOUNT/streams/STREAM/quarantine/`", "pynats-server", "damaged blocks"),
    ("`resolver.dir`", "pynats-server", "JWTs of accounts, with a resolver of type full or cache"),
    ("`ocsp_cache.local_store`", "pynats-server", "what authorities said of certificates"),
    ("`pid_file`, `ports_file_dir`, `log_file`", "pynats-server", "nowhere unless configured"),
)  # fmt: skip


def page() -> str:
    """The page."""
    rows = [(code(f"${name}"), programs, prose(text)) for name, programs, text in _variables()]
    given = filled(
        "Configuration files may use any variable: `$NAME` is replaced by its text, as if that "
        "were in the file. References to credentials in contexts may name one, too (`env://NAME`). "
        "Of operators that `pynsc add operator --url NAME` is to find, `$NSC_NAME_OPERATOR` is the "
        "address. `pynats reply --command` gives its command `$NATS_REQUEST_SUBJECT` and "
        "`$NATS_REQUEST_BODY`; plugins get the global flags as the variables that stand for them."
    )
    files = ((what, who, prose(text)) for what, who, text in FILES)
    about = filled(
        "`$XDG_CONFIG_HOME` is `~/.config` and `$XDG_DATA_HOME` is `~/.local/share` unless the "
        "variables are set; on macOS and Windows, too. Files with secrets are their owner's only "
        "(0600)."
    )
    return (
        f"{HEAD}## Variables\n\n{table(('variable', 'program', 'meaning'), rows)}\n{given}"
        f"## Files\n\n{about}{table(('where', 'program', 'what'), files)}"
    )


def _variables() -> list[tuple[str, str, str]]:
    found = {name: (programs, text) for name, (programs, text) in VARIABLES.items()}
    for flag in GLOBAL_FLAGS:
        if flag.env:
            found[flag.env] = (", ".join(_readers(flag.env)), f"`--{flag.name}`: {flag.help}")
    return [(name, *found[name]) for name in sorted(found)]


def _readers(variable: str) -> list[str]:
    nsc = {item.declared.env for item in parameters(TlsOptions)} | {"NATS_CA"}
    return ["pynats", "pynsc"] if variable in nsc else ["pynats"]


READ = re.compile(
    r"""environb?(?:\.get\(|\.pop\(|\[)\s*["']([A-Z_]+)["']|\benv=["']([A-Z_]+)["']"""
)


def variables_read() -> set[str]:
    """Names of variables in the programs' sources."""
    found = {"PYNATS_TLS_ENGINE", *(flag.env for flag in GLOBAL_FLAGS if flag.env)}
    for folder in PROGRAMS:
        for file in (SOURCES / folder).rglob("*.py"):
            found |= {one or two for one, two in READ.findall(file.read_text("utf-8"))}
    return found
