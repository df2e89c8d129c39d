"""Opens exports in the programs that they are for, as far as these install without a GPU.

    python -m venv V && V/bin/pip install torch transformers pyarrow pyyaml jinja2
    V/bin/python scripts/check-exports.py HF LLAMAFACTORY VERL

The arguments are folders written by `interplay export --to hf|llamafactory|verl` from one model. Checked: the model
and its parameters in transformers, what the tokenizers make of texts, the prompts' Parquet and the YAML.
"""
import json
import sys
from pathlib import Path

import pyarrow.parquet
import torch
import transformers
import yaml
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

hf, factory, verl = map(Path, sys.argv[1:4])


def load(folder):
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    assert type(model).__name__ == "Qwen2ForCausalLM"
    return model.float(), PreTrainedTokenizerFast.from_pretrained(folder)


def main():
    rows = pyarrow.parquet.read_table(verl / "data" / "train.parquet").to_pylist()
    text = json.loads((factory / "data" / "train.jsonl").read_text().splitlines()[0])["text"] + "[EOS]"
    logits = []
    for folder in (hf, factory / "model", verl / "model"):
        model, tokenizer = load(folder)
        assert (tokenizer.eos_token, tokenizer.pad_token) == ("[EOS]", "[PAD]")
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        assert ids[0, -1] == tokenizer.eos_token_id == model.generation_config.eos_token_id
        assert tokenizer.decode(ids[0]) == text
        with torch.no_grad():
            logits.append(model(ids).logits)
    assert all(torch.equal(logits[0], other) for other in logits[1:])
    # As verl takes prompts and reads responses.
    assert tokenizer.decode(ids[0], skip_special_tokens=True) == text.removesuffix("[EOS]")
    for row in rows:
        prompt = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, tokenize=False)
        assert prompt == row["prompt"][0]["content"] and prompt.endswith("<solution>")
        assert row["reward_model"]["style"] == "rule" and row["extra_info"]["solution"]
    settings = yaml.safe_load((verl / "grpo.yaml").read_text())
    assert settings["actor_rollout_ref"]["rollout"]["n"] == 6
    assert settings["actor_rollout_ref"]["actor"]["optim"]["lr"] == 1e-6
    for stage in ("pretrain", "midtrain"):
        settings = yaml.safe_load((factory / f"{stage}.yaml").read_text())
        assert isinstance(settings["adam_epsilon"], float) and isinstance(settings["learning_rate"], float)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"transformers {transformers.__version__}: {parameters:,} parameters, {len(rows):,} prompts; all well")


main()
