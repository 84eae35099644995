from __future__ import annotations

import sys
from pathlib import Path

# importmode=importlib puts no folder of tests on the path; the planted library is shared by the files beside it
sys.path.insert(0, str(Path(__file__).parent))
