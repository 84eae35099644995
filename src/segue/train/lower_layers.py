"""The frozen bottom of a transformer, run once for each text: what does not move need not be computed again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segue.errors import InputError

if TYPE_CHECKING:
    import torch

__all__ = ["LowerLayers"]

_FAMILIES = ("BertModel", "RobertaModel", "XLMRobertaModel", "CamembertModel", "ElectraModel")
_MOST_TOKENS = 500_000  # whose outputs are remembered: 0.8 GB at 384 dimensions; further texts are computed again


@dataclass(eq=False)
class LowerLayers:
    """Embeddings and the first ``n`` layers of a BERT-like transformer, frozen and without dropout.

    Texts come in groups of one length, so that nothing is padded and no mask is needed.
    """

    transformer: Any = field(repr=False)
    n: int
    _outputs: dict[tuple[int, ...], Any] = field(default_factory=dict, repr=False)
    _tokens: int = 0

    @classmethod
    def of(cls, transformer: Any, n: int) -> LowerLayers:
        """Freeze the bottom of a transformer in place: ``n`` layers, but never the last.

        Raises:
            InputError: the transformer is of another family.
        """
        import torch

        if type(transformer).__name__ not in _FAMILIES:
            name = type(transformer).__name__
            raise InputError(f"layers of a {name} cannot be frozen apart; fine-tune with '--set frozen_layers=0'")
        n = min(n, len(transformer.encoder.layer) - 1)
        for part in (transformer.embeddings, *transformer.encoder.layer[:n]):
            part.requires_grad_(False)
            for module in part.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
        return cls(transformer, n)

    def hidden(self, ids: torch.Tensor) -> torch.Tensor:
        """Last hidden states of texts of one length, ``(b, length, d)``, with gradients through the upper layers."""
        import torch

        keys = [tuple(row) for row in ids.tolist()]
        missing = [i for i, key in enumerate(keys) if key not in self._outputs]
        fresh: dict[tuple[int, ...], torch.Tensor] = {}
        if missing:
            with torch.no_grad():
                lower = self.transformer.embeddings(input_ids=ids[missing])
                for layer in self.transformer.encoder.layer[: self.n]:
                    lower = layer(lower)
            fresh = {keys[i]: row for i, row in zip(missing, lower.float(), strict=True)}
            if self._tokens + sum(map(len, fresh)) <= _MOST_TOKENS:
                self._outputs.update(fresh)
                self._tokens += sum(map(len, fresh))
        state: torch.Tensor = torch.stack([fresh[key] if key in fresh else self._outputs[key] for key in keys])
        for layer in self.transformer.encoder.layer[self.n :]:
            state = layer(state)
        return state
