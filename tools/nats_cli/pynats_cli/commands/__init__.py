"""One module per command (or command group); `pynats_cli.app` imports them on use."""
