"""``segue review``: how good written texts are, which people should look at, and what they said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from segue.enrich.quality import Quality
    from segue.enrich.review import Rejections, Verdict

__all__ = ["review"]

_KINDS = {
    "playlist": "descriptions of playlists",
    "track": "summaries of tracks",
    "query": "queries",
    "grade": "grades",
}


def review(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="LIBRARY|FILE",
            help="Library folder, or a file of queries or grades (JSON lines).",
            show_default=False,
        ),
    ],
    report: Annotated[
        bool, typer.Option("--report", help="Say how good the texts are; this is done without other options.")
    ] = False,
    queue: Annotated[
        int | None,
        typer.Option("--queue", min=1, metavar="N", help="Write the N worst texts to -o.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.csv", help="Sheet to write.", show_default=False)
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option("--take", metavar="FILE.csv", help="Read the verdicts of a sheet.", show_default=False),
    ] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Texts that the report shows.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Review what was written: descriptions and summaries of a library, or queries and grades.

    The report counts near-duplicates, variety (distinct-n) and claims that the tracks do not support. In a sheet,
    people write accept or reject into the column verdict. What is rejected is left out everywhere, also when the same
    text is written again; verdicts lie in the library, or beside the file.

    [dim]segue review library[/]

    [dim]segue review library --queue 100 -o queue.csv[/]

    [dim]segue review library --take queue.csv[/]

    [dim]segue review queries.jsonl --queue 50 -o queue.csv[/]
    """
    from segue.cli.terminal import counted, say
    from segue.errors import InputError
    from segue.library.arrays import write_bytes

    if (queue is None) != (out is None):
        raise InputError("--queue N and -o FILE.csv go together; give both")
    if take is not None:
        if queue is not None:
            raise InputError("--take reads a sheet and --queue writes one; do one after the other")
        _take(target, take)
    if queue is not None and out is not None:
        from segue.enrich.review_sheet import queue as waiting
        from segue.enrich.review_sheet import review_sheet

        found, rejections = _judged(target)
        texts = waiting([text for quality in found.values() for text in quality.texts], rejections, queue)
        write_bytes(out, review_sheet(texts).encode("utf-8-sig"))
        say(f"wrote {counted(len(texts), 'text')} to {out}; write accept or reject into the column verdict, then run")
        say(f"segue review {target} --take {out}")
    if report or json or (queue is None and take is None):
        _report(target, worst, as_json=json)


def _judged(target: Path) -> tuple[dict[str, Quality], Rejections]:
    """Quality by kind, and the verdicts so far."""
    from segue.cli.terminal import say
    from segue.enrich.quality import lines_quality, playlist_quality, track_quality
    from segue.enrich.review import rejections_beside, rejections_of
    from segue.library import Library

    if target.is_dir():
        library = Library.load(target)
        say("looking at the texts")
        found = {"playlist": playlist_quality(library), "track": track_quality(library)}
        return {kind: quality for kind, quality in found.items() if quality.texts}, rejections_of(library)
    from segue.library.searching import SearchQuery

    lines, kind = _lines(target)
    return {"query" if kind is SearchQuery else "grade": lines_quality(lines)}, rejections_beside(target)


def _lines(path: Path) -> tuple[list[Any], Any]:
    """The lines of a file and what they are.

    Raises:
        SourceError: neither queries nor grades.
    """
    from segue.errors import SourceError
    from segue.library.searching import Graded, SearchQuery, read_lines

    try:
        return read_lines(path, SearchQuery), SearchQuery
    except SourceError as queries:
        try:
            return read_lines(path, Graded), Graded
        except SourceError as grades:
            deeper = grades if "no Graded" not in str(grades) else queries
            raise SourceError(
                f"is neither a library nor a file of queries or grades: {deeper.reason}",
                path=path,
                position=deeper.position,
            ) from grades


