"""Themes of playlists, and a title encoder of one's own: the published pipeline, small.

    python examples/themes_and_finetuning.py

The playlists are synthetic and few, so the figures say nothing; what is shown is how the parts go together.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import segue
from segue.encode.ngrams import NgramEncoder
from segue.sources.demo import write
from segue.systems.recipe_score import RecipeScore
from segue.systems.themes import ThemeSettings, make_themes
from segue.systems.title_encoder import tune
from segue.train.settings import preset


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "slices", 400)
        library = segue.read_mpd(Path(folder) / "slices")
        split = segue.holdout(library)

        # playlists -> clusters of the training part -> which of them agree on a title -> 80/10/10 inside each
        texts = NgramEncoder.fitted([name for name in library.tracks["name"].to_list() if name])
        themes = make_themes(library, Path(folder) / "themes", ThemeSettings(k=8, n_init=1), texts)
        print(f"{themes.n_classes} of {themes.k} clusters are themes:", ", ".join(themes.names[:4]), "...")

        # titles -> their clusters; the encoder stays, one linear map behind it is learnt: seconds on one core
        settings = preset("fast", "cross_entropy").changed(method="adapter", epochs=2, lr=1e-3)
        tuned = tune(library, settings=settings, themes=themes)
    for epoch in tuned.trained.history[1:]:
        print(f"epoch {epoch.epoch}: loss {epoch.train_loss:.3f}, NDCG@500 {epoch.validation_metric:.3f}")

    score = RecipeScore.of(library, split.train, split.validation)
    pretrained = segue.SentenceEncoder.open(segue.base_model_folder())
    print(f"the plain recipe: {score.mean(pretrained):.3f} before, {score.mean(tuned.model):.3f} after")


if __name__ == "__main__":
    main()
