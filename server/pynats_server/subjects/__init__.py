"""Rewriting subjects: `transform`, for mappings, streams, republishing. Any room may import it."""
