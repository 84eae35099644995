"""The command line: one module per command; whatever is heavy is imported inside the command."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run ``segue`` with the process's arguments and leave the process with its exit code."""
    import os
    import sys

    from segue.cli.app import app

    try:
        try:
            app(prog_name="segue")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # the reader (head, less) has gone; what is still buffered has nowhere to go either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
