#!/usr/bin/env python3
"""What PyTorch does with the work that `kvcast-gpu bench` times, on the same GPU: prefill of the Llama-3.1-8B shape.

Prints the ceilings of matrix products and attention, then a table in the columns of gpu/NOTES.md with two rows: Hugging
Face Transformers with PyTorch's attention, and a lean stack (fused projections, compiled pointwise work, cuDNN attention,
no KV cache kept). Times are the host's clock from the call to the token, medians after warm-up; weights are random.

    torch_peer.py [--runs N] [--lengths 1024,4096,...] [--skip transformers,lean,ceilings]

Needs a CUDA device, PyTorch and Transformers; about three minutes on an H200.
"""
import argparse
import statistics
import sys
import time

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, SIZE, VOCABULARY = 4096, 14336, 32, 32, 8, 128, 128256
THETA, EPSILON = 500000.0, 1e-5
CACHED = ((16384, 64), (32768, 1024))
DECODE_CONTEXT = 8192


def median_ms(call, runs):
    """Median and relative spread of `call`, after two calls and 0.3 s of them, as in kvcast-gpu bench."""
    begin, warm = time.perf_counter(), 0
    while warm < 2 or time.perf_counter() - begin < 0.3:
        call()
        torch.cuda.synchronize()
        warm += 1
    took = []
    for _ in range(runs):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took), (max(took) - min(took)) / statistics.median(took)


def random(*shape, scale=1.0):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16) * scale


def ceilings(lengths, runs):
    width = (HEADS + 2 * KV_HEADS) * SIZE
    for rows in (64, 4096, 16384):
        for outputs, inputs in ((width, HIDDEN), (HIDDEN, HIDDEN), (2 * INNER, HIDDEN), (HIDDEN, INNER)):
            x, weight = random(rows, inputs), random(outputs, inputs)
            ms, _ = median_ms(lambda: functional.linear(x, weight), runs)
            print(f"product {rows} x {inputs} x {outputs}: {ms:.3f} ms, {2 * rows * inputs * outputs / ms / 1e9:.0f} TFLOP/s")
    for length in lengths:
        query, key, value = random(1, HEADS, length, SIZE), random(1, KV_HEADS, length, SIZE), random(1, KV_HEADS, length, SIZE)
        for name, backend in (("flash", SDPBackend.FLASH_ATTENTION), ("cuDNN", SDPBackend.CUDNN_ATTENTION)):
            with sdpa_kernel(backend):
                ms, _ = median_ms(lambda: functional.scaled_dot_product_attention(query, key, value, is_causal=True,
                                                                                  enable_gqa=True), runs)
            flop = 4 * HEADS * SIZE * length * (length + 1) / 2
            print(f"attention {name} {length}: {ms:.3f} ms, {flop / ms / 1e9:.0f} TFLOP/s", flush=True)


def transformers_row(lengths, runs):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=LAYERS,
                         num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, max_position_embeddings=131072,
                         rope_theta=THETA, rms_norm_eps=EPSILON, attn_implementation="sdpa")
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = LlamaForCausalLM(config).eval()
    torch.set_default_dtype(torch.float32)

    def ids(count):
        return torch.randint(0, VOCABULARY, (1, count), device="cuda")

    def next_token(tokens, past=None):
        out = model(tokens, past_key_values=past, use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].argmax(-1).item(), out.past_key_values

    def after(context, new):
        past, tokens = next_token(ids(context))[1], ids(new)

        def call():
            next_token(tokens, past)
            past.crop(context)

        return median_ms(call, runs)

    row = {}
    with torch.inference_mode():
        for length in lengths:
            tokens = ids(length)
            row[length] = median_ms(lambda: next_token(tokens), runs)
        for context, new in CACHED:
            row[context, new] = after(context, new)
        row["decode"] = after(DECODE_CONTEXT, 1)
    return row


