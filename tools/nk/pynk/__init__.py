"""The `nk` tool (make, sign and verify with NKeys) in Python."""
