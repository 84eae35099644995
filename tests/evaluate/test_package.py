from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
{before}
import numpy as np
import segue
run = segue.Run("r", {{"q": np.array([1], np.int32)}})
print(segue.evaluate(run, segue.Qrels({{"q": np.array([1], np.int32)}}), ["ndcg@500"]))
assert "torch" not in sys.modules and "matplotlib" not in sys.modules and "rich" not in sys.modules
"""


@pytest.mark.parametrize("before", ["", "import segue.evaluate", "from segue.evaluate.lists import lift"])
def test_evaluate_can_be_called_whatever_was_imported_before_and_stays_light(before: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'ndcg@500': 1.0}"
