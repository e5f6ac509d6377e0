"""The `nsc` tool (operators, accounts, users) in Python."""
