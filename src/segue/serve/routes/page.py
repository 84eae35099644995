"""The page: one document, and what it loads, all of it from here."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

__all__ = ["PAGE", "router", "static_files"]

PAGE = Path(__file__).parent.parent / "page"
router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/p/{token}")
async def page() -> FileResponse:
    """The page; a shared playlist has an address of its own."""
    return FileResponse(
        PAGE / "index.html", media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


def static_files() -> StaticFiles:
    """Scripts and styles under ``/static``; asked for again each time, and answered with 304 if unchanged."""

    class Fresh(StaticFiles):
        def file_response(self, *args: object, **more: object):  # type: ignore[no-untyped-def]
            response = super().file_response(*args, **more)  # type: ignore[arg-type]
            response.headers["Cache-Control"] = "no-cache"
            return response

    return Fresh(directory=PAGE, check_dir=False)
