"""`python -m pynats_cli`."""

from pynats_cli.entry import main

if __name__ == "__main__":
    main()
