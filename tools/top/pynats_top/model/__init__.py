"""What the answers of servers say, as figures: plain data and functions, without any I/O."""
