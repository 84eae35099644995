"""A language model in this process: a Hugging Face folder, causal or sequence-to-sequence, through transformers."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from segue.errors import InputError
from segue.library.names import one_line
from segue.lm.asking import Answered, asked, cleaned, with_schema
from segue.lm.base import Completion, Message, Prices, TooLong, Usage
from segue.lm.folder import open_folder

__all__ = ["LocalModel"]

Schema = TypeVar("Schema", bound=BaseModel)

_CONTEXT = 4_096  # where neither the folder nor the user says it
_LOOKED_AT = 1 << 20  # bytes at either end of a file
_MOST_CONTEXT = 1_000_000  # tokenizers without a limit say 1e30


@dataclass(eq=False)
class LocalModel:
    """A :class:`~segue.lm.base.LanguageModel` whose weights are here. It costs nothing but time.

    Temperature 0 takes the likeliest token each time; above that the draw depends on the prompt alone. One question
    is answered at a time. The schema stands in the prompt; nothing forces the model to keep it, so a small one gives
    many invalid replies, and each is a failure.

    Args:
        name: folder and digest of the weights, as in "local:flan-t5-small-1f3c9a". context: tokens that prompt and
            reply may have together.
    """

    name: str
    context: int
    seq2seq: bool
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, folder: Path, *, context: int | None = None) -> LocalModel:
        """Open a folder.

        Args:
            context: None takes what the folder says, else 4,096.

        Raises:
            InputError: a context below 1. StoredDataError: no such folder, or damaged.
            MissingDependency: transformers is missing.
        """
        if context is not None and context < 1:
            raise InputError(f"a context of {context:,} tokens holds nothing; give more")
        model, tokenizer, seq2seq = open_folder(folder)
        said = [getattr(model.config, name, None) for name in ("max_position_embeddings", "n_positions")]
        said.append(tokenizer.model_max_length)
        limits = [limit for limit in said if isinstance(limit, int) and 0 < limit < _MOST_CONTEXT]
        name = f"local:{one_line(folder.resolve().name, 60)}-{_digest(folder)}"
        return cls(name, context or min(limits, default=_CONTEXT), seq2seq, model, tokenizer)

    @property
    def prices(self) -> Prices:
        """It costs nothing."""
        return Prices()

    def complete(
        self,
        messages: Sequence[Message],
        schema: type[Schema],
        *,
        prompt: str = "",
        temperature: float = 0.0,
        max_tokens: int = 1024,
    ) -> Completion[Schema]:
        """See :meth:`segue.lm.base.LanguageModel.complete`."""
        told = schema.model_json_schema()

        def send(turn: Sequence[Message]) -> Answered:
            # a repair says the schema itself
            return self._send(turn if len(turn) > len(messages) else with_schema(turn, told), temperature, max_tokens)

        return asked(send, messages, schema, name=self.name, prices=self.prices, prompt=prompt)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Exact, but for the schema that :meth:`complete` adds."""
        return len(self.tokenizer(self._text(cleaned(messages)))["input_ids"])

    def _text(self, messages: Sequence[Message]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if getattr(self.tokenizer, "chat_template", None):
            text: str = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            return text
        said = "\n\n".join(message.content for message in messages)
        return said if self.seq2seq else f"{said}\n\n"

    def _send(self, messages: Sequence[Message], temperature: float, max_tokens: int) -> Answered:
        import torch

        with self._lock, torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about generation options that the folder carries
            read = self.tokenizer(self._text(messages), return_tensors="pt", add_special_tokens=not self._templated)
            ids = read["input_ids"]
            length = ids.shape[1]
            room = self.context - (0 if self.seq2seq else max_tokens)
            if length > room:
                raise TooLong(
                    f"the prompt has {length:,} tokens, and the context of {self.name} holds {self.context:,} with "
                    f"the reply ({max_tokens:,}); take a model with a longer one"
                )
            pad = self.tokenizer.pad_token_id
            options: dict[str, Any] = {"do_sample": temperature > 0, "num_beams": 1, "max_new_tokens": max_tokens}
            if temperature > 0:
                torch.manual_seed(int(ids.sum()))
                options["temperature"] = temperature
            if pad is None:
                options["pad_token_id"] = self.tokenizer.eos_token_id or 0
            made = self.model.generate(input_ids=ids, attention_mask=read["attention_mask"], **options)[0]
        new = made if self.seq2seq else made[length:]
        return Answered(self.tokenizer.decode(new, skip_special_tokens=True), Usage(length, max(len(new), 1)))

    @property
    def _templated(self) -> bool:
        """Whether the text has the special tokens already."""
        return bool(getattr(self.tokenizer, "chat_template", None))


def _digest(folder: Path) -> str:
    """Of the configuration and of size, head and tail of the weights: two models of one name are told apart."""
    digest = hashlib.blake2b((folder / "config.json").read_bytes(), digest_size=3)
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            digest.update(f"{file.name} {size}".encode("utf-8", "replace"))
            for start in (0, max(0, size - _LOOKED_AT)):
                opened.seek(start)
                digest.update(opened.read(_LOOKED_AT))
    return digest.hexdigest()
