"""Configuration of one server: by itself, or as a leaf node."""

from __future__ import annotations

from pynats_cli.servers.bundles.bundle import Bundle

_JETSTREAM = [
    {"name": "jetstream", "description": "Enable JetStream", "type": "bool", "default": True},
    {"name": "store_dir", "description": "Directory of JetStream's data", "default": "data",
     "conditional": "input.jetstream == true"},
]  # fmt: skip
_SERVER = """\
server_name: {{ quote .name }}
listen: {{ quote .listen }}
{{- if .monitor_port }}
http_port: {{ .monitor_port }}
{{- end }}
{{- if .jetstream }}

jetstream {
  store_dir: {{ quote .store_dir }}
}
{{- end }}
{{- if .password }}

accounts {
  APP {
{{- if .jetstream }}
    jetstream: enabled
{{- end }}
    users: [ { user: app, password: {{ quote .password }} } ]
  }
  SYS {
    users: [ { user: admin, password: {{ quote .password }} } ]
  }
}
system_account: SYS
{{- end }}
"""
_LEAF = """\
server_name: {{ quote .name }}
listen: {{ quote .listen }}
{{- if .jetstream }}

jetstream {
  store_dir: {{ quote .store_dir }}
  domain: {{ quote .domain }}
}
{{- end }}

leafnodes {
  remotes: [
    {
      url: {{ quote .url }}
{{- if .credentials }}
      credentials: {{ quote .credentials }}
{{- end }}
    }
  ]
}
"""
_CLOUD = """\
# Clients connect here; what they do not find goes on to Synadia Cloud.
listen: "0.0.0.0:{{ .port }}"
{{- if .monitor_port }}
http_port: {{ .monitor_port }}
{{- end }}
{{- if .jetstream }}

jetstream {
  store_dir: {{ quote .store_dir }}
}
{{- end }}

leafnodes {
  remotes: [
    {
      url: "tls://connect.ngs.global"
      credentials: {{ quote .credentials }}
    }
  ]
}
"""

SINGLE: dict[str, Bundle] = {
    "server": Bundle(
        description="One server, with JetStream and a system account if wanted",
        files={"scaffold/server.conf": _SERVER},
        form={"properties": [
            {"name": "name", "description": "Name of the server", "default": "n1",
             "required": True},
            {"name": "listen", "description": "Address for clients", "default": "127.0.0.1:4222",
             "required": True},
            {"name": "monitor_port", "description": "Port for monitoring, 0 for none",
             "type": "integer", "default": 0},
            *_JETSTREAM,
            {"name": "password", "type": "password",
             "description": "Password of the users app and admin; empty for no log-in"},
        ]},
    ),
    "leafnode": Bundle(
        description="A leaf node of another system",
        files={"scaffold/leafnode.conf": _LEAF},
        form={"properties": [
            {"name": "name", "description": "Name of the server", "default": "leaf",
             "required": True},
            {"name": "listen", "description": "Address for clients", "default": "127.0.0.1:4222",
             "required": True},
            {"name": "url", "description": "Address of the other system", "required": True},
            {"name": "credentials", "description": "Credentials file; empty for none"},
            *_JETSTREAM,
            {"name": "domain", "description": "JetStream domain of the leaf node",
             "default": "LEAF", "conditional": "input.jetstream == true"},
        ]},
    ),
    "synadia-cloud": Bundle(
        description="A leaf node of Synadia Cloud",
        files={"scaffold/leafnode.conf": _CLOUD},
        after='Keep your credentials in "{{ .credentials }}", then: '
        "nats-server --config leafnode.conf",
        form={"properties": [
            {"name": "port", "description": "Port for clients", "type": "integer",
             "default": 4222, "required": True},
            {"name": "monitor_port", "description": "Port for monitoring, 0 for none",
             "type": "integer", "default": 0},
            {"name": "jetstream", "description": "Enable JetStream", "type": "bool",
             "default": False},
            {"name": "store_dir", "description": "Directory of JetStream's data",
             "default": "data", "conditional": "input.jetstream == true"},
            {"name": "credentials", "description": "Credentials file of Synadia Cloud",
             "default": "ngs.creds", "required": True},
        ]},
    ),
}  # fmt: skip
