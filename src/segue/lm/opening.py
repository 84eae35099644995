"""Which language model: named by one word, as in "ollama:llama3.2", with settings for what a name cannot say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from segue.errors import InputError
from segue.lm.base import LanguageModel, Prices

__all__ = ["KINDS", "NONE", "LmSettings", "open_model"]

KINDS = ("openai", "ollama", "local", "replay")
NONE = "none"
_OLLAMA_CONTEXT = 8_192


@dataclass(frozen=True)
class LmSettings:
    """What is true of a model besides its name.

    Args:
        model: "KIND:MODEL", or "none". base_url: of an OpenAI-compatible server or of Ollama; without one
            OPENAI_BASE_URL or OLLAMA_HOST says it.
        key_env: environment variable that holds the key; keys are read from nowhere else.
        context: tokens that prompt and reply may have together.
        prompt_price, completion_price: money for a million tokens. timeout: seconds for one answer.
    """

    model: str | None = None
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    context: int | None = None
    prompt_price: float | None = None
    completion_price: float | None = None
    timeout: float = 180.0

    @property
    def prices(self) -> Prices | None:
        """None where nothing is known."""
        if self.prompt_price is None and self.completion_price is None:
            return None
        return Prices(self.prompt_price or 0.0, self.completion_price or 0.0)


def open_model(spec: str | None = None, settings: LmSettings | None = None) -> LanguageModel | None:
    """Open the model that is named; None for "none", and where none is named.

    Args:
        spec: "openai:MODEL", "ollama:MODEL", "local:FOLDER", "replay:FILE", or "none". Without it SEGUE_LM
            says it, then the settings.

    Raises:
        InputError: no such kind. LanguageModelError, StoredDataError, MissingDependency: it cannot be opened.
    """
    settings = settings or LmSettings()
    spec = (spec or os.environ.get("SEGUE_LM", "").strip() or settings.model or NONE).strip()
    if spec == NONE:
        return None
    kind, colon, model = spec.partition(":")
    if not colon or not model or kind not in KINDS:
        kinds = ", ".join(
            f"{name}:{'FILE' if name == 'replay' else 'FOLDER' if name == 'local' else 'MODEL'}" for name in KINDS
        )
        raise InputError(f"there is no language model {spec[:80]!r}; name one as {kinds}, or none")
    if kind == "openai":
        from segue.lm.openai_compatible import OpenAICompatible

        return OpenAICompatible(
            model,
            base_url=settings.base_url,
            key=os.environ.get(settings.key_env),
            prices=settings.prices,
            context=settings.context,
            timeout=settings.timeout,
        )
    if kind == "ollama":
        from segue.lm.ollama import Ollama

        context = settings.context or _OLLAMA_CONTEXT
        return Ollama(model, base_url=settings.base_url, num_ctx=context, timeout=settings.timeout)
    if kind == "local":
        from segue.lm.local import LocalModel

        return LocalModel.open(Path(model), context=settings.context)
    from segue.lm.replay import Replay

    return Replay(Path(model), prices=settings.prices)
