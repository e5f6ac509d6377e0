"""Subject mappings: `reading` of the notation, and `renaming` of subjects, plain and slow."""
