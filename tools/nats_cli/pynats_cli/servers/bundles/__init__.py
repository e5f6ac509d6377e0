"""Bundles of `server generate`: a form of questions, and templates that become files."""
