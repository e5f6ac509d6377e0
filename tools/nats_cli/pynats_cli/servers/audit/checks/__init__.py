"""The checks of an archive, by what they look at; `pynats_cli.servers.audit.catalog` has their table."""
