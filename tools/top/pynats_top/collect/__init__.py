"""Where polls come from: the monitoring port, the system account, a record; one after the other."""
