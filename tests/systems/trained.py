"""What the tests of this area share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.library import Library
from segue.systems.builds import TrainSettings
from segue.systems.model import Model
from segue.systems.title_vote import Grid
from segue.train.votes import VoteTraining

QUICK = TrainSettings(
    vote=VoteTraining(epochs=3),
    grid=Grid(temper=(0.8,), pretrained=(0.2,), smoothing=(0.5,), ridge=(0.3, 0.0), queries=60),
)


@dataclass(frozen=True)
class Trained:
    library: Library
    path: Path
    manifest: dict[str, Any]
    model: Model
