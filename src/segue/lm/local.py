"""A language model in this process: a Hugging Face folder, causal or sequence-to-sequence, through transformers."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from segue.encode.folder import digest_file
from segue.errors import InputError
from segue.library.names import one_line
from segue.lm.asking import Answered, asked, cleaned, with_schema
from segue.lm.base import Completion, LanguageModelError, Message, Prices, TooLong, Usage
from segue.lm.folder import open_folder

__all__ = ["LocalModel"]

Schema = TypeVar("Schema", bound=BaseModel)

_CONTEXT = 4_096  # where neither the folder nor the user says it
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
            context: None takes what the folder says, else 4,096. More than the model has positions is cut to those.

        Raises:
            InputError: a context below 1. StoredDataError: no such folder, or damaged.
            MissingDependency: transformers is missing.
        """
        if context is not None and context < 1:
            raise InputError(f"a context of {context:,} tokens holds nothing; give more")
        import torch

        model, tokenizer, seq2seq = open_folder(folder)
        if torch.cuda.is_available():
            model.to("cuda")
        said = [getattr(model.config, name, None) for name in ("max_position_embeddings", "n_positions")]
        said.append(tokenizer.model_max_length)
        limits = [limit for limit in said if isinstance(limit, int) and 0 < limit < _MOST_CONTEXT]
        name = f"local:{one_line(folder.resolve().name, 60)}-{_digest(folder)}"
        positions = said[0] if isinstance(said[0], int) else _MOST_CONTEXT
        allowed = min(context, positions) if context else min(limits, default=_CONTEXT)
        return cls(name, allowed, seq2seq, model, tokenizer)

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
        turns = [{"role": message.role, "content": self._harmless(message.content)} for message in messages]
        if not self._templated:
            said = "\n\n".join(turn["content"] for turn in turns)
            return said if self.seq2seq else f"{said}\n\n"
        with contextlib.suppress(Exception):  # templates raise what they like where there is no role "system"
            return self._in_template(turns)
        if len(turns) > 1 and [turn["role"] for turn in turns[:2]] == ["system", "user"]:
            both = f"{turns[0]['content']}\n\n{turns[1]['content']}"
            turns = [{"role": "user", "content": both}, *turns[2:]]
        try:
            return self._in_template(turns)
        except Exception as error:
            raise LanguageModelError(
                f"the chat template of {self.name} cannot be used ({type(error).__name__}); take another model"
            ) from error

    def _in_template(self, turns: list[dict[str, str]]) -> str:
        text: str = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text

    def _harmless(self, text: str) -> str:
        """The text without what this tokenizer takes for an end of turn or another sign of its own."""
        before = ""
        while text != before:  # what is left when one is taken out may be another
            before = text
            for token in self.tokenizer.all_special_tokens:
                text = text.replace(token, " ")
        return text

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
                options["temperature"] = temperature
            if pad is None:
                options["pad_token_id"] = self.tokenizer.eos_token_id or 0
            with torch.random.fork_rng():
                torch.manual_seed(int(ids.sum()))
                made = self._written(read, options)
        new = made if self.seq2seq else made[length:]
        return Answered(self.tokenizer.decode(new, skip_special_tokens=True), Usage(length, max(len(new), 1)))

    def _written(self, read: Any, options: dict[str, Any]) -> Any:
        try:
            return self.model.generate(**read.to(self.model.device), **options)[0]
        except (IndexError, RuntimeError, TypeError, ValueError) as error:  # torch and transformers raise them all
            raise LanguageModelError(
                f"{self.name} cannot write ({type(error).__name__}); do its weights, tokenizer and "
                "generation_config.json belong together, and does it fit into memory?"
            ) from error

    @property
    def _templated(self) -> bool:
        """Whether the text has the special tokens already."""
        return bool(getattr(self.tokenizer, "chat_template", None))


def _digest(folder: Path) -> str:
    """Of what an answer depends on, all of it: two trainings of one model may differ in one layer alone."""
    digest = hashlib.blake2b(digest_size=3)
    read = [file for file in folder.iterdir() if file.suffix in (".json", ".jinja", ".safetensors", ".model")]
    for file in sorted(read):
        digest.update(f"{file.name} {digest_file(file)}\n".encode("utf-8", "replace"))
    return digest.hexdigest()
