"""From playlists to a list for a title, in the smallest number of steps.

    python examples/quickstart.py ["a title"]

The playlists are the bundled synthetic ones; give `segue.read_mpd` a folder of your own instead. The recipe "ngrams"
compares titles by their letters: it needs no model file and learns in a second. "title_vote" is the one to use.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import segue
from segue.sources.demo import write


def main(title: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        slices, model = Path(folder) / "slices", Path(folder) / "model"
        write(slices, 1_000)
        library = segue.read_mpd(slices)
        print(f"{library.n_playlists:,} synthetic playlists, {library.n_tracks:,} tracks")

        segue.train_model(library, model, recipe="ngrams")
        answer = segue.load_model(model).answer(segue.Request(title=title))

        print(f"\n{title}")
        for line in answer.tracks[:10]:
            print(f"{line.rank:3}  {line.track.name} - {line.track.artist}")
        for sentence in answer.ignored:
            print(sentence)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "90s rock road trip")
