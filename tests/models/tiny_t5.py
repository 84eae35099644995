"""A T5 with random weights and a tokenizer of its own words, made on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_tiny_t5(folder: Path, texts: Sequence[str], *, rng_key: int = 0) -> Path:
    """Write a model of two layers that knows the words of some texts."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    split = pre_tokenizers.WhitespaceSplit()
    found = dict.fromkeys(word for text in texts for word, _ in split.pre_tokenize_str(text))
    vocabulary = {word: row for row, word in enumerate(["<pad>", "</s>", "<unk>", *found])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )
    torch.manual_seed(rng_key)
    config = T5Config(
        vocab_size=len(vocabulary),
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=1,
        num_decoder_layers=1,
        num_heads=4,
        dropout_rate=0.0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(str(folder), safe_serialization=True)
    fast.save_pretrained(str(folder))
    return folder
