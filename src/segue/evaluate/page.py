"""Self-contained pages: no script, no font, no request to anywhere, all text of others escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from segue.evaluate.drawing import Plot
from segue.library.names import one_line

__all__ = ["figures", "page", "safe", "table"]

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
p.quiet, figcaption, td small { color: #666; } td small { white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .86rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #e6e6e6; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
th.text, td.text { text-align: left; }
thead th { border-bottom: 2px solid #bbb; }
tr.reference td { background: #f5f5f5; }
td.better { color: #00664d; font-weight: 600; } td.worse { color: #a33c00; }
figure { margin: 1rem 0 2rem; } svg { max-width: 100%; height: auto; }
details { margin: .6rem 0; } summary { cursor: pointer; font-weight: 600; }
.lists { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.list { border: 1px solid #e6e6e6; border-radius: .5rem; padding: .6rem 1rem; font-size: .86rem; }
.list h3 { margin: .2rem 0; font-size: 1rem; } .list ol { margin: .3rem 0; padding-left: 1.6rem; }
.list h4 { margin: .6rem 0 0; font-weight: 600; color: #666; font-size: .8rem; }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole page around parts that are HTML already; ``title`` is escaped here."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{safe(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def safe(text: str) -> str:
    """Text of others: no markup, no control characters."""
    return escape(one_line(text))


def figures(drawn: Iterable[Plot]) -> list[str]:
    """Plots with their headings and captions."""
    return [
        f"<h2>{safe(heading)}</h2><figure>{svg}<figcaption>{safe(reading)}</figcaption></figure>"
        for heading, reading, svg in drawn
    ]


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, texts: Sequence[int] = ()) -> str:
    """A table of plain cells, each escaped; the first column and those in ``texts`` are aligned to the left."""
    kind = [' class="text"' if place in texts else "" for place in range(len(head))]
    top = "".join(f"<th{mark}>{safe(name)}</th>" for name, mark in zip(head, kind, strict=True))
    cells = ("".join(f"<td{mark}>{safe(str(c))}</td>" for c, mark in zip(row, kind, strict=True)) for row in rows)
    lines = "".join(f"<tr>{line}</tr>" for line in cells)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'
