"""Which language model: named by one word, as in "ollama:llama3.2", with settings for what a name cannot say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segue.errors import InputError
from segue.lm.base import LanguageModel, Prices

if TYPE_CHECKING:
    from segue.lm.embeddings import EndpointEncoder

__all__ = ["ENDPOINT", "KINDS", "NONE", "LmSettings", "open_encoder", "open_model"]

KINDS = ("openai", "ollama", "local", "replay")
NONE = "none"
ENDPOINT = "endpoint:"
"""How an encoder behind a server is named."""
_OLLAMA_CONTEXT = 8_192


@dataclass(frozen=True)
class LmSettings:
    """What is true of a model besides its name.

    Args:
        model: "KIND:MODEL", or "none". base_url: of an OpenAI-compatible server or of Ollama; without one
            OPENAI_BASE_URL or OLLAMA_HOST says it.
        key_env: environment variable that holds the key; keys are read from nowhere else. One that is named here has
            to be set, to nothing where the server needs no key.
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

    def key(self) -> str | None:
        """What :attr:`key_env` holds; None where the usual variable is not set.

        Raises:
            InputError: another variable was named, and it is not set. The usual one is not taken in its place: its
                key is for somebody else.
        """
        key = os.environ.get(self.key_env)
        if key is None and self.key_env != LmSettings.key_env:
            raise InputError(
                f"{self.key_env} is not set, and segue.toml says that it holds the key; set it, to nothing where "
                "none is needed"
            )
        return key


def open_model(spec: str | None = None, settings: LmSettings | None = None) -> LanguageModel | None:
    """Open the model that is named; None for "none", and where none is named.

    Args:
        spec: "openai:MODEL", "ollama:MODEL", "local:FOLDER", "replay:FILE" ("replay:FILE#MODEL" where it holds
            several models), or "none". Without it SEGUE_LM says it, then the settings.

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
            key=settings.key(),
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

    file, _, named = model.rpartition("#")
    if file and not Path(model).exists():
        return Replay(Path(file), model=named, prices=settings.prices)
    return Replay(Path(model), prices=settings.prices)


def open_encoder(spec: str, settings: LmSettings | None = None) -> EndpointEncoder:
    """Open the encoder behind a server that is named, with the address, key and timeout of the settings.

    Args:
        spec: "endpoint:MODEL". Without an address in the settings OPENAI_BASE_URL says where.

    Raises:
        InputError: it is named otherwise. LanguageModelError, MissingDependency: it cannot be asked.
    """
    settings, spec = settings or LmSettings(), spec.strip()
    model = spec.removeprefix(ENDPOINT)
    if model == spec or not model:
        raise InputError(f"{spec[:80]!r} names no encoder behind a server; name one as {ENDPOINT}MODEL")
    from segue.lm.embeddings import EndpointEncoder

    return EndpointEncoder(model, base_url=settings.base_url, key=settings.key(), timeout=settings.timeout)
