"""A sequence-to-sequence folder, opened safely: what it reads, what it writes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.errors import StoredDataError
from segue.library.arrays import fingerprint
from segue.lm.folder import open_folder

if TYPE_CHECKING:
    import torch

__all__ = ["Writer"]

_MOST_CHARACTERS = 12  # for each token: longer texts are cut before they are tokenized


@dataclass(eq=False)
class Writer:
    """A model with its tokenizer.

    Args:
        model: of transformers, perhaps inside peft's.
        most_source, most_target: tokens that are read and written at most.
    """

    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    most_source: int = 384
    most_target: int = 96

    @classmethod
    def open(cls, folder: Path, *, most_source: int = 384, most_target: int = 96) -> Writer:
        """Open a Hugging Face folder: no network, no code from the folder, weights from safetensors alone.

        Raises:
            StoredDataError: it is no such folder, or damaged. MissingDependency: transformers is missing.
        """
        model, tokenizer, _ = open_folder(folder, "seq2seq")
        if tokenizer.pad_token_id is None:
            raise StoredDataError(f"{folder} has a tokenizer without padding; add a pad token to it")
        return cls(model, tokenizer, most_source, most_target)

    @property
    def fingerprint(self) -> str:
        """Digest of all weights as they are now."""
        state = self.model.state_dict()
        return fingerprint("seq2seq", *(x for n in sorted(state) for x in (n, state[n].detach().cpu().numpy())))

    def read(self, texts: Sequence[str], *, target: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and mask of texts, int64 ``(n, length)`` each, padded to the longest."""
        most = self.most_target if target else self.most_source
        # tokenizers refuse lone surrogates
        cut = [text[: most * _MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8") for text in texts]
        read = self.tokenizer(cut, padding=True, truncation=True, max_length=most, return_tensors="pt")
        device = next(self.model.parameters()).device
        return read["input_ids"].to(device), read["attention_mask"].to(device)

    def write(
        self, texts: Sequence[str], *, batch_size: int = 16, progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """What the model writes for each text, the likeliest token each time."""
        import torch

        self.model.eval()
        written: list[str] = []
        with torch.no_grad():
            for first in range(0, len(texts), batch_size):
                ids, mask = self.read(texts[first : first + batch_size])
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # about generation options that the folder carries
                    made = self.model.generate(
                        input_ids=ids,
                        attention_mask=mask,
                        max_new_tokens=self.most_target,
                        do_sample=False,
                        num_beams=1,
                    )
                written += self.tokenizer.batch_decode(made, skip_special_tokens=True)
                if progress is not None:
                    progress(len(written), len(texts))
        return [" ".join(text.split()) for text in written]

    def save(self, folder: Path, adapter: Path) -> None:
        """Write the whole model to ``folder``, LoRA merged; the low-rank part alone goes to ``adapter`` before that.

        The writer is done for afterwards.
        """
        from segue.encode.sentence import without_bars

        model = self.model
        with without_bars(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft looks for the base model's card, which need not be there
            if hasattr(model, "merge_and_unload"):
                model.save_pretrained(str(adapter), safe_serialization=True)
                model = model.merge_and_unload()
            model.save_pretrained(str(folder), safe_serialization=True)
            self.tokenizer.save_pretrained(str(folder))
