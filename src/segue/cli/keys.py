"""``segue keys``: who may ask a service that wants keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli.options import DataOption, chosen_data

__all__ = ["app"]

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Keys of a service that was started with --keys: add, list, remove.",
)

_Json = Annotated[bool, typer.Option("--json", help="The same as JSON.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.", show_default=False)],
    data: DataOption = None,
    as_json: _Json = False,
) -> None:
    """Make a key and print it. It is printed once: only its hash is kept.

    [dim]segue keys add phone[/]

    [dim]curl -H "Authorization: Bearer $(segue keys add script)" http://127.0.0.1:8765/v1/model[/]
    """
    from segue.cli.terminal import say
    from segue.serve.key_file import add_key

    file = _file(data)
    key, secret = add_key(file, name)
    if as_json:
        import json

        print(json.dumps({"id": key.id, "name": key.name, "created": key.created, "key": secret}, indent=2))
    else:
        print(secret)
    say(f"key {key.id} for {key.name}, in {file}; it is not shown again, and 'segue keys remove {key.id}' ends it")


@app.command("list")
def list_(data: DataOption = None, as_json: _Json = False) -> None:
    """Say which keys there are and on which day each was used last; the keys themselves are not known any more.

    [dim]segue keys list --json[/]
    """
    from segue.cli.terminal import plain, say
    from segue.serve.key_file import read_keys

    file = _file(data)
    keys = read_keys(file)
    if as_json:
        import json

        shown = [{"id": k.id, "name": k.name, "created": k.created, "last_used": k.last_used or None} for k in keys]
        print(json.dumps({"keys": shown}, indent=2))
        return
    if not keys:
        say(f"no keys in {file}; 'segue keys add NAME' makes one")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("id", "name", "created", "last used", box=None, pad_edge=False)
    for key in keys:
        table.add_row(key.id, Text(plain(key.name)), key.created, key.last_used or "never")
    Console().print(table)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="The key's name or id.", show_default=False)],
    data: DataOption = None,
) -> None:
    """Take a key away; a running service refuses it from its next request on.

    [dim]segue keys remove phone[/]
    """
    from segue.cli.terminal import say
    from segue.serve.key_file import remove_key

    key = remove_key(_file(data), name)
    say(f"removed key {key.id} of {key.name}")


def _file(data: Path | None) -> Path:
    from segue.serve.key_file import FILE

    return chosen_data(data) / FILE
