"""Playlists found by words: describe, index, search, and grade what was found. No language model is needed.

    python examples/search_playlists.py

Recordings are real, playlists are synthetic, texts and grades come from plainly named stand-ins.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from segue.encode.ngrams import NgramEncoder
from segue.enrich.describe import describe, with_written
from segue.enrich.grade import grade
from segue.enrich.queries import write_queries
from segue.sources.demo import write
from segue.sources.ingest import ingest
from segue.systems.search_model import SearchModel
from segue.systems.search_settings import SearchSettings


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "playlists", 120)
        library = ingest([Path(folder) / "playlists"], public=True)

    # a text for each playlist: composed of what is typical of it, or with a language model in place of None
    described = describe(library, None)
    library = with_written(library, described.playlist_ids, described.columns)
    print(f"{library.titles[0]!r}: {library.playlists['written'][0]}")

    # words and vectors, fused; a sentence encoder in place of letters finds what is meant, too
    encoder = NgramEncoder.fitted(library.titles, dimension=128)
    search = SearchModel.build(library, encoder, SearchSettings())
    for found in search.search("calm piano for a rainy evening", 3):
        print(f"  {found.playlist_id} {found.title!r}: {'; '.join(why.sentence() for why in found.why)}")

    # what people could type, and how well the first answers fit: training data for 'segue tune'
    queries = write_queries(library, rows=range(5), styles=("natural",)).queries
    asked = [(one.query, [found.playlist_id for found in search.search(one.query, 3)]) for one in queries]
    for graded in grade(library, asked, about={one.query: one.playlist_id for one in queries}).graded[:4]:
        print(f"  {graded.grade} for {graded.query!r} -> {graded.playlist_id} ({graded.by})")


if __name__ == "__main__":
    main()
