# An option's value that does not do is told in one sentence that names the option and what was expected.
$ kvcast run small.jsonl --evict nobody
! kvcast: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
? 1
$ kvcast run small.jsonl --evict lru:speed=1
! kvcast: --evict lru: 'speed' is given, but there are no parameters to set.
? 1
$ kvcast run small.jsonl --evict belady:bypass=2
! kvcast: --evict belady: bypass=2 is out of range; 0 to 1 is expected.
? 1
$ kvcast run small.jsonl --evict belady:bypass
! kvcast: --evict: 'bypass' in 'belady:bypass' is not of the form key=value.
? 1
$ kvcast run small.jsonl --evict lru:
! kvcast: --evict: 'lru:' has nothing after 'lru:'; expected key=value.
? 1
$ kvcast run small.jsonl --evict ''
! kvcast: --evict: '' has an empty place in its list.
? 1
$ kvcast run small.jsonl --evict lru,fifo
! kvcast: --evict lru,fifo: expected one policy; `kvcast sweep` takes lists.
? 1
$ kvcast run small.jsonl --evict 'lru;class=auditor:x=1'
! kvcast: --evict lru;class=auditor:x=1: lru has one set of parameters for all classes.
? 1
$ kvcast run small.jsonl --ttl nobody
! kvcast: --ttl nobody: there is no TTL rule of that name; `kvcast policies` lists them.
? 1
$ kvcast run small.jsonl --ttl none:ttl=5m
! kvcast: --ttl none:ttl=5m: the rule none takes no parameters.
? 1
$ kvcast run small.jsonl --ttl static:ttl=5
! kvcast: --ttl static: ttl: '5' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf.
? 1
$ kvcast run small.jsonl --ttl static:ttl=-5m
! kvcast: --ttl static: ttl: '-5m' is negative; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf.
? 1
$ kvcast run small.jsonl --ttl static:ttl=5m,mode=sideways
! kvcast: --ttl static: mode=sideways is none of sliding|absolute.
? 1
$ kvcast run small.jsonl --ttl 'static:ttl=5m;class=nobody:ttl=1m'
! kvcast: --ttl static:ttl=5m;class=nobody:ttl=1m: the trace has no class "nobody".
? 1
$ kvcast run small.jsonl --ttl 'static:ttl=5m;class=auditor:hard=1'
! kvcast: --ttl static:ttl=5m;class=auditor:hard=1: coherence, hard and expire hold for all classes; give them once, before the first ;class=.
? 1
$ kvcast run small.jsonl --ttl none,static
! kvcast: --ttl none,static: expected one rule; `kvcast sweep` takes lists.
? 1
$ kvcast run small.jsonl --capacity 0
! kvcast: --capacity 0: expected at least 1 block.
? 1
$ kvcast run small.jsonl --capacity -1
! kvcast: --capacity: '-1' is negative; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast run small.jsonl --capacity 1.5
! kvcast: --capacity: '1.5' is not a whole number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast run small.jsonl --capacity many
! kvcast: --capacity: 'many' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast run small.jsonl --capacity 99999999999999999999
! kvcast: --capacity: '99999999999999999999' is too large; the limit is below 2^63, and inf stands for no limit.
? 1
$ kvcast run small.jsonl --capacity 40GiB
! kvcast: --capacity 40GiB: a size in bytes needs --model, which gives the bytes of KV a token.
? 1
$ kvcast run small.jsonl --capacity 40Gib --model llama-3.1-8b
! kvcast: --capacity: 'Gib' in '40Gib' is not a unit known here; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast run small.jsonl --capacity 1KiB --model llama-3.1-8b
! kvcast: --capacity 1KiB: less than one block of 4 tokens.
? 1
$ kvcast run small.jsonl --model nobody
! kvcast: --model nobody: no such config.json, and no preset of that name (tiny, qwen2.5-0.5b, qwen2.5-1.5b, phi-3-mini, mistral-7b, llama-3.1-8b, llama-3.1-70b).
? 1
$ kvcast run small.jsonl --calib nobody
! kvcast: --calib nobody: no such file, and no built-in calibration of that name (h200-llama-3.1-8b.estimate, h200-llama-3.1-8b, h200-qwen2.5-1.5b).
? 1
$ kvcast run small.jsonl --semantics list
! kvcast: --semantics list: expected prefix or object.
? 1
$ kvcast run small.jsonl --semantics object --recompute-last 1
! kvcast: --recompute-last 1 does not go with --semantics object: there a prompt has no last block.
? 1
$ kvcast run small.jsonl --scope tree
! kvcast: --scope tree: expected leaf or flat.
? 1
$ kvcast run small.jsonl --partial-tail keep
! kvcast: --partial-tail keep: expected cache or skip.
? 1
$ kvcast run small.jsonl --recompute-last 2
! kvcast: --recompute-last 2: expected 0 or 1.
? 1
$ kvcast run small.jsonl --engine steam
! kvcast: --engine steam: expected replay, static, vllm or sglang.
? 1
$ kvcast run small.jsonl --speed 0
! kvcast: --speed 0: expected a number greater than 0.
? 1
$ kvcast run small.jsonl --speed fast
! kvcast: --speed: 'fast' is not a number; a number such as 3, 0.25 or 1e-6 is expected, or inf.
? 1
$ kvcast run small.jsonl --warmup 1
! kvcast: --warmup 1: expected a fraction from 0 to less than 1.
? 1
$ kvcast run small.jsonl --seed -1
! kvcast: --seed: '-1' is negative; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast run small.jsonl --block 0
! kvcast: --block 0: expected a whole number from 1 to 16777216.
? 1
$ kvcast run small.jsonl --block 16
! kvcast: small.jsonl:2: the trace names blocks of 4 tokens and cannot be cut anew into blocks of 16; expected no other block size.
? 1
$ kvcast run small.jsonl --max-prompt 0
! kvcast: --max-prompt 0: expected a whole number from 1 to 4294967295.
? 1
$ kvcast run small.jsonl --max-output x
! kvcast: --max-output: 'x' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast sweep small.jsonl --jobs 0
! kvcast: --jobs 0: expected a number of threads from 1 to 4096.
? 1
$ kvcast sweep small.jsonl --jobs x
! kvcast: --jobs x: expected a number of threads from 1 to 4096.
? 1
$ kvcast sweep small.jsonl --capacity 1,,2
! kvcast: --capacity: '' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast sweep small.jsonl --evict lru,nobody
! kvcast: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
? 1
$ kvcast sweep small.jsonl --evict all,lru
! kvcast: --evict all: there is no eviction policy of that name; `kvcast policies` lists them.
? 1
$ kvcast policies nobody
! kvcast: there is no policy or preset "nobody"; `kvcast policies` lists them.
? 1
