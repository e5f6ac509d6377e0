"""What rewrites subjects: `transform`, for mappings, streams, republishing. Anybody may call it."""
