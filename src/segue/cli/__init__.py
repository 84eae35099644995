"""The command line: one module per command; whatever is heavy is imported inside the command."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run ``segue`` with the process's arguments and leave the process with its exit code."""
    import errno
    import os
    import signal
    import sys
    from types import FrameType

    if sys.stdout is None:  # closed by whoever called; the next file to be opened would take its place
        print("segue: there is no standard output; send it to a file or to /dev/null", file=sys.stderr)
        sys.exit(2)
    from segue.cli.app import app

    def end(number: int, _: FrameType | None) -> None:
        """Leave through every ``with`` and ``finally``, so that nothing half-made stays; a second signal kills."""
        signal.signal(number, signal.SIG_DFL)
        sys.exit(128 + number)

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)
    said = False
    try:
        try:
            app(prog_name="segue")
        except SystemExit as ended:
            said = bool(ended.code)
            raise
        finally:
            sys.stdout.flush()
    except OSError as error:
        gone = isinstance(error, BrokenPipeError)  # the reader (head, less), which is no mistake
        if not gone and error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF):
            raise
        # what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not gone and not said:
            print(f"segue: cannot write the output: {error.strerror or error}", file=sys.stderr)
        sys.exit(141 if gone else 2)
