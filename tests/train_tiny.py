#!/usr/bin/env python3
"""train_tiny.py FOLDER - trains a small Llama that decides, for `kvcast-gpu check --model FOLDER --tokens FOLDER/prompts.txt`.

Random weights make every token nearly as likely as the next, so that an answer proves nothing of a cache. This model
learns to repeat: a line is 0, then distinct symbols in random order, then 1, then the same symbols again. What comes next
in the second half stands far back in the first, so each answer depends on what is cached of it.

Training goes on until, over lines it has not seen and with weights rounded to bf16, the margin between the two likeliest
tokens is at least MARGINS times what computing in bf16 does to a logit, everywhere in the second half. Then the model is
saved, and prompts.txt holds lines that end within their second half, with at least 40 symbols to go. Under a minute on an
H200; exit code 1 if all --steps were not enough. Needs PyTorch and Transformers 5.
"""
import argparse
import os
import sys
import time

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

START, AGAIN, FIRST_SYMBOL = 0, 1, 2
MARGINS = 20 # twice what the check asks for
ANSWER = 40
PROMPTS = 6
SETTLING_STEPS = 800


def make_lines(symbols, count, length, generator, device):
    """count lines of `length` distinct symbols, twice; [count][2 length + 2]"""
    order = torch.rand(count, symbols, generator=generator, device=device).argsort(dim=1)[:, :length] + FIRST_SYMBOL
    column = torch.ones(count, 1, dtype=order.dtype, device=device)
    return torch.cat([START * column, order, AGAIN * column, order], dim=1)


def margins(model, lines, length):
    """Least margin between the two likeliest tokens in the second half, and the largest error of computing in bf16."""
    with torch.no_grad():
        rounded = LlamaForCausalLM(model.config).to(lines.device, torch.bfloat16)
        rounded.load_state_dict(model.state_dict())
        seen = rounded.model(lines).last_hidden_state[:, length + 2:-1]
        coarse = seen.float() @ rounded.lm_head.weight.float().T # kvcast-gpu leaves logits in float32
        exact = rounded.float()(lines).logits[:, length + 2:-1]
    best = exact.topk(2, dim=2)
    right = (best.indices[:, :, 0] == lines[:, length + 3:]).float().mean().item()
    return right, (best.values[:, :, 0] - best.values[:, :, 1]).min().item(), (coarse - exact).abs().max().item()


def train(model, arguments, generator, device):
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, betas=(0.9, 0.98), weight_decay=0.01)
    begin, step, settling = time.monotonic(), 0, None # settling: the step from which the rate falls
    longest = arguments.symbols - 56
    while step < arguments.steps:
        # Short lines first: repeating is found in them, and then holds for longer ones.
        limit = min(longest, 24 + step // 2)
        length = int(torch.randint(min(limit, 12), limit + 1, (1,), generator=generator, device=device))
        lines = make_lines(arguments.symbols, arguments.batch, length, generator, device)
        for group in optimizer.param_groups:
            fall = 1 if settling is None else max(0.01, 1 - (step - settling) / SETTLING_STEPS)
            group["lr"] = arguments.rate * min(1, (step + 1) / 100) * fall
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = model(lines).logits[:, length + 1:-1]
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), lines[:, length + 2:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            check = make_lines(arguments.symbols, 64, limit, generator, device)
            right, margin, error = margins(model, check, limit)
            print(f"step {step}, {time.monotonic() - begin:.0f} s: loss {loss.item():.5f}, lines of {limit}: {100 * right:.2f} % right, "
                  f"least margin {margin:.3f}, bf16 error {error:.3f}", flush=True)
            # When repeating is found is chance; only then may the rate fall.
            if limit == longest and right > 0.98 and settling is None:
                settling = step
            if limit == longest and margin > MARGINS * error:
                return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", help="where the model and prompts.txt go")
    parser.add_argument("--steps", type=int, default=5000, help="of training at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--symbols", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64, help="lines of a training step (%(default)s)")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate (%(default)s)")
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(arguments.seed)
    generator = torch.Generator(device).manual_seed(arguments.seed)
    config = LlamaConfig(hidden_size=arguments.hidden, num_hidden_layers=arguments.layers, num_attention_heads=4,
                         num_key_value_heads=2, head_dim=64, intermediate_size=2 * arguments.hidden,
                         vocab_size=arguments.symbols + FIRST_SYMBOL, max_position_embeddings=2048,
                         rope_parameters=dict(rope_type="default", rope_theta=1e4), bos_token_id=None, eos_token_id=None)
    model = LlamaForCausalLM(config).to(device)
    if not train(model, arguments, generator, device):
        print(f"train_tiny: FAILED: {arguments.steps} steps were not enough")
        return 1
    model.to(torch.bfloat16).save_pretrained(arguments.folder)
    lengths = torch.linspace(60, arguments.symbols - 56, PROMPTS).int().tolist()
    with open(os.path.join(arguments.folder, "prompts.txt"), "w") as file:
        for length in lengths:
            line = make_lines(arguments.symbols, 1, length, generator, device)[0].tolist()
            begun = int(torch.randint(1, length - ANSWER, (1,), generator=generator, device=device))
            print(*line[:length + 2 + begun], file=file)
    print(f"train_tiny: {PROMPTS} prompts of {lengths[0]} to {lengths[-1]} symbols in {arguments.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
