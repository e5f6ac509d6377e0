"""The checks of an archive, by what they look at; `audit.catalog` has their table."""
