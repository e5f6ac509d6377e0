"""JetStream over its JSON API: requests (`api`) and acknowledgements of publishes (`acks`)."""
