"""The checks of an archive, by what they look at; `pynats_cli.audit.catalog` has their table."""
