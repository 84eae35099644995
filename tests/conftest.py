"""Settings for every test: no network, no deadline on a shared machine, the same examples each time."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
settings.register_profile("segue", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("segue")
