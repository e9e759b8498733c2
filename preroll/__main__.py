"""`python -m preroll` and the `preroll` script."""

from preroll.console import signals


def main() -> None:
    """Runs the command line; what loads before it can be stopped without a traceback."""
    signals.end_at_once()
    from preroll.commands import cli

    cli.main()


if __name__ == "__main__":
    main()
