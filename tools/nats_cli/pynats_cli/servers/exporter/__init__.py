"""Checks as a page for Prometheus: their configuration (`config`), what kinds there are (`kinds`),
running them (`collecting`), and the page's server (`web`)."""
