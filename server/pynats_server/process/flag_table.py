"""The flags of `pynats-server`, spelled as the real server spells them: one row each."""

from __future__ import annotations

from pynats_common.go.flags import Kind
from pynats_common.records import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `path` is the option it sets, "" if `flags` handles it. `value` names its value in
    `--help`; `help` is needed only if no setting with that path describes it.
    A flag with `later` belongs to a part that does not exist yet: refused unless its value turns
    the part off."""

    names: tuple[str, ...]
    kind: Kind
    path: str = ""
    value: str = ""
    help: str = ""
    later: bool = False

    @property
    def spelled(self) -> list[str]:
        """The names with their dashes, as typed."""
        return [f"-{n}" if len(n) < 3 or n.isupper() else f"--{n}" for n in self.names]


# In the order of `--help`, under its titles.
SECTIONS: dict[str, tuple[Flag, ...]] = {
    "Server": (
        Flag(("a", "addr", "net"), "str", "host", "host"),
        Flag(("p", "port"), "int", "port", "port"),
        Flag(("n", "name", "server_name"), "str", "server_name", "name"),
        Flag(("P", "pid"), "str", "pid_file", "file"),
        Flag(("m", "http_port"), "int", "http_port", "port"),
        Flag(("ms", "https_port"), "int", "https_port", "port"),
        Flag(("http_ui",), "bool", "http_ui"),
        Flag(
            ("c", "config"),
            "str",
            value="file",
            help="configuration file (NATS format, or TOML if named *.toml)",
        ),
        Flag(("t",), "bool", help="check the configuration file and exit"),
        Flag(
            ("sl", "signal"),
            "str",
            value="signal[=pid]",
            help="signal a running server: ldm, stop, quit, term, reopen, reload; "
            "pid is a process id, a PID file, or a pattern such as 12*",
        ),
        Flag(("client_advertise",), "str", "client_advertise", "address"),
        Flag(("ports_file_dir",), "str", "ports_file_dir", "dir"),
    ),
    "Logging": (
        Flag(("l", "log"), "str", "log.log_file", "file"),
        Flag(("T", "logtime"), "bool", "log.logtime"),
        Flag(("logtime_utc",), "bool", "log.logtime_utc"),
        Flag(("s", "syslog"), "bool", "log.syslog"),
        Flag(("r", "remote_syslog"), "str", "log.remote_syslog", "address"),
        Flag(("D", "debug"), "bool", "log.debug"),
        Flag(("V", "trace"), "bool", "log.trace"),
        Flag(("VV",), "bool", help="log the protocol, the system account's too"),
        Flag(("DV",), "bool", help="-D and -V"),
        Flag(("DVV",), "bool", help="-D and -VV"),
        Flag(("log_size_limit",), "int", "log.log_size_limit", "bytes"),
        Flag(("max_traced_msg_len",), "int", "log.max_traced_msg_len", "bytes"),
    ),
    "JetStream": (
        Flag(("js", "jetstream"), "bool", "jetstream.enabled", help="switch JetStream on"),
        Flag(("sd", "store_dir"), "str", "jetstream.store_dir", "dir"),
    ),
    "Authorization": (
        Flag(("user",), "str", "authorization.user", "user"),
        Flag(("pass",), "str", "authorization.password", "password"),
        Flag(("auth",), "str", "authorization.token", "token"),
    ),
    "TLS": (
        Flag(("tls",), "bool", help="require TLS, without client certificates"),
        Flag(("tlscert",), "str", value="file", help="certificate of the server"),
        Flag(("tlskey",), "str", value="file", help="private key of it"),
        Flag(("tlsverify",), "bool", help="require TLS and client certificates"),
        Flag(
            ("tlscacert",),
            "str",
            value="file",
            help="authority that client certificates are checked against",
        ),
    ),
    "Cluster": (
        Flag(("routes",), "str", value="url,...", help="servers to connect to", later=True),
        Flag(
            ("cluster", "cluster_listen"),
            "str",
            value="url",
            help="address for routes from other servers",
            later=True,
        ),
        Flag(("cluster_name",), "str", value="name", help="name of the cluster", later=True),
        Flag(
            ("no_advertise",),
            "bool",
            help="keep the addresses of the cluster from clients",
            later=True,
        ),
        Flag(
            ("cluster_advertise",),
            "str",
            value="address",
            help="address that other servers are told to use",
            later=True,
        ),
        Flag(
            ("connect_retries",),
            "int",
            value="number",
            help="attempts to reach a server learned from others",
            later=True,
        ),
    ),
    "Profiling": (
        Flag(("profile",), "int", value="port", help="port for profiles over HTTP", later=True),
    ),
    "Common": (
        Flag(("h", "help"), "bool", help="show this text"),
        Flag(("v", "version"), "bool", help="show the version"),
        Flag(("help_tls",), "bool", help="show help on TLS"),
    ),
}
FLAGS: tuple[Flag, ...] = tuple(flag for flags in SECTIONS.values() for flag in flags)
