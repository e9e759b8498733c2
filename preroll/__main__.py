"""`python -m preroll` and the `preroll` script."""

from preroll.commands.cli import main

if __name__ == "__main__":
    main()