def lean_row(lengths, runs):
    width, rows_of_kv = HEADS * SIZE, KV_HEADS * SIZE
    # Four layers' weights in turn: more than any cache holds, a tenth of the memory.
    layers = [(random(width + 2 * rows_of_kv, HIDDEN, scale=0.02), random(HIDDEN, width, scale=0.02),
               random(2 * INNER, HIDDEN, scale=0.02), random(HIDDEN, INNER, scale=0.02),
               torch.ones(HIDDEN, device="cuda", dtype=torch.bfloat16)) for _ in range(4)]
    head = random(VOCABULARY, HIDDEN, scale=0.02)

    def norm(x, weight):
        return functional.rms_norm(x, (HIDDEN,), weight, EPSILON)

    def turn(x, cosine, sine):
        low, high = x.chunk(2, -1)
        return torch.cat((low * cosine - high * sine, high * cosine + low * sine), -1)

    @torch.compile(dynamic=False)
    def before(x, norm_weight, qkv_weight, cosine, sine):
        q, k, v = functional.linear(norm(x, norm_weight), qkv_weight).split((width, rows_of_kv, rows_of_kv), -1)
        heads = [part.view(len(x), -1, SIZE).transpose(0, 1) for part in (q, k, v)]
        return [part[None].contiguous() for part in (turn(heads[0], cosine, sine), turn(heads[1], cosine, sine), heads[2])]

    @torch.compile(dynamic=False)
    def behind(x, attended, out_weight, norm_weight, gate_up_weight, down_weight):
        x = x + functional.linear(attended[0].transpose(0, 1).reshape(len(x), width), out_weight)
        gate, up = functional.linear(norm(x, norm_weight), gate_up_weight).chunk(2, -1)
        return x + functional.linear(functional.silu(gate) * up, down_weight)

    def prefill(x, cosine, sine):
        for i in range(LAYERS):
            qkv, out, gate_up, down, norm_weight = layers[i % len(layers)]
            q, k, v = before(x, norm_weight, qkv, cosine, sine)
            with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
                attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            x = behind(x, attended, out, norm_weight, gate_up, down)
        return functional.linear(x[-1:], head).argmax(-1).item()

    row = {}
    frequency = THETA ** (-torch.arange(0, SIZE, 2, device="cuda") / SIZE)
    with torch.inference_mode():
        for length in lengths:
            angle = torch.arange(length, device="cuda")[:, None] * frequency
            cosine, sine, x = angle.cos().bfloat16(), angle.sin().bfloat16(), random(length, HIDDEN)
            row[length] = median_ms(lambda: prefill(x, cosine, sine), runs)
    return row


def print_table(rows, lengths):
    columns = ([(length, f"{length:,}") for length in lengths] + [(pair, f"{pair[0]:,} + {pair[1]:,}") for pair in CACHED] +
               [("decode", f"decode 1 x {DECODE_CONTEXT:,}")])
    print("| ms | " + " | ".join(name for _, name in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row[key][0]:.1f}" if key in row else "" for key, _ in columns) + " |")
    worst = max(spread for row in rows.values() for _, spread in row.values())
    print(f"largest spread of a figure: {worst:.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--lengths", default="1024,4096,8192,16384,32768")
    parser.add_argument("--skip", default="", help="comma-separated: ceilings, transformers, lean")
    args = parser.parse_args()
    lengths, skipped = [int(length) for length in args.lengths.split(",")], args.skip.split(",")
    print(f"# {torch.cuda.get_device_name()}, PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, "
          f"median of {args.runs}", flush=True)
    rows = {}
    if "ceilings" not in skipped:
        ceilings([length for length in lengths if length >= 4096], args.runs)
    for name, measure in (("lean PyTorch + cuDNN attention", lean_row), ("Transformers, SDPA", transformers_row)):
        if measure.__name__.split("_")[0] not in skipped:
            rows[name] = measure(lengths, args.runs)
            torch.cuda.empty_cache()
    if rows:
        print_table(rows, lengths)


if __name__ == "__main__":
    try:
        import torch
        import torch.nn.functional as functional
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError as missing:
        sys.exit(f"torch_peer.py: {missing}; PyTorch and Transformers are needed.")
    if not torch.cuda.is_available():
        sys.exit("torch_peer.py: there is no CUDA device here.")
    torch.manual_seed(0)
    main()
