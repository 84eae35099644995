"""The whole API against its own description: no 5xx, no answer that the description does not know.

Schemathesis makes requests that fit the description, others that break it in one place, and those at the edges of
what it allows, for every path and method. The same ones each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from serve.conftest import Served

_CONFIG = {
    "generation": {"deterministic": True, "no-shrink": True},
    "checks": {
        # JSON Schema cannot say that years are the wrong way round or that a track is in no catalogue
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]},
    },
}
_FEW = settings(
    max_examples=4,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_EDGES = 25  # of one operation
_AT_LEAST = 20  # operations of the API: a description that lost its paths tests nothing


def requests_of(schema: Any, operation: Any) -> Iterator[schemathesis.Case]:
    """Requests to one operation: some that fit, some that break it, some at the edges."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        made: list[schemathesis.Case] = []

        @_FEW
        @given(case=operation.as_strategy(mode))
        def draw(case: schemathesis.Case) -> None:
            made.append(case)  # noqa: B023, it is drawn before the next list is made

        try:
            draw()
        except Unsatisfiable:  # nothing can be wrong with a GET that takes nothing
            assert mode is GenerationMode.NEGATIVE and not list(operation.iter_parameters()) and not operation.body
        yield from made
    config = schema.config.generation
    yield from islice(
        schema.iter_coverage_cases(operation, generation_modes=list(GenerationMode), generation_config=config), _EDGES
    )


def test_every_answer_is_one_that_is_described(served: Served) -> None:
    config = SchemathesisConfig.from_dict(_CONFIG)
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=config)
    statuses: dict[str, set[int]] = {}
    failures: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        seen = statuses.setdefault(operation.label, set())
        for case in requests_of(schema, operation):
            try:
                seen.add(case.call_and_validate().status_code)
            except FailureGroup as failure:
                failures.append(f"{operation.label}: {failure}")
    assert not failures, "\n\n".join(failures)
    assert len(statuses) >= _AT_LEAST
    assert not [status for seen in statuses.values() for status in seen if status >= 500]
    # what was asked was not refused throughout
    answered = {label for label, seen in statuses.items() if {200, 201} & seen}
    assert answered >= {
        "POST /v1/recommend", "POST /v1/search", "GET /v1/tracks", "GET /v1/playlists", "POST /v1/playlists",
        "POST /v1/feedback", "GET /v1/model",
    }  # fmt: skip
