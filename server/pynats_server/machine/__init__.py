"""What this process may use of its machine: processors and memory, as its control groups say."""
