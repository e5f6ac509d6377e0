"""Servers as they speak of themselves: requests and reports (`system`), checks, audits, live views,
events, and their configuration files."""
