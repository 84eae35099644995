"""The naive service: how the published system goes into production in an afternoon.

    python benchmarks/serve_naive.py LIBRARY VECTORS --port 8801

FastAPI; sentence-transformers encodes each title; numpy compares it with the vector of every playlist (not of every
distinct title); the 50 nearest playlists vote with a Counter. One process, as ``uvicorn app:app`` starts it. It gives
no reasons, knows no rules, and answers 66 tracks with name and artist. The rows are compared with argpartition, not
sorted, and everything lies in memory: an afternoon's work, but not a careless one.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

__all__ = ["create_app"]

_PLAYLISTS = 50
_TRACKS = 66


class Asked(BaseModel):
    """A title."""

    title: str


def create_app(library_folder: Path, vectors_file: Path) -> Any:
    from fastapi import FastAPI
    from sentence_transformers import SentenceTransformer

    from segue.encode.locate import base_model_folder
    from segue.library import Library

    library = Library.load(library_folder)
    ids, names, artists = (library.tracks[name].to_list() for name in ("track_id", "name", "artist"))
    indptr, indices = library.playlist_tracks.indptr, np.array(library.playlist_tracks.indices)
    encoder = SentenceTransformer(str(base_model_folder()), device="cpu")
    if vectors_file.exists():
        vectors = np.load(vectors_file)
    else:
        vectors = encoder.encode(library.titles, normalize_embeddings=True, show_progress_bar=False)
    app = FastAPI()

    @app.get("/readyz")
    def ready() -> dict[str, int]:
        return {"playlists": len(vectors)}

    @app.post("/v1/recommend")
    def recommend(asked: Asked) -> dict[str, Any]:
        vector = encoder.encode(asked.title, normalize_embeddings=True, show_progress_bar=False)
        cosines = vectors @ vector
        nearest = np.argpartition(-cosines, min(_PLAYLISTS, len(cosines) - 1))[:_PLAYLISTS]
        votes: Counter[int] = Counter()
        for playlist in nearest.tolist():
            votes.update(set(indices[indptr[playlist] : indptr[playlist + 1]].tolist()))
        best = votes.most_common(_TRACKS)
        return {
            "tracks": [
                {"track_id": ids[row], "name": names[row], "artist": artists[row], "votes": n} for row, n in best
            ]
        }

    return app


if __name__ == "__main__":
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--port", type=int, default=8801)
    args = parser.parse_args()
    uvicorn.run(create_app(args.library, args.vectors), port=args.port, log_level="warning", access_log=False)
