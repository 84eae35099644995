"""Every error as problem details: those of the app, of the framework, and those that nobody expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from segue.errors import InputError, MissingDependency, OutputError, SegueError, StoredDataError
from segue.library.names import one_line
from segue.serve.log import LOGGER
from segue.serve.problems import Problem, problem_json

__all__ = ["install", "problem_response"]

_MOST_ERRORS = 20


def install(app: FastAPI) -> None:
    """Have an app tell every error as problem+json."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(SegueError, _segue_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """The answer that a problem becomes."""
    body = msgspec.json.encode(problem_json(status, detail, **more))
    return Response(body, status, dict(headers or {}), "application/problem+json")


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.detail, error.headers)


async def _segue_error(request: Request, error: Exception) -> Response:
    """Where a sentence may name folders of the machine it goes into the log, and the client is told less."""
    match error:
        case InputError():
            return problem_response(422, one_line(str(error)))
        case MissingDependency():
            return problem_response(501, str(error))
        case StoredDataError():
            detail = "what is stored cannot be read; the service's log says what to do"
        case OutputError():
            detail = "this cannot be stored now; the service's log says why"
        case _:
            detail = "this cannot be done now; the service's log says why"
    LOGGER.error("%s", one_line(str(error)), extra={"fields": {"id": _id(request)}})
    return problem_response(503, detail, {"Retry-After": "60"})


async def _http_exception(request: Request, error: Exception) -> Response:
    """Of the framework: no such path, no such method."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            detail = "there is no such path; /openapi.json lists those that there are"
        case 405:
            detail = "this path knows other methods; the header Allow lists them"
        case _:
            detail = one_line(str(error.detail), 500)
    return problem_response(error.status_code, detail, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    """A request that does not fit its schema: where and why, never what was sent."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem_response(400, "the body is not JSON")
    # keys of the body are the client's own words
    errors = [
        {"where": one_line(".".join(map(str, one["loc"])), 200), "what": one_line(str(one["msg"]), 300)}
        for one in found[:_MOST_ERRORS]
    ]
    first = f"{errors[0]['where']}: {errors[0]['what']}" if errors else "the request does not fit"
    return problem_response(422, first, errors=errors)


async def _unexpected(request: Request, error: Exception) -> Response:
    """The guard has it logged."""
    return problem_response(500, f"something went wrong here; the log says more under {_id(request)}")


def _id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
