"""The start page: links to all endpoints."""

from __future__ import annotations

from html import escape

from pynats_server.version import PYNATS_VERSION, VERSION

LINKS = (
    ("General", "varz"),
    ("Connections", "connz"),
    ("Subscriptions", "subsz"),
    ("Accounts", "accountz"),
    ("Account statistics", "accstatz"),
    ("JetStream", "jsz"),
    ("Routes", "routez"),
    ("Gateways", "gatewayz"),
    ("Leaf nodes", "leafz"),
    ("Health", "healthz"),
    ("Prometheus metrics", "metrics"),
    ("Stacks", "stacksz"),
    ("Variables", "debug/vars"),
)
DASHBOARD = ("Dashboard", "ui")
_STYLE = "body{font:16px/1.7 system-ui,sans-serif;margin:2rem}a{text-decoration:none}"


def page(server_name: str, base_path: str, has_ui: bool) -> bytes:
    """The page as HTML; `base_path` is `http_base_path` without a trailing slash."""
    links = (DASHBOARD, *LINKS) if has_ui else LINKS
    rows = "\n".join(
        f'<li><a href="{escape(base_path)}/{path}">{title} <code>/{path}</code></a></li>'
        for title, path in links
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(server_name)}</title><style>{_STYLE}</style></head>
<body>
<h1>pynats-server {PYNATS_VERSION}</h1>
<p>{escape(server_name)}, protocol level of nats-server v{VERSION}</p>
<ul>
{rows}
</ul>
</body>
</html>
""".encode()
