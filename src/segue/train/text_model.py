"""A sentence encoder with gradients: texts tokenized once, encoded in small batches of like length."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.encode.base import Progress, distinct
from segue.encode.folder import MAX_LENGTH, SentenceFolder, text_cap
from segue.encode.sentence import SentenceEncoder, without_bars
from segue.errors import InputError, TrainingError
from segue.library.arrays import fingerprint
from segue.train.lora_parts import save_lora, with_lora
from segue.train.lower_layers import LowerLayers

if TYPE_CHECKING:
    import torch

__all__ = ["Method", "Precision", "TextModel"]

Method = Literal["full", "lora", "adapter"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(eq=False)
class TextModel:
    """What training moves: a transformer, perhaps with a linear map behind the pooling.

    An :class:`~segue.encode.base.Encoder` too: :meth:`encode` reads any text with the weights as they are now.

    Args:
        sentence: the ``SentenceTransformer`` that is trained in place and saved at the end.
        adapter: the map of method ``adapter``, ``(d, d)`` without bias, that starts at the identity.
        texts: token ids of the training texts, row by row.
        chunk: texts that go through the transformer together.
    """

    d: int
    sentence: Any = field(repr=False)
    pooling: str
    method: Method
    max_length: int
    chunk: int
    autocast: bool
    device: str
    adapter: Any = field(default=None, repr=False)
    texts: list[list[int]] = field(default_factory=list, repr=False)
    _tokenizer: Any = field(default=None, repr=False)
    _lora: Any = field(default=None, repr=False)
    _lower: LowerLayers | None = field(default=None, repr=False)
    _still: dict[tuple[int, ...], Any] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        method: Method = "full",
        freeze_embeddings: bool = False,
        frozen_layers: int = 0,
        lora_rank: int = 16,
        lora_alpha: int | None = None,
        lora_targets: Sequence[str] = (),
        dropout: float | None = None,
        precision: Precision = "auto",
        chunk: int = 64,
        max_length: int = MAX_LENGTH,
        rng_key: int = 0,
    ) -> TextModel:
        """Open an encoder's folder for training, on a GPU where there is one.

        Args:
            lora_alpha: the change of LoRA counts ``lora_alpha / lora_rank`` times; None is twice the rank.
            lora_targets: last parts of the names of the linear layers that LoRA changes; empty for all of the
                attention and the layers behind it.

        Raises:
            StoredDataError: the folder is damaged or of a kind that is not supported.
            MissingDependency: torch or peft is missing. InputError: the encoder's pooling cannot be trained.
        """
        import torch
        from tokenizers import Tokenizer

        described = SentenceFolder.read(folder)
        if described.pooling not in ("mean", "cls"):
            raise InputError(f"{folder} pools by {described.pooling}; only mean and cls pooling can be fine-tuned")
        encoder = SentenceEncoder.open(folder, max_length=max_length)
        sentence = encoder.model
        device = "cuda" if torch.cuda.is_available() else "cpu"
        sentence.to(device)
        tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(encoder.max_length)
        model = cls(
            d=encoder.d,
            sentence=sentence,
            pooling=described.pooling,
            method=method,
            max_length=encoder.max_length,
            chunk=chunk,
            autocast=_autocast(precision, device),
            device=device,
            _tokenizer=tokenizer,
        )
        lora = (lora_rank, 2 * lora_rank if lora_alpha is None else lora_alpha, tuple(lora_targets))
        model._prepare(freeze_embeddings, frozen_layers, lora, dropout, rng_key)
        return model

    def _prepare(
        self,
        freeze_embeddings: bool,
        frozen_layers: int,
        lora: tuple[int, int, tuple[str, ...]],
        dropout: float | None,
        rng_key: int,
    ) -> None:
        import torch

        transformer = self.transformer
        for module in transformer.modules():
            if dropout is not None and isinstance(module, torch.nn.Dropout):
                module.p = dropout
        if self.method == "lora":
            torch.manual_seed(rng_key)  # LoRA starts at random on one side
            self._lora = with_lora(transformer, *lora)
        elif self.method == "adapter":
            transformer.requires_grad_(False)
            self.adapter = torch.nn.Linear(self.d, self.d, bias=False, device=self.device)
            with torch.no_grad():
                self.adapter.weight.copy_(torch.eye(self.d))
        elif frozen_layers:
            self._lower = LowerLayers.of(transformer, frozen_layers)
        elif freeze_embeddings:
            transformer.embeddings.requires_grad_(False)

    @property
    def transformer(self) -> Any:
        """The transformer inside, with its LoRA if it has one."""
        return self.sentence[0].auto_model if self._lora is None else self._lora

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """The parameters that may move, by name.

        Raises:
            TrainingError: none may.
        """
        named = {n: p for n, p in self.sentence.named_parameters() if p.requires_grad}
        if self.adapter is not None:
            named["adapter.weight"] = self.adapter.weight
        if not named:
            raise TrainingError("every parameter of the encoder is frozen, so nothing can be learnt")
        return named

    def counts(self) -> tuple[int, int]:
        """Parameters that may move, and all of them."""
        moving = self.trainable()
        still = (p for n, p in self.sentence.named_parameters() if n not in moving)
        n = sum(p.numel() for p in moving.values())
        return n, n + sum(p.numel() for p in still)

    def save_adapter(self, folder: Path, base: str) -> None:
        """Write the change of LoRA alone, as plain peft loads it; to be called before :meth:`save`.

        Args:
            base: what the adapter says it belongs to: a name, never a path of this machine.

        Raises:
            InputError: another method than LoRA.
        """
        if self._lora is None:
            raise InputError(f"method {self.method} has no adapter to save apart")
        save_lora(self._lora, folder, base)

    def with_texts(self, texts: Sequence[str]) -> TextModel:
        """The same model, ready to encode these texts by row; each is tokenized once."""
        cap = text_cap(self.max_length)
        self.texts = [self._ids(text[:cap]) for text in texts]
        return self

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def vectors(self, rows: NDArray[np.integer]) -> torch.Tensor:
        """Unit vectors of training texts, ``(n, d)`` on the model's device, with gradients."""
        return self._through([self.texts[row] for row in rows], self._pooled)

    def pooler(self, rows: NDArray[np.integer]) -> torch.Tensor:
        """The transformer's own pooler over the first token, ``(n, d)``: what released scripts put a head on.

        Raises:
            TrainingError: the transformer has no pooler.
        """
        return self._through([self.texts[row] for row in rows], self._pooler_output)

    def unpooled(self, rows: NDArray[np.integer]) -> torch.Tensor:
        """Pooled vectors before they are scaled to unit length, ``(n, d)``: what a head of classes reads."""
        return self._through(
            [self.texts[row] for row in rows], lambda ids, mask: self._pooled(ids, mask, scale=False)
        )

    def still(self, rows: NDArray[np.integer]) -> torch.Tensor:
        """Unit vectors of training texts without gradients or dropout, ``(n, d)`` on the processor.

        They are remembered until :meth:`moved` is called, since an epoch's end asks for the same texts three times.
        """
        return self._at_rest([self.texts[row] for row in rows])

    def moved(self) -> None:
        """Forget the vectors of :meth:`still`: to be called after each change of the weights."""
        self._still.clear()

    def _at_rest(self, ids: list[list[int]]) -> torch.Tensor:
        import torch

        keys = [tuple(tokens) for tokens in ids]
        missing = [list(key) for key in dict.fromkeys(keys) if key not in self._still]
        if missing:
            with torch.no_grad(), self.at_rest():
                found = self._through(missing, self._pooled).float().cpu()
            self._still.update({tuple(tokens): row for tokens, row in zip(missing, found, strict=True)})
        return torch.stack([self._still[key] for key in keys]) if keys else torch.zeros((0, self.d))

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Without dropout for the block."""
        training = self.sentence.training
        self.sentence.eval()
        try:
            yield
        finally:
            self.sentence.train(training)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts with the weights as they are now to unit rows, float32 ``(n, d)``."""
        unique, where = distinct(texts, text_cap(self.max_length))
        found = self._at_rest([self._ids(text) for text in unique])
        if progress is not None:
            progress(len(unique), len(unique))
        vectors: NDArray[np.float32] = found.numpy()[where]
        return vectors

    @property
    def fingerprint(self) -> str:
        """Digest of the weights as they are now; it differs from that of a saved folder."""
        tensors = {n: p.detach().cpu().numpy() for n, p in self.trainable().items()}
        return fingerprint("in training", *(x for n in sorted(tensors) for x in (n, tensors[n])))

    def _through(self, ids: list[list[int]], read: Any) -> torch.Tensor:
        """Encode in chunks of like length, so that little is padded, and put the rows back in their order."""
        import torch

        order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
        parts = []
        for rows in self._chunks([len(ids[i]) for i in order]):
            part = [ids[order[at]] for at in rows]
            width = max(map(len, part))
            padded = torch.zeros((len(part), width), dtype=torch.int64)
            mask = torch.zeros((len(part), width), dtype=torch.int64)
            for row, tokens in enumerate(part):
                padded[row, : len(tokens)] = torch.tensor(tokens)
                mask[row, : len(tokens)] = 1
            with torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
                parts.append(read(padded.to(self.device), mask.to(self.device)).float())
        back = torch.from_numpy(np.argsort(np.array(order), kind="stable")).to(self.device)
        return torch.cat(parts)[back]

    def _chunks(self, lengths: list[int]) -> Iterator[range]:
        """Runs of rows that go through together; rows come by length, and where no mask is used of one length."""
        first = 0
        while first < len(lengths):
            last = min(first + self.chunk, len(lengths))
            if self._lower is not None:
                last = min(last, bisect_right(lengths, lengths[first]))
            yield range(first, last)
            first = last

    def _pooled(self, ids: torch.Tensor, mask: torch.Tensor, *, scale: bool = True) -> torch.Tensor:
        import torch

        if self._lower is None:
            hidden = self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        else:
            hidden = self._lower.hidden(ids)
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weight).sum(1) / weight.sum(1)
        for module in self._maps():
            pooled = torch.nn.functional.linear(pooled, module.weight, module.bias)
        return torch.nn.functional.normalize(pooled.float(), dim=-1) if scale else pooled

    def _maps(self) -> list[Any]:
        """Linear maps behind the pooling: those that the folder came with, then the one that is learnt."""
        own = [module.linear for module in self.sentence if type(module).__name__ == "Dense"]
        return own if self.adapter is None else [*own, self.adapter]

    def _pooler_output(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = self.transformer(input_ids=ids, attention_mask=mask)
        pooled: torch.Tensor | None = getattr(found, "pooler_output", None)
        if pooled is None:
            raise TrainingError("the transformer has no pooler; put the head on the mean ('head_on = \"mean\"')")
        return pooled

    def save(self, folder: Path) -> None:
        """Write a sentence-transformers folder; LoRA is merged into the weights, an adapter becomes a Dense module.

        The model is done for afterwards.
        """
        sentence = self.sentence
        sentence.to("cpu").eval()
        if self.method == "lora":
            self._lora.merge_and_unload()  # puts plain layers back where they were
        if self.adapter is not None:
            sentence = _with_dense(sentence, self.adapter.to("cpu"))
        with without_bars():
            sentence.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def _autocast(precision: Precision, device: str) -> bool:
    """Whether bfloat16 is wanted and pays: on a processor without instructions for it, it is slower than float32."""
    import torch

    if precision != "auto":
        return precision == "bfloat16"
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _with_dense(sentence: Any, adapter: Any) -> Any:
    """The sentence model with the adapter between its pooling and its scaling."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    d = adapter.weight.shape[0]
    dense = Dense(d, d, bias=False, activation_function=torch.nn.Identity())
    with torch.no_grad():
        dense.linear.weight.copy_(adapter.weight)
    modules = list(sentence)
    last = len(modules) - (type(modules[-1]).__name__ == "Normalize")
    return SentenceTransformer(modules=[*modules[:last], dense, *modules[last:]], device="cpu")
