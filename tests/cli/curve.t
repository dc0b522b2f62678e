# Curves over the trace of run.t: at 4 blocks lru hits 8 of 20, as there.
$ kvcast curve --help
> Usage: kvcast curve [OPTION...] TRACE
> Says what lru would hit at every capacity, or a sliding TTL at every TTL,
> exactly and from one pass.
> 
>  Which curve (default: lru over capacity):
>       --by=class|turn        with --csv or --json: a curve for each class or
>                              turn
>       --capacity=LIST        capacities of a table or surface; default round
>                              ones
>       --sample=RATE          with --csv or --json: look at this share of the
>                              trace only, such as 0.01, drawn by whole prefix
>                              trees, since a prefix that lost a part would end
>                              there; blocks that more than a request in a
>                              hundred uses are all looked at. The columns
>                              token_hit_rate_low and _high give a 95 % interval
>                              of the estimate
>       --seed=N               which trees are drawn; default 1
>       --surface              lru with a sliding TTL, over both
>       --ttl                  a sliding TTL in memory without limit, over the
>                              TTL
>       --ttls=LIST            TTLs of a table or surface; default round ones
> 
>  The cache and the traffic:
>       --block=TOKENS         block size of token, text and segment traces;
>                              default: the trace's own
>       --max-prompt=N         shorten prompts to N tokens
>       --partial-tail=cache|skip   whether a last block that is not full is
>                              cached; default cache
>       --semantics=prefix|object   prefix (default): a block hits if all before
>                              it hit; object: every block for itself (capacity
>                              only)
>       --speed=X              requests arrive X times faster; default 1
>       --warmup=FRACTION      serve this first part of the requests without
>                              counting it; default 0
> 
>  Bytes, time and money:
>       --calib=NAME|FILE      gives the times: a calibration file or the name of
>                              a built-in one
>       --model=NAME|FILE      gives the bytes of KV a token: a preset or a
>                              Hugging Face config.json
>       --price=gpu=DOLLARS/hour   what a GPU hour costs; default 3
>       --rent=DOLLARS/GB-hour what a GB-hour (GB = 10^9 bytes) of the memory
>                              that holds costs; default 0.02
> 
>  Output:
>       --csv                  one row wherever the curve changes, or a point of
>                              the surface
>       --json                 the same as a JSON array
> 
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
> 
> The same figures as `kvcast sweep` (engine replay), at every value instead of a
> few. Under mpirun the ranks share the TTLs of --surface; the other curves,
> which take a moment, are the first one's. Examples:
>   kvcast curve trace.jsonl.gz --model llama-3.1-8b
>   kvcast curve trace.jsonl.gz --ttl --csv > ttl.csv
>   kvcast curve trace.jsonl.gz --surface --ttls 1m,5m --capacity 1e4,inf
$ kvcast curve small.jsonl
> trace    small.jsonl
>          6 requests, 75 prompt tokens, 20 blocks of 4 tokens
> lru      exact at every capacity: --csv has them all, these are some
> 
>       blocks  tokens %  blocks % request %  TTFT ms     p95
>            1     16.00     15.00     15.28      4.2     4.3
>            2     32.00     30.00     30.56      4.1     4.3
>            5     48.00     45.00     43.52      4.1     4.1
>            7     58.67     55.00     50.93      4.0     4.1
> 
> of all hits that there are
>    50 % in               2 blocks
>    90 % in               6 blocks
>    95 % in               7 blocks
>    99 % in               7 blocks
>   100 % in               7 blocks
> the knee, beyond which a block brings less than the average one, is at 2 blocks and 54.5 %
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast curve small.jsonl --csv
> capacity_blocks,hit_blocks,block_hit_rate,hit_tokens,token_hit_rate,request_hit_rate,mean_resident_blocks,capacity_gib
> 1,3,0.15,12,0.16,0.152777778,1,
> 2,6,0.3,24,0.32,0.305555556,2,
> 3,7,0.35,28,0.373333333,0.342592593,3,
> 4,8,0.4,32,0.426666667,0.37962963,3.89473684,
> 5,9,0.45,36,0.48,0.435185185,4.78947368,
> 6,10,0.5,40,0.533333333,0.472222222,5.68421053,
> 7,11,0.55,44,0.586666667,0.509259259,5.73684211,
$ kvcast curve small.jsonl --csv --model llama-3.1-8b --partial-tail skip | head -n 3
> capacity_blocks,hit_blocks,block_hit_rate,hit_tokens,token_hit_rate,request_hit_rate,mean_resident_blocks,capacity_gib
> 1,3,0.176470588,12,0.16,0.152777778,1,0.00048828125
> 2,7,0.411764706,28,0.373333333,0.342592593,2,0.0009765625
$ kvcast curve small.jsonl --json --semantics object | head -n 4
> [
>   {"capacity_blocks": 1, "hit_blocks": 0, "block_hit_rate": 0, "hit_tokens": 0, "token_hit_rate": 0, "request_hit_rate": 0, "mean_resident_blocks": 1, "capacity_gib": null},
>   {"capacity_blocks": 3, "hit_blocks": 4, "block_hit_rate": 0.2, "hit_tokens": 16, "token_hit_rate": 0.213333333, "request_hit_rate": 0.194444444, "mean_resident_blocks": 3, "capacity_gib": null},
>   {"capacity_blocks": 4, "hit_blocks": 6, "block_hit_rate": 0.3, "hit_tokens": 24, "token_hit_rate": 0.32, "request_hit_rate": 0.305555556, "mean_resident_blocks": 3.89473684, "capacity_gib": null},
$ kvcast curve small.jsonl --ttl --model llama-3.1-8b
> trace    small.jsonl
>          6 requests, 75 prompt tokens, 20 blocks of 4 tokens
> ttl      sliding, no limit of memory; exact at every TTL, --csv has them all
> 
>          TTL  tokens %  blocks % request %  TTFT ms     p95 held GiB
>           1s     21.33     20.00     19.44      4.1     4.3      0.0
>           2s     21.33     20.00     19.44      4.1     4.3      0.0
>           5s     37.33     35.00     36.11      4.1     4.3      0.0
>          inf     58.67     55.00     50.93      4.0     4.1      0.0
> 
> At $3 a GPU hour and $0.02 a GB-hour held, 8.73 s (within 5 %) are worth most:
> $0.00 of prefill saved, $0.00 to hold. No other TTL leaves more.
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast curve small.jsonl --ttl --csv --by class
> ttl_ms,hit_blocks,block_hit_rate,hit_tokens,token_hit_rate,request_hit_rate,mean_resident_blocks,mean_resident_gib,group
> 0.000000,2,0.166666667,8,0.181818182,0.166666667,0,,auditor
> 5500.000000,4,0.333333333,16,0.363636364,0.314814815,4.73684211,,auditor
> 8500.000000,6,0.5,24,0.545454545,0.462962963,5.68421053,,auditor
> 0.000000,0,0,0,0,0,0,,lawyer
> 1000.000000,2,0.333333333,8,0.333333333,0.333333333,1.26315789,,lawyer
> 3000.000000,5,0.833333333,20,0.833333333,0.833333333,3.15789474,,lawyer
$ kvcast curve small.jsonl --surface --ttls 1s,inf --capacity 3,inf --csv | cut -d, -f1,2,4,6,9,11
> ttl_ms,capacity_blocks,hit_blocks,hit_tokens,mean_resident_blocks,ttft_ms_mean
> 1000.000000,3,4,16,1.05263158,4.14591317
> 1000.000000,inf,4,16,1.26315789,4.14591317
> inf,3,7,28,3,4.09936417
> inf,inf,11,44,5.78947368,4.03727833
$ kvcast curve small.jsonl --surface --ttls 10s,1s --capacity 8,inf,4
> trace    small.jsonl
>          6 requests, 75 prompt tokens, 20 blocks of 4 tokens
>          token hit rate in %: the TTL on the left, the capacity in blocks above
> 
>                    4         8       inf
>         1s     21.33     21.33     21.33
>        10s     42.67     58.67     58.67
# A sample of everything is the curve itself; less than that needs more trees than there are here.
$ kvcast curve small.jsonl --csv --sample 1 >all.csv && kvcast curve small.jsonl --csv | cmp - all.csv
! kvcast: note: 3 of 3 prefix trees were looked at.
$ kvcast curve small.jsonl --ttl --json --sample 1 --seed 7 >all.json && kvcast curve small.jsonl --ttl --json | cmp - all.json
! kvcast: note: 3 of 3 prefix trees were looked at.
$ kvcast trace gen --manual small.jsonl --manual-tokens 300 --agents 6 --sessions 400 --seed 1 -o many.jsonl
! 1590 requests in 400 sessions over 24.1 min: 6 agents, 1 manual of 285 tokens,
! prompts of 1941 and answers of 262 tokens on average.
$ kvcast curve many.jsonl --csv --sample 0.25 --seed 3 | sed -n '1,2p;$p'
> capacity_blocks,hit_blocks,block_hit_rate,hit_tokens,token_hit_rate,request_hit_rate,mean_resident_blocks,capacity_gib,token_hit_rate_low,token_hit_rate_high
> 7514,136912,0.706923526,2191709,0.709996339,0.686630605,6779.2187,,0.655014283,0.764978396
> 24043,148015,0.764252116,2368797,0.767363367,0.739112416,18275.2461,,0.732651972,0.802074763
! kvcast: note: 58 of 285 prefix trees were looked at; the estimate begins at 7,514 blocks.
$ for i in 1 2; do kvcast curve many.jsonl --ttl --csv --sample 0.25 --seed 3 >$i.csv; done; cmp 1.csv 2.csv
! kvcast: note: 58 of 285 prefix trees were looked at.
! kvcast: note: 58 of 285 prefix trees were looked at.
$ kvcast curve small.jsonl --csv --sample 0.1
! kvcast: --sample 0.1: small.jsonl: of 3 prefix trees 0 would be looked at; expected at least 40, from which an error can be told.
? 1
$ kvcast curve small.jsonl --csv --sample 2
! kvcast: --sample 2: expected a share of the trace above 0 and at most 1, such as 0.01.
? 1
$ kvcast curve small.jsonl --sample 0.5
! kvcast: --sample: expected --csv or --json, and a curve over capacity or TTL, of all requests together, under prefix semantics.
? 1
# What is wrong is said.
$ kvcast curve
! kvcast curve: a trace is missing: a file, or - for standard input
! Try `kvcast curve --help' or `kvcast curve --usage' for more information.
? 2
$ kvcast curve small.jsonl other.jsonl
! kvcast curve: one trace at a time
! Try `kvcast curve --help' or `kvcast curve --usage' for more information.
? 2
$ kvcast curve small.jsonl --ttl --surface
! kvcast: --ttl and --surface are two curves: expected one of them.
? 1
$ kvcast curve small.jsonl --ttl --semantics object
! kvcast: --semantics object: only the curve over capacity, of all requests together, is known for it.
? 1
$ kvcast curve small.jsonl --by class
! kvcast: --by class: expected --csv or --json, and a curve over capacity or TTL.
? 1
$ kvcast curve small.jsonl --by session --csv
! kvcast curve: --by session: expected class or turn
! Try `kvcast curve --help' or `kvcast curve --usage' for more information.
? 2
$ kvcast curve small.jsonl --capacity 10,x
! kvcast: --capacity: 'x' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast curve small.jsonl --ttls 10
! kvcast: --ttls: '10' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf.
? 1
$ kvcast curve small.jsonl --rent 5
! kvcast: --rent 5: expected DOLLARS/GB-hour, e.g. 0.02/GB-hour.
? 1
$ kvcast curve small.jsonl --capacity 1GiB
! kvcast: --capacity 1GiB: a size in bytes needs --model, which gives the bytes of KV a token.
? 1
$ kvcast curve nothing.jsonl
! kvcast: nothing.jsonl cannot be opened: No such file or directory.
? 1
$ kvcast curve small.jsonl --seed 5
! kvcast: --seed says which trees are drawn; expected --sample beside it.
? 1
