"""A GPT-2 of one layer that reads bytes, made on the fly, at random or taught a few replies by heart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|turn|>{{ message.role }}\n{{ message.content }}\n{% endfor %}<|turn|>assistant:"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TEMPLATE
)


def write_tiny_gpt2(
    folder: Path,
    *,
    replies: Sequence[tuple[str, str]] = (),
    template: str | None = TEMPLATE,
    positions: int = 1_024,
    d: int = 48,
    rng_key: int = 0,
) -> Path:
    """Write a model.

    Args:
        replies: prompts as the model sees them, and what it is taught to say to them.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    vocabulary = {byte: row for row, byte in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|turn|>"],
        clean_up_tokenization_spaces=False,
        model_max_length=positions,
    )
    fast.chat_template = template
    end = fast.eos_token_id
    with torch.random.fork_rng():
        torch.manual_seed(rng_key)
        config = GPT2Config(
            vocab_size=len(fast),
            n_positions=positions,
            n_embd=d,
            n_layer=1,
            n_head=2,
            attn_pdrop=0.0,
            embd_pdrop=0.0,
            resid_pdrop=0.0,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
        )
        model = GPT2LMHeadModel(config)
        _teach(model, [(fast(prompt)["input_ids"], fast(reply)["input_ids"] + [end]) for prompt, reply in replies])
    model.save_pretrained(str(folder))
    fast.save_pretrained(str(folder))
    return folder


def _teach(model: object, pairs: list[tuple[list[int], list[int]]], steps: int = 150) -> None:
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)  # type: ignore[attr-defined]
    for _ in range(steps if pairs else 0):
        total = 0.0
        for prompt, reply in pairs:
            ids = torch.tensor([prompt + reply])
            labels = torch.tensor([[-100] * len(prompt) + reply])
            loss = model(input_ids=ids, labels=labels).loss  # type: ignore[operator]
            loss.backward()
            total += float(loss.detach())
        optimizer.step()
        optimizer.zero_grad()
        if total < 0.05 * len(pairs):
            return
