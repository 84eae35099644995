"""What a language model is, what it is asked and answers, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from segue.errors import SegueError

__all__ = [
    "Completion",
    "InvalidReply",
    "LanguageModel",
    "LanguageModelError",
    "Message",
    "Prices",
    "Temporary",
    "TooLong",
    "Usage",
]

Schema = TypeVar("Schema", bound=BaseModel)
Schema_co = TypeVar("Schema_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or several calls."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens, in whatever currency the budget is given in."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, usage: Usage) -> float:
        """What a usage costs.

        >>> Prices(prompt=1.0, completion=10.0).cost(Usage(500_000, 100_000))
        1.5
        """
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / 1e6


@dataclass(frozen=True, slots=True)
class Completion(Generic[Schema_co]):
    """A reply that fits the schema.

    Args:
        value: the validated object. raw: the reply as it came, the last one where it had to be asked for again.
        usage: tokens of all calls that it took. cost: of them; None where the model has no prices.
        model: :attr:`LanguageModel.name`. prompt: version of the prompt, as in "describe-1".
        cached: whether it was remembered instead of asked for.
    """

    value: Schema_co
    raw: str
    usage: Usage
    cost: float | None
    model: str
    prompt: str = ""
    cached: bool = False


@runtime_checkable
class LanguageModel(Protocol):
    """Messages and a schema -> a validated object.

    May be called from several threads at once.
    """

    @property
    def name(self) -> str:
        """Kind and model, as in "ollama:llama3.2"; part of cache keys, and of the mark on whatever it writes."""
        ...

    @property
    def prices(self) -> Prices | None:
        """None where nothing is known; a local model costs nothing."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        schema: type[Schema],
        *,
        prompt: str = "",
        temperature: float = 0.0,
        max_tokens: int = 1024,
    ) -> Completion[Schema]:
        """Ask once, and once more to repair a reply that does not fit.

        Args:
            prompt: version of the prompt that the messages come from.

        Raises:
            InvalidReply: what came does not fit the schema, also after repair.
            Temporary: no answer now (429, 5xx, no connection, no answer in time); asking later may help.
            TooLong: the prompt does not fit the model; nothing was sent.
            LanguageModelError: the model cannot be used: a wrong key, an unknown name, a refused request.
        """
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of a prompt: exact where the tokenizer is at hand, else a guess from above."""
        ...


class LanguageModelError(SegueError):
    """A language model that cannot be used, or did not answer as it should.

    ``usage`` is what was paid for all the same: calls that were answered before the one that was not.
    """

    usage: Usage = Usage()


class TooLong(LanguageModelError):
    """A prompt that does not fit into the model's context; nothing was sent."""


class InvalidReply(LanguageModelError):
    """A reply that does not fit its schema, also after repair.

    Args:
        raw: what came. usage: what it cost all the same.
    """

    def __init__(self, reason: str, *, raw: str = "", usage: Usage | None = None) -> None:
        self.raw, self.usage = raw, usage or Usage()
        super().__init__(reason)


class Temporary(LanguageModelError):
    """No answer now.

    Args:
        after: seconds that the server asks to wait; None where it says nothing.
    """

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)
