"""What is typed and drawn: names that do not exist (`suggest`), values that stay as they are
(`plainvalues`), and the widths of a drawn table's columns (`tables`)."""
