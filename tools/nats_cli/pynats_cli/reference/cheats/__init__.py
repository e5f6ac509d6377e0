"""Examples by topic: one text file each, as the program `cheat` reads them."""
