"""The command line tools, run as their users run them."""
