"""``segue tune``: an encoder tuned for search on queries, grades, clicks, or metadata alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from segue.library import Library
    from segue.systems.search_pairs import SearchPairs

__all__ = ["tune"]


def tune(
    library: Annotated[Path, typer.Argument(metavar="LIBRARY", help="Library folder.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Encoder folder to write.", show_default=False)],
    method: Annotated[
        Literal["lora", "full", "map"],
        typer.Option(
            "--method",
            help="Low-rank changes of the encoder (LoRA), all of its weights, or a linear map of queries in a search "
            "model (seconds instead of hours).",
        ),
    ] = "lora",
    search: Annotated[
        Path | None,
        typer.Option("-m", "--model", help="Search model whose queries '--method map' maps.", show_default=False),
    ] = None,
    queries: Annotated[
        list[Path] | None,
        typer.Option("--queries", help="Queries with the playlist each is about, from 'segue queries'; repeatable."),
    ] = None,
    grades: Annotated[
        list[Path] | None,
        typer.Option("--grades", help="Grades of a labeler, from 'segue grade'; repeatable."),
    ] = None,
    clicks: Annotated[
        list[Path] | None,
        typer.Option("--clicks", help="Logs of searches (query, playlist_id, clicked, time); repeatable."),
    ] = None,
    pairs: Annotated[
        Literal["phrases", "metadata", "both", "none"],
        typer.Option(
            "--pairs",
            help="What is made without a model: phrases of words of like playlists' titles and artists; or metadata, "
            "titles with like playlists' texts and their own artists.",
        ),
    ] = "phrases",
    measured: Annotated[
        list[Path] | None,
        typer.Option("--without", help="Queries that an evaluation will ask: no pair that holds one is trained on."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Tune with LoRA and with all weights, and set them side by side.")
    ] = False,
    similarity: Annotated[
        Path | None,
        typer.Option(
            "--similarity",
            help="CSV of text_a,text_b[,score] that tells what is forgotten; without it random pairs of the "
            "library's own texts do, which is no test of general similarity.",
            show_default=False,
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model", help="Encoder to start from, as for 'segue train'.", show_default="all-MiniLM-L6-v2"
        ),
    ] = None,
    rank: Annotated[int, typer.Option("--rank", min=1, help="Of LoRA.")] = 16,
    alpha: Annotated[
        int | None,
        typer.Option(
            "--alpha", min=1, help="Of LoRA: its change counts ALPHA / RANK times.", show_default="twice the rank"
        ),
    ] = None,
    targets: Annotated[
        str,
        typer.Option("--targets", help="Linear layers that LoRA changes: query,key,value,dense.", show_default="all"),
    ] = "",
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="At most.")] = 3,
    batch_size: Annotated[int, typer.Option("--batch-size", min=2, help="Pairs a step.")] = 64,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate.", show_default="1e-3, full 5e-5")] = None,
    max_pairs: Annotated[
        int, typer.Option("--max-pairs", min=2, help="Of each source more are drawn; an epoch takes hours else.")
    ] = 20_000,
    max_length: Annotated[int, typer.Option("--max-length", min=3, help="Tokens of a text that are read.")] = 64,
    hard_negatives: Annotated[
        int, typer.Option("--hard-negatives", min=0, help="Texts of grade 0 that a query brings along.")
    ] = 1,
    everything: Annotated[
        bool, typer.Option("--all", help="Learn from test playlists too: to ship, not to measure.")
    ] = False,
    rng_key: Annotated[int, typer.Option("--rng-key", min=0, help="Key of the random draws.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of torch.")] = 1,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget the checkpoints of a tuning that stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the encoder's manifest as JSON.")] = False,
) -> None:
    """Tune the encoder of searches on pairs of a query and a playlist.

    Without queries or grades it learns from metadata alone: titles, artists, shared tracks. Some 14 pairs a
    CPU-second. A tuning that was stopped goes on when the same command is run again. Descriptions of makers are never
    learnt from, since search is measured with them.

    [dim]segue tune library -o encoders/search[/]

    [dim]segue tune library --queries queries.jsonl --grades grades.jsonl -o encoders/search[/]

    [dim]segue tune library --compare -o encoders/search[/] also writes encoders/search-full

    [dim]segue index library -o search --encoder encoders/search[/]

    [dim]segue tune library --method map -m search -o search-tuned[/] learns how queries are read, from phrases
    """
    import json
    from dataclasses import replace

    from segue.cli.terminal import plain, progress, say, size_of
    from segue.encode.bundle import KIND
    from segue.enrich.review import accepted
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.systems.search_drift import read_similar
    from segue.systems.search_encoder import checkpoints_of, tune_search_encoder
    from segue.systems.search_tuning_report import compared, said
    from segue.train.graded import GradedSettings

    if method == "map":
        _map(library, search, out, queries or [], everything, rng_key, threads)
        return
    base = GradedSettings(
        method=method,
        lora_rank=rank,
        lora_alpha=alpha,
        lora_targets=tuple(part.strip() for part in targets.split(",") if part.strip()),
        epochs=epochs,
        batch_size=batch_size,
        lr=_rate(method, lr),
        max_length=max_length,
        hard_negatives=hard_negatives,
        rng_key=rng_key,
        threads=threads,
    )
    check_place(out, KIND)
    similar = None if similarity is None else read_similar(similarity)
    read = accepted(Library.load(library))
    found = _pairs(
        read,
        queries=queries or [],
        grades=grades or [],
        clicks=clicks or [],
        measured=measured or [],
        metadata=pairs in ("metadata", "both"),
        phrased=pairs in ("phrases", "both"),
        max_pairs=max_pairs,
        everything=everything,
        rng_key=rng_key,
    )
    for name, n in found.sources.items():
        say(f"{n:,} training pairs from {name}")
    for reason, n in found.left_out.items():
        say(f"left out: {n:,} {reason}")
    jobs = [(method, out)]
    if compare:
        other: Literal["lora", "full"] = "full" if method == "lora" else "lora"
        jobs.append((other, out.with_name(f"{out.name}-{other}")))
    manifests = []
    for chosen, place in jobs:
        if checkpoints_of(place).is_dir() and not restart:
            say(f"going on with the tuning in {checkpoints_of(place)}")
        with progress() as report:
            manifest = tune_search_encoder(
                read,
                found,
                place,
                settings=replace(base, method=chosen, lr=_rate(chosen, lr)),
                base_model=base_model,
                similar=similar,
                restart=restart,
                progress=report,
            )
        manifests.append(manifest)
        for line in said(manifest):
            say(line)
        say(f"wrote {place} ({size_of(place)}, fingerprint {manifest['fingerprint']})")
    if as_json:
        print(json.dumps(manifests if compare else manifests[0], indent=2))
    elif compare:
        print(compared(manifests))
    say(f"next: segue index {plain(str(library))} -o search --encoder {plain(str(out))}")


def _map(
    library: Path, search: Path | None, out: Path, queries: list[Path], everything: bool, rng_key: int, threads: int
) -> None:
    """A search model with maps, beside the one it came from or in its place."""
    from segue.cli.terminal import progress, say, size_of
    from segue.enrich.review import accepted, accepted_lines
    from segue.errors import InputError
    from segue.library import Library
    from segue.library.folders import check_place
    from segue.library.searching import SearchQuery
    from segue.systems.search_map import training_queries, with_query_maps
    from segue.systems.search_model import KIND, SearchModel
    from segue.train.query_map import MapSettings

    if search is None:
        raise InputError("--method map needs the search model whose queries it maps; give it with -m")
    check_place(out, KIND)
    read, model = accepted(Library.load(library)), SearchModel.open(search)
    given = [one for file in queries for one in accepted_lines(file, SearchQuery)]
    with progress() as report:
        asked = training_queries(read, given, each=2, everything=everything, rng_key=rng_key)
        settings = MapSettings(rng_key=rng_key, threads=threads)
        mapped = with_query_maps(model, read, asked, settings=settings, progress=report)
    mapped.save(out)
    made = ", ".join(sorted({query.by for query in asked}))
    say(f"learnt from {len(asked):,} queries by {made}; wrote {out} ({size_of(out)})")


def _rate(method: str, lr: float | None) -> float:
    return lr if lr is not None else 1e-3 if method == "lora" else 5e-5


def _pairs(
    library: Library,
    *,
    queries: list[Path],
    grades: list[Path],
    clicks: list[Path],
    measured: list[Path],
    metadata: bool,
    phrased: bool,
    max_pairs: int,
    everything: bool,
    rng_key: int,
) -> SearchPairs:
    from segue.cli.terminal import say
    from segue.enrich.review import Rejections, accepted_lines, rejections_beside
    from segue.library.searching import Graded, SearchQuery, read_lines
    from segue.systems.search_pairs import clicked_pairs, search_pairs

    logged, left_out = clicked_pairs(library, clicks, everything=everything) if clicks else (None, {})
    for reason, n in left_out.items():
        say(f"left out: {n:,} {reason}")
    # a query that somebody rejected takes its grades along
    rejected = Rejections()
    for file in queries:
        rejected |= rejections_beside(file)
    return search_pairs(
        library,
        queries=[one for file in queries for one in accepted_lines(file, SearchQuery)],
        grades=[one for file in grades for one in accepted_lines(file, Graded, also=rejected)],
        clicks=logged,
        metadata=metadata,
        phrased=phrased,
        max_pairs=max_pairs,
        measured={one.query for file in measured for one in read_lines(file, SearchQuery)},
        everything=everything,
        rng_key=rng_key,
    )
