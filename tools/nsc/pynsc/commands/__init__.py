"""One module per verb; each command takes an options dataclass and fills in a report."""
