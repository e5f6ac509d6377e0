"""What `--help` and `--help_tls` print."""

USAGE = """\
Usage: {program} [options]

Server
    -a, --addr, --net <host>         Address to listen on (default 0.0.0.0)
    -p, --port <port>                Port for clients (default 4222, -1 = any free one)
    -n, --name
        --server_name <name>         Name of this server (default: its generated id)
    -P, --pid <file>                 Write the process id to this file
    -m, --http_port <port>           Port for monitoring over HTTP
    -ms,--https_port <port>          Port for monitoring over HTTPS
    -c, --config <file>              Configuration file (NATS format, or TOML if named *.toml)
    -t                               Check the configuration file and exit
    -sl,--signal <signal>[=<pid>]    Signal a running server: ldm, stop, quit, term, reopen, reload
                                     <pid> is a process id, a pid file, or a pattern such as 12*
        --client_advertise <addr>    Address that clients are told to use
        --ports_file_dir <dir>       Write <program>_<pid>.ports with all addresses in use there

Logging
    -l, --log <file>                 Log to a file instead of the terminal
    -T, --logtime                    Time stamps on log lines (default true)
        --logtime_utc                Time stamps in UTC
    -s, --syslog                     Log to syslog
    -r, --remote_syslog <addr>       Log to a syslog server (udp://localhost:514)
    -D, --debug                      Log what helps debugging
    -V, --trace                      Log the protocol
    -VV                              Log the protocol, the system account's too
    -DV                              -D and -V
    -DVV                             -D and -VV
        --log_size_limit <bytes>     Start a new log file at this size (default: never)
        --max_traced_msg_len <len>   Show at most so many bytes of a payload (default: all)

JetStream
    -js, --jetstream                 Turn JetStream on
    -sd, --store_dir <dir>           Directory for its files

Authorization
        --user <user>                User name that clients must give
        --pass <password>            Password that clients must give
        --auth <token>               Token that clients must give

TLS
        --tls                        Require TLS; client certificates are not checked
        --tlscert <file>             Certificate of the server
        --tlskey <file>              Private key of that certificate
        --tlsverify                  Require TLS and a valid client certificate
        --tlscacert <file>           Authority that client certificates are checked against

Cluster
        --routes <url,url...>        Servers of the cluster to connect to
        --cluster <url>              Address for routes from other servers
        --cluster_name <name>        Name of the cluster (default: generated)
        --no_advertise <bool>        Keep the addresses of the cluster from clients
        --cluster_advertise <addr>   Address that other servers are told to use
        --connect_retries <number>   Attempts to reach a server learned from others
        --cluster_listen <url>       The same as --cluster

Profiling
        --profile <port>             Port for profiles over HTTP

Common
    -h, --help                       Show this text
    -v, --version                    Show the version
        --help_tls                   Show help on TLS
"""

TLS_HELP = """\
TLS is configured by the --tls options or by a block in the configuration file:

    tls {{
        cert_file: "server-cert.pem"    certificate of the server
        key_file:  "server-key.pem"     its private key
        ca_file:   "ca.pem"             authority for client certificates
        verify:    true                 require and check client certificates
        timeout:   2                    seconds for the handshake
    }}

This version of {program} does not offer TLS yet and refuses these settings.
"""
