"""Two trained models on the same held-out playlists: is the second below the first?

``python benchmarks/two_models.py LIBRARY FIRST SECOND -o REPORT``

Both were trained on LIBRARY with ``segue train --hold-out``. The report is that of the title protocol with the first
model as reference; the published recipe with the pretrained encoder is a row, and so are the baselines.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from segue.cli.terminal import progress
from segue.cli.trial import voters
from segue.encode.locate import base_model_folder
from segue.encode.remembered import RememberedEncoder
from segue.encode.sentence import SentenceEncoder
from segue.errors import InputError
from segue.evaluate.significance import not_below
from segue.evaluate.slices import title_slices
from segue.library import Library
from segue.protocols.title import run_title
from segue.recommend.nearest import PublishedRecipe
from segue.systems.model import Model

METRICS = ("ndcg@500", "r_precision", "precision@10")


def main(argv: Sequence[str]) -> None:
    """Ask both, and say whether the second is not below the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args(argv)
    library = Library.load(given.library)
    split = voters(library, "test")
    training = library.select_playlists(split.train)
    models = [Model.load(path) for path in (given.first, given.second)]
    for path, model in zip((given.first, given.second), models, strict=True):
        if not model.manifest["training"].get("hold_out") or model.manifest["library"] != training.fingerprint:
            raise InputError(f"{path} was not trained on this library with --hold-out")
    encoder = RememberedEncoder(SentenceEncoder.open(base_model_folder()))
    first, second = given.first.name, given.second.name
    methods = {
        "published": PublishedRecipe.fitted(training, encoder),
        first: models[0].recommender,
        second: models[1].recommender,
    }
    with progress() as report:
        found = run_title(
            library,
            split,
            methods,
            reference=first,
            encoder=encoder,
            list_methods=[first, second],
            progress=report,
        )
    found.print()
    found.save(given.out)
    slices = title_slices([q.title for q in found.queries], training.titles)
    for name in ("all", "seen titles", "unseen titles"):
        for metric in (*METRICS, *(("content_lift@66",) if name == "unseen titles" else ())):
            values = [found.values[m][metric][slices[name]] for m in (first, second)]
            test = not_below(values[1], values[0])
            verdict = "not below" if test.holds else "NOT SHOWN to be not below"
            print(
                f"{name}, {metric}: {second} - {first} = {test.difference:+.4f}, bound {test.bound:+.4f}: {verdict}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
