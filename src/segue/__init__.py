"""Playlists from words.

A title in, tracks of your own catalogue out, learnt from playlists that people made::

    library = segue.read_mpd("data/")
    vote = segue.Vote.learned(library)
    vote.recommend(segue.Query("rainy sunday"), n=66)

Everything is loaded when it is first used: ``import segue`` costs nothing and needs neither torch nor polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from segue.encode.locate import base_model_folder
    from segue.encode.ngrams import NgramEncoder
    from segue.encode.onnx import OnnxEncoder
    from segue.encode.sentence import SentenceEncoder
    from segue.errors import SegueError
    from segue.evaluate.metrics import evaluate, per_query
    from segue.library import Catalogue, Library, Qrels, Query, Ranking, Recommender, Run, Track
    from segue.protocols.challenge import run_challenge
    from segue.protocols.title import run_title
    from segue.recommend.rules import Rules
    from segue.sources.ingest import ingest
    from segue.sources.playlist_files import read_playlist, write_playlist
    from segue.split.challenge import SCENARIOS, playlist_queries, scenario
    from segue.split.holdout import Split, held_out, holdout
    from segue.systems.builds import train_model, update_model
    from segue.systems.model import Model
    from segue.systems.requests import Request
    from segue.systems.vote import Vote

__all__ = [
    "SCENARIOS",
    "Catalogue",
    "Library",
    "Model",
    "NgramEncoder",
    "OnnxEncoder",
    "Qrels",
    "Query",
    "Ranking",
    "Recommender",
    "Request",
    "Rules",
    "Run",
    "SegueError",
    "SentenceEncoder",
    "Split",
    "Track",
    "Vote",
    "__version__",
    "base_model_folder",
    "evaluate",
    "held_out",
    "holdout",
    "ingest",
    "load_model",
    "per_query",
    "playlist_queries",
    "read_library",
    "read_mpd",
    "read_playlist",
    "run_challenge",
    "run_title",
    "scenario",
    "train_model",
    "update_model",
    "write_playlist",
]

_FROM = {
    "Catalogue": "segue.library",
    "Library": "segue.library",
    "Model": "segue.systems.model",
    "NgramEncoder": "segue.encode.ngrams",
    "OnnxEncoder": "segue.encode.onnx",
    "Qrels": "segue.library",
    "Query": "segue.library",
    "Ranking": "segue.library",
    "Recommender": "segue.library",
    "Request": "segue.systems.requests",
    "Rules": "segue.recommend.rules",
    "Run": "segue.library",
    "SCENARIOS": "segue.split.challenge",
    "SegueError": "segue.errors",
    "SentenceEncoder": "segue.encode.sentence",
    "Split": "segue.split.holdout",
    "Track": "segue.library",
    "Vote": "segue.systems.vote",
    "base_model_folder": "segue.encode.locate",
    "held_out": "segue.split.holdout",
    "holdout": "segue.split.holdout",
    "ingest": "segue.sources.ingest",
    "per_query": "segue.evaluate.metrics",
    "playlist_queries": "segue.split.challenge",
    "read_playlist": "segue.sources.playlist_files",
    "run_challenge": "segue.protocols.challenge",
    "run_title": "segue.protocols.title",
    "scenario": "segue.split.challenge",
    "train_model": "segue.systems.builds",
    "update_model": "segue.systems.builds",
    "write_playlist": "segue.sources.playlist_files",
}


def read_mpd(*sources: str | PathLike[str]) -> Library:
    """Read playlists in the form of the Million Playlist Dataset (folders, slices, .json.gz, a .zip) into a library.

    Other forms are recognised too; :func:`segue.sources.ingest.ingest` has the options.

    Raises:
        SourceError: a file is missing or damaged; the message names it.
    """
    from pathlib import Path

    from segue.sources.ingest import ingest

    return ingest([Path(source) for source in sources])


def read_library(path: str | PathLike[str]) -> Library:
    """Open a library folder that ``segue ingest`` or ``Library.save`` wrote.

    Raises:
        StoredDataError: it is missing, damaged, or of a newer format.
    """
    from pathlib import Path

    from segue.library import Library

    return Library.load(Path(path))


def load_model(path: str | PathLike[str]) -> Model:
    """Open a model folder that ``segue train`` or ``train_model`` wrote.

    Raises:
        StoredDataError: it is missing, damaged, or of a newer format.
    """
    from pathlib import Path

    from segue.systems.model import Model

    return Model.load(Path(path))


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("segue-playlists")
    if name == "evaluate":  # the package, which can be called: importing one of its modules would put it here anyway
        return import_module("segue.evaluate")
    if name in _FROM:
        value = getattr(import_module(_FROM[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'segue' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
