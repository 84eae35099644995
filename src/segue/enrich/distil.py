"""Descriptions that people and large models wrote -> a small model that writes them, as a folder of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, Literal

import polars as pl

from segue.enrich.review import rejections_of
from segue.errors import InputError
from segue.library import Library
from segue.library.arrays import read_json, write_json
from segue.library.folders import check_place, locked, new_folder
from segue.library.manifests import checked_manifest
from segue.library.names import one_line
from segue.library.tables import OPTIONAL_PLAYLIST_COLUMNS
from segue.split.holdout import part_of
from segue.train.seq2seq import Seq2SeqSettings, Seq2SeqTrained, TextPairs, train_seq2seq
from segue.train.seq2seq_model import Writer

__all__ = ["KIND", "DescriptionPairs", "DistilledDescriber", "Origin", "description_pairs", "distil", "source_text"]

KIND = "segue distilled describer"
FORMAT_VERSION = 1
FIRST_TRACKS = 15
Origin = Literal["people", "model", "extractive"]
Progress = Callable[[int, int, str], None]
_STAND_IN = "extractive"
_OURS = ("written", "written_by")
_TAG = re.compile(r"<[^<>]{0,300}>")
_RADIO = re.compile(r"\bradio\s*$", re.IGNORECASE)
_LEAST_WORDS = 3
_MOST = 400  # characters of a name or a description


@dataclass(frozen=True, eq=False)
class DescriptionPairs:
    """Playlists with a description that may be learnt from.

    Args:
        rows: of the playlists. sources, targets: what is read and what shall be written.
        origins: who wrote each target. parts: 0 test, 1 validation, others training, by the playlist's id.
    """

    rows: tuple[int, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    origins: tuple[Origin, ...]
    parts: tuple[int, ...]

    def of_part(self, part: Literal["train", "validation", "test"]) -> TextPairs:
        """The pairs of one part; what only a program wrote never tests, for it is no reference."""
        chosen = [i for i in range(len(self.rows)) if self._in(i, part)]
        return TextPairs(tuple(self.sources[i] for i in chosen), tuple(self.targets[i] for i in chosen))

    def rows_of(self, part: Literal["train", "validation", "test"]) -> list[int]:
        """Playlist rows of one part, in the order of :meth:`of_part`."""
        return [self.rows[i] for i in range(len(self.rows)) if self._in(i, part)]

    def _in(self, i: int, part: str) -> bool:
        found = "test" if self.parts[i] == 0 else "validation" if self.parts[i] == 1 else "train"
        return found == part and (part == "train" or self.origins[i] == "people")


def source_text(title: str, tracks: Sequence[tuple[str, str]]) -> str:
    """What the small model reads of a playlist: its title and its first tracks, as (name, artist).

    >>> source_text("Rainy day", [("Blue", "A"), ("", "B")])
    'Describe the playlist "Rainy day" with the tracks: Blue by A; B'
    """
    named = [
        " by ".join(part for part in (one_line(name, 100), one_line(artist, 100)) if part) for name, artist in tracks
    ]
    return f'Describe the playlist "{one_line(title, 200)}" with the tracks: ' + "; ".join(n for n in named if n)


def sources_of(library: Library, rows: Sequence[int]) -> list[str]:
    """:func:`source_text` of playlists, with their first 15 tracks."""
    names, artists = (library.tracks[c].fill_null("") for c in ("name", "artist"))
    found = []
    for row in rows:
        first = library.playlist_tracks.row(row)[:FIRST_TRACKS].tolist()
        found.append(source_text(library.titles[row], list(zip(names[first], artists[first], strict=True))))
    return found


def description_pairs(library: Library, origins: Sequence[Origin] = ("people", "model")) -> DescriptionPairs:
    """Playlists whose description may be learnt from: what people wrote, else what a model wrote and nobody rejected.

    Tags are taken out of what people wrote; fewer than three words, and lists of names that a radio generates
    ("With A, B and more"), are left out.

    Args:
        origins: whose texts are taken. "extractive", the stand-in's, only where it is named.
    """
    described = library.playlists["description"].fill_null("").to_list()
    if "written" in library.playlists.columns:
        written = library.playlists["written"].fill_null("").to_list()
        by = library.playlists["written_by"].fill_null("").to_list()
    else:
        written = by = [""] * library.n_playlists
    ids = library.playlists["playlist_id"].to_list()
    rejections = rejections_of(library)
    rows, targets, whose = [], [], []
    for row in range(library.n_playlists):
        human = _clean(described[row])
        generated = _RADIO.search(library.titles[row]) and human.lower().startswith("with ")
        origin: Origin = "extractive" if by[row].startswith(_STAND_IN) else "model"
        if "people" in origins and len(human.split()) >= _LEAST_WORDS and not generated:
            target, origin = human, "people"
        elif origin in origins and not rejections.rejects("playlist", ids[row], written[row]):
            target = _clean(written[row])
        else:
            continue
        if len(target.split()) >= _LEAST_WORDS and len(library.playlist_tracks.row(row)):
            rows.append(row)
            targets.append(target)
            whose.append(origin)
    parts = tuple(part_of(ids[row]) for row in rows)
    return DescriptionPairs(tuple(rows), tuple(sources_of(library, rows)), tuple(targets), tuple(whose), parts)


def _clean(text: str) -> str:
    return one_line(" ".join(unescape(_TAG.sub(" ", text[:4_000])).split()), _MOST)


@dataclass(frozen=True, eq=False)
class DistilledDescriber:
    """A small model that writes descriptions.

    Args:
        manifest: where it came from.
    """

    writer: Writer = field(repr=False)
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """What goes into ``written_by``."""
        return f"distilled:{self.manifest['fingerprint']}"

    @classmethod
    def open(cls, folder: Path) -> DistilledDescriber:
        """Open a folder that :func:`distil` wrote.

        Raises:
            StoredDataError: it is none, damaged, or of a newer format; the message names the file.
        """
        manifest = checked_manifest(
            folder, KIND, FORMAT_VERSION, stranger="describes no distilled model", again="distil again"
        )
        limits = {k: int(manifest["settings"][k]) for k in ("most_source", "most_target")}
        return cls(Writer.open(folder / "model", **limits), manifest)

    def describe(
        self, library: Library, rows: Sequence[int], progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """A description for each of the given playlists; one without tracks has an empty one."""
        there = [row for row in rows if len(library.playlist_tracks.row(row))]
        made = dict(zip(there, self.writer.write(sources_of(library, there), progress=progress), strict=True))
        return [one_line(made.get(row, ""), _MOST) for row in rows]

    def applied(
        self,
        library: Library,
        *,
        again: bool = False,
        rows: Sequence[int] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Library, int]:
        """The library with ``written`` and ``written_by`` of its playlists, and how many were written.

        Playlists that have a written text keep it unless ``again``.
        """
        had = set(library.playlists.columns)
        columns = {
            name: library.playlists[name].clone() if name in had else pl.Series(name, [None] * n, pl.String)
            for n in (library.n_playlists,)
            for name in OPTIONAL_PLAYLIST_COLUMNS
            if name in had or name in _OURS
        }
        there = columns["written"].fill_null("").to_list()
        wanted = [r for r in (range(library.n_playlists) if rows is None else rows) if again or not there[r]]
        made = dict(zip(wanted, self.describe(library, wanted, progress), strict=True))
        full = [row for row in wanted if made[row]]
        said = {"written": [made[row] for row in full], "written_by": [self.name] * len(full)}
        # themes and genres that another writer found do not belong to this text
        new = [
            series.scatter(full, pl.Series(said.get(name, [None] * len(full)), dtype=pl.String))
            for name, series in columns.items()
        ]
        return library.with_playlist_columns(pl.DataFrame(new)), len(full)


def distil(
    library: Library,
    base: Path,
    out: Path,
    *,
    origins: Sequence[Origin] = ("people", "model"),
    settings: Seq2SeqSettings | None = None,
    restart: bool = False,
    progress: Progress | None = None,
) -> tuple[DistilledDescriber, DescriptionPairs]:
    """Fine-tune a small model on a library's descriptions and write its folder, atomically.

    A training that was killed goes on when the same call is made again.

    Args:
        base: any Hugging Face sequence-to-sequence folder with safetensors.

    Raises:
        InputError: no playlist has a description of these origins. TrainingError, StoredDataError, OutputError,
            MissingDependency: as :func:`~segue.train.seq2seq.train_seq2seq` and folders have them.
    """
    settings = settings or Seq2SeqSettings()
    check_place(out, KIND)
    pairs = description_pairs(library, origins)
    train = pairs.of_part("train")
    if not len(train):
        raise InputError(
            f"no training playlist has a description by {' or '.join(origins)}; ingest playlists with descriptions, "
            "or write some with 'segue describe --lm'"
        )
    with locked(out, lambda: progress(0, 1, "waiting for another training of this model") if progress else None):
        checkpoints = out.with_name(f"{out.name}.training")
        if restart:
            shutil.rmtree(checkpoints, ignore_errors=True)
        trained = train_seq2seq(
            base, train, pairs.of_part("validation"), settings, checkpoints=checkpoints, progress=progress
        )
        _write(out, trained, base, pairs, settings, library)
        shutil.rmtree(checkpoints, ignore_errors=True)
    return DistilledDescriber.open(out), pairs


def _write(
    out: Path,
    trained: Seq2SeqTrained,
    base: Path,
    pairs: DescriptionPairs,
    settings: Seq2SeqSettings,
    library: Library,
) -> None:
    origins = {o: sum(x == o for x in pairs.origins) for o in dict.fromkeys(pairs.origins)}
    with new_folder(out, kind=KIND) as folder:
        mark = trained.writer.fingerprint
        trained.writer.save(folder / "model", folder / "adapter")
        for file in folder.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors writes for its owner alone
        write_json(
            folder / "manifest.json",
            {
                "kind": KIND,
                "format_version": FORMAT_VERSION,
                "fingerprint": mark,
                "base": {"name": one_line(base.name, 80), "licence": _licence(base)},
                "settings": settings.to_json(),
                "library": library.fingerprint,
                "pairs": {part: len(pairs.of_part(part)) for part in ("train", "validation", "test")},
                "origins": origins,
                "parameters": trained.parameters,
                "trainable": trained.trainable,
                "history": [asdict(e) for e in trained.history],
                "best_epoch": trained.best,
            },
        )


def _licence(base: Path) -> str:
    """The licence that the base model's configuration names, where it does."""
    config = read_json(base / "config.json")
    found = config.get("license") if isinstance(config, dict) else None
    return one_line(str(found), 60) if found else "unknown"
