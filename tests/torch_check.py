#!/usr/bin/env python3
"""torch_check.py KVCAST_GPU [--cpu] - does kvcast-gpu compute what Hugging Face Transformers computes?

Makes small random models of each family with real head sizes, saves them with save_pretrained, and has
`kvcast-gpu check --model DIR --tokens FILE --logits FILE` write the logits after every token of a few prompts, by decode
(chunks of 1) and by the prompts' path (longer chunks). They are compared with Transformers in float32 on the same
weights:

  relative error  |ours - theirs| / |theirs| over all logits is under 2 %
  top-1           is the same in at least 99 % of the places where their two likeliest tokens are further apart than
                  the noise: three standard deviations of what bf16 does to the difference of two logits

Each model then loses something on their side (scaling of rotations, biases, ...), and that must be seen.

--cpu compares kvcast-gpu's plain CPU model instead and needs no GPU. Exit code: 0, or 1 if anything failed.
Needs PyTorch and Transformers 5.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import (LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Phi3Config, Phi3ForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM)

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

MOST_ERROR = 0.02
LEAST_SAME = 0.99
CHUNKS = (1, 37, 200)
LENGTHS = (700, 200, 33, 1)

LLAMA3 = dict(rope_type="llama3", rope_theta=5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=256)
LONGROPE = dict(rope_type="longrope", rope_theta=1e4, short_factor=[1 + 0.05 * i for i in range(48)], long_factor=[4.0] * 48,
                original_max_position_embeddings=1024, partial_rotary_factor=1.0)
NO_SPECIAL = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)


def without_scaling(config):
    config.rope_parameters = dict(rope_type="default", rope_theta=config.rope_parameters["rope_theta"], partial_rotary_factor=1.0)


def other_theta(config):
    config.rope_parameters = dict(config.rope_parameters, rope_theta=2 * config.rope_parameters["rope_theta"])


def without_biases(model):
    for name, values in model.named_parameters():
        if name.endswith(".bias"):
            values.zero_()


# name, model, its config, type of the weights saved, largest file, and what is taken from the control: of config or model
CASES = [
    ("llama, llama3 rope, head 128", LlamaForCausalLM,
     LlamaConfig(hidden_size=512, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=2, head_dim=128,
                 intermediate_size=1376, vocab_size=1000, max_position_embeddings=2048, rope_parameters=LLAMA3, **NO_SPECIAL),
     torch.bfloat16, "10GB", without_scaling, None),
    ("llama, float32, tied, head 64", LlamaForCausalLM,
     LlamaConfig(hidden_size=256, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=1, head_dim=64,
                 intermediate_size=688, vocab_size=1013, max_position_embeddings=2048, tie_word_embeddings=True,
                 rope_parameters=dict(rope_type="default", rope_theta=1e4), **NO_SPECIAL),
     torch.float32, "2MB", other_theta, None),
    ("qwen2, tied, head 64, shards", Qwen2ForCausalLM,
     Qwen2Config(hidden_size=448, num_hidden_layers=4, num_attention_heads=7, num_key_value_heads=1, intermediate_size=1216,
                 vocab_size=1500, max_position_embeddings=2048, tie_word_embeddings=True,
                 rope_parameters=dict(rope_type="default", rope_theta=1e6), **NO_SPECIAL),
     torch.bfloat16, "2MB", None, without_biases),
    ("mistral, float16, window", MistralForCausalLM,
     MistralConfig(hidden_size=640, num_hidden_layers=4, num_attention_heads=12, num_key_value_heads=2, head_dim=128,
                   intermediate_size=1792, vocab_size=1024, max_position_embeddings=2048, sliding_window=1024,
                   rope_parameters=dict(rope_type="default", rope_theta=1e6), **NO_SPECIAL),
     torch.float16, "10GB", other_theta, None),
    ("phi3, fused, head 96", Phi3ForCausalLM,
     Phi3Config(hidden_size=384, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4, intermediate_size=1024,
                vocab_size=1064, max_position_embeddings=2048, original_max_position_embeddings=2048,
                rope_parameters=dict(rope_type="default", rope_theta=1e4, partial_rotary_factor=1.0), **NO_SPECIAL),
     torch.bfloat16, "10GB", other_theta, None),
    ("phi3, longrope, shards", Phi3ForCausalLM,
     Phi3Config(hidden_size=384, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, intermediate_size=1024,
                vocab_size=1064, max_position_embeddings=4096, original_max_position_embeddings=1024,
                rope_parameters=LONGROPE, **NO_SPECIAL),
     torch.bfloat16, "3MB", without_scaling, None),
]


def randomize(model, generator):
    """Activations stay near 1, and no part of the model is without effect."""
    for name, values in model.named_parameters():
        noise = torch.randn(values.shape, generator=generator)
        if name.endswith(".bias"):
            values.copy_(0.5 * noise)
        elif values.dim() == 1:
            values.copy_(1 + 0.1 * noise)
        elif "embed_tokens" in name:
            values.copy_(noise)
        else:
            values.copy_(noise / values.shape[1] ** 0.5)


def their_logits(kind, folder, prompts, device, change_config, change_model):
    config = kind.config_class.from_pretrained(folder)
    if change_config:
        change_config(config)
    model = kind.from_pretrained(folder, config=config, dtype=torch.float32, attn_implementation="eager").to(device)
    if change_model:
        change_model(model)
    return torch.cat([model(torch.tensor([ids], device=device)).logits[0].cpu() for ids in prompts])


def our_logits(arguments, folder, prompts, vocabulary, chunk):
    tokens, logits = os.path.join(folder, "tokens.txt"), os.path.join(folder, "logits.bin")
    with open(tokens, "w") as file:
        for ids in prompts:
            print(*ids, file=file)
    command = [arguments.program, "check", "--model", folder, "--tokens", tokens, "--logits", logits, "--chunk", str(chunk)]
    subprocess.run(command + (["--cpu"] if arguments.cpu else []), check=True, stdout=subprocess.DEVNULL)
    with open(logits, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).view(-1, vocabulary)


def relative_error(ours, theirs):
    return ((ours - theirs).double().norm() / theirs.double().norm()).item()


def compare(what, ours, theirs):
    if ours.shape != theirs.shape or not torch.isfinite(ours).all():
        print(f"  {what}: FAILED: shape {tuple(ours.shape)}, expected {tuple(theirs.shape)} of finite numbers")
        return False
    error = relative_error(ours, theirs)
    noise = 3 * 2 ** 0.5 * (ours - theirs).double().square().mean().sqrt().item()
    best = theirs.topk(2, dim=1)
    clear = best.values[:, 0] - best.values[:, 1] > noise
    same = (ours.argmax(dim=1) == best.indices[:, 0])[clear].double().mean().item()
    good = error < MOST_ERROR and same >= LEAST_SAME and clear.sum() > len(clear) / 4
    print(f"  {what}: error {100 * error:.3f} %, top-1 the same in {100 * same:.2f} % of {int(clear.sum())} clear places of "
          f"{len(clear)} (noise {noise:.4f}){'' if good else ': FAILED'}", flush=True)
    return good


def check(arguments, device, name, kind, config, dtype, largest_file, change_config, change_model):
    generator = torch.Generator().manual_seed(len(name))
    prompts = [torch.randint(config.vocab_size, (length,), generator=generator).tolist() for length in LENGTHS]
    with tempfile.TemporaryDirectory() as folder:
        model = kind(config)
        randomize(model, generator)
        model.to(dtype).save_pretrained(folder, max_shard_size=largest_file)
        files = sum(file.endswith(".safetensors") for file in os.listdir(folder))
        print(f"{name}: {config.num_hidden_layers} layers, heads {config.num_attention_heads} on {config.num_key_value_heads}, "
              f"{str(dtype).split('.')[1]} in {files} file{'s' if files > 1 else ''}")
        theirs = their_logits(kind, folder, prompts, device, None, None)
        good = True
        for chunk in (1,) if arguments.cpu else CHUNKS:
            ours = our_logits(arguments, folder, prompts, config.vocab_size, chunk)
            what = "CPU model" if arguments.cpu else "decode" if chunk == 1 else f"chunks of {chunk}"
            good = compare(what, ours, theirs) and good
        wrong = their_logits(kind, folder, prompts, device, change_config, change_model)
        error = relative_error(ours, wrong)
        print(f"  control, {(change_config or change_model).__name__.replace('_', ' ')}: error {100 * error:.1f} %"
              f"{'' if error > MOST_ERROR else ': FAILED, it should be seen'}", flush=True)
        return good and error > MOST_ERROR


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", metavar="KVCAST_GPU", help="the program, as built")
    parser.add_argument("--cpu", action="store_true", help="check the plain CPU model")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    device = "cpu" if arguments.cpu else "cuda"
    where = "CPU" if arguments.cpu else torch.cuda.get_device_name()
    print(f"# {where}; PyTorch {torch.__version__}, Transformers {transformers.__version__}; prompts of {LENGTHS} tokens")
    failed = [case[0] for case in CASES if not check(arguments, device, *case)]
    print(f"torch_check: FAILED: {'; '.join(failed)}" if failed else "torch_check: all agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
