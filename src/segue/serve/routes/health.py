"""Whether the service runs, whether it can answer, and what it has done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from segue.serve.answers import json_response
from segue.serve.schemas_answers import HealthOut, ReadyOut
from segue.serve.serving import Serving, serving

__all__ = ["router"]

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Whether the process runs")
async def healthz() -> HealthOut:
    """Always 200 while the process answers at all."""
    return HealthOut(status="ok")


@router.get("/readyz", summary="Whether requests can be answered", response_model=ReadyOut)
async def readyz(app: Annotated[Serving, Depends(serving)]) -> Response:
    """200 with the model's fingerprint; ``problem`` says why newer models on disk are not used, if so."""
    current = app.current
    return json_response(
        {
            "status": "ready",
            "model": {"fingerprint": current.engine.model.fingerprint},
            "generation": current.generation,
            "problem": "newer models on disk cannot be used; the service's log says why" if current.problem else None,
        }
    )


@router.get("/metrics", summary="Counts and durations in Prometheus' text format", response_class=Response)
async def metrics(app: Annotated[Serving, Depends(serving)]) -> Response:
    """For a Prometheus server."""
    content, media_type = app.measures.text()
    return Response(content, media_type=media_type)
