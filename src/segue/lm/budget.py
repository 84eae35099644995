"""What a job may cost at most."""

from __future__ import annotations

from dataclasses import dataclass

from segue.errors import InputError
from segue.lm.base import Prices, Usage

__all__ = ["Budget", "worst_case"]

_REPAIR = 400  # tokens of the sentence that asks for a repair, with what was wrong


def worst_case(prompt_tokens: int, max_tokens: int, schema_tokens: int = 0) -> Usage:
    """What one call may use: a reply as long as it may be, sent back once to be repaired by another such reply.

    The schema goes along with both, and the sentence that asks for the repair says it once more.

    >>> worst_case(1_000, 100)
    Usage(prompt_tokens=2500, completion_tokens=200)
    >>> worst_case(1_000, 100, 50)
    Usage(prompt_tokens=2650, completion_tokens=200)
    """
    return Usage(2 * prompt_tokens + 3 * schema_tokens + max_tokens + _REPAIR, 2 * max_tokens)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a job; None for no limit.

    No call is begun that could go beyond: what it may use at worst is reserved before it. So a job ends below its
    budget, as far as prompts are counted rightly (:meth:`segue.lm.base.LanguageModel.count_tokens`) and servers keep
    to the length of replies that they were told.

    Args:
        tokens: of prompts and replies together. money: in the currency of the prices.
    """

    tokens: int | None = None
    money: float | None = None

    def __post_init__(self) -> None:
        if (self.tokens is not None and self.tokens < 0) or (self.money is not None and not self.money >= 0):
            raise InputError("a budget cannot be below zero")

    def check(self, prices: Prices | None) -> None:
        """Refuse a budget in money where nobody knows what a token costs.

        Raises:
            InputError: that is so.
        """
        if self.money is not None and prices is None:
            raise InputError(
                "a budget in money needs the model's prices; set prompt_price and completion_price (for a million "
                "tokens) under [language_model] in segue.toml, or give a budget in tokens"
            )

    def refuses(self, spent: Usage, next_call: Usage, prices: Prices | None) -> str | None:
        """Why a call may not be begun; None where it may.

        Args:
            spent: used and reserved so far. next_call: what it may use.
        """
        if self.tokens is not None and spent.tokens + next_call.tokens > self.tokens:
            return (
                f"the budget is {self.tokens:,} tokens, {spent.tokens:,} are used, and the next call may take "
                f"{next_call.tokens:,}"
            )
        if self.money is not None and prices is not None:
            used, more = prices.cost(spent), prices.cost(next_call)
            if used + more > self.money:
                return f"the budget is {self.money:.4g}, {used:.4g} is spent, and the next call may cost {more:.4g}"
        return None

    def less(self, usage: Usage, prices: Prices | None) -> Budget:
        """What is left after a usage; for a command that runs several jobs on one budget."""
        tokens = None if self.tokens is None else max(self.tokens - usage.tokens, 0)
        money = None if self.money is None else max(self.money - (prices.cost(usage) if prices else 0.0), 0.0)
        return Budget(tokens, money)