def _take(target: Path, sheet: Path) -> None:
    from segue.cli.terminal import counted, say
    from segue.enrich.review import add_verdicts, rejections_of, with_verdicts
    from segue.enrich.review_sheet import read_sheet
    from segue.errors import InputError
    from segue.library import Library
    from segue.library.folders import locked

    verdicts = read_sheet(sheet)
    if not verdicts:
        raise InputError(f"{sheet} holds no verdict; write accept or reject into the column verdict")
    if target.is_dir():
        kinds: tuple[str, ...] = ("playlist", "track")
        _same_kind(verdicts, kinds, target, sheet)
        with locked(target, lambda: say(f"waiting for another process that changes {target}")):
            library = Library.load(target)
            there = {*library.playlists["playlist_id"], *library.tracks["track_id"]}
            changed = with_verdicts(library, verdicts)
            changed.save(target)
        unknown = sum(verdict.id not in there for verdict in verdicts)
        together = rejections_of(changed)
        if unknown:
            say(f"{counted(unknown, 'verdict')} on playlists or tracks that the library does not have")
    else:
        _, kind = _lines(target)
        _same_kind(verdicts, ("query",) if kind.__name__ == "SearchQuery" else ("grade",), target, sheet)
        together = add_verdicts(target, verdicts)
    rejected = sum(verdict.verdict == "reject" for verdict in verdicts)
    every = sum(verdict.verdict == "reject" for verdict in together.verdicts.values())
    say(
        f"took {counted(len(verdicts), 'verdict')}, {rejected:,} of them rejections; "
        f"{counted(every, 'rejected text')} in all"
    )


def _same_kind(verdicts: list[Verdict], kinds: tuple[str, ...], target: Path, sheet: Path) -> None:
    from segue.errors import InputError

    for verdict in verdicts:
        if verdict.kind not in kinds:
            raise InputError(f"{sheet} is about {_KINDS[verdict.kind]}, which {target} does not hold")


def _report(target: Path, worst: int, *, as_json: bool) -> None:
    from segue.cli.terminal import plain
    from segue.enrich.quality import problems
    from segue.errors import InputError

    found, rejections = _judged(target)
    rejected = sum(verdict.verdict == "reject" for verdict in rejections.verdicts.values())
    reviewed = {"verdicts": len(rejections.verdicts), "rejected": rejected}
    if as_json:
        import msgspec

        told: dict[str, Any] = {kind: quality.to_json() for kind, quality in found.items()}
        print(msgspec.json.format(msgspec.json.encode({**told, "review": reviewed}), indent=2).decode())
        return
    if not found and not reviewed["verdicts"]:
        raise InputError(f"{target} holds nothing that was written; see 'segue describe' and 'segue summarise'")
    for kind, quality in found.items():
        for line in lines(kind, quality.to_json()):
            print(plain(line))
        for text in quality.worst[:worst]:
            if text.badness:
                print(plain(f"  {text.id} ({text.about[:60]}): {problems(text)}: {text.text[:160]}"))
    print(f"looked at by people: {reviewed['verdicts']:,}, rejected: {rejected:,}")


def lines(kind: str, told: dict[str, Any]) -> list[str]:
    """A report in words.

    >>> lines("query", {"texts": 0, "by": {}})
    ['queries: none']
    """
    name = _KINDS[kind]
    if not told["texts"]:
        return [f"{name}: none"]
    by = ", ".join(f"{who or 'unknown'} {n:,}" for who, n in told["by"].items())
    said = [
        f"{name}: {told['texts']:,} ({by}), {told['words']:.1f} words on average",
        f"  variety: distinct-1 {told['distinct_1']:.3f}, distinct-2 {told['distinct_2']:.3f}",
        f"  near-duplicates {told['near_duplicates']:,}, too short {told['too_short']:,}, "
        f"quoting lyrics {told['quotes_lyrics']:,}, with unsupported claims {told['with_unsupported_claims']:,}",
    ]
    for claim, support in told["claims"].items():
        if sum(support.values()):
            said.append(
                f"  claims of {claim}s: {support['yes']:,} supported, {support['no']:,} not, "
                f"{support['unknown']:,} that the tracks' metadata cannot tell"
            )
    return said
