# Parameters found on half of the sample, judged on the other; the same again from the same seed.
$ kvcast tune licence-agents.jsonl.gz --model llama-3.1-8b --ttl adaptive --objective held_gib_s --constraint 'hit>=0.9' --runs 40
> trace    licence-agents.jsonl.gz
>          186 requests to train on, 186 to judge by; 40 runs
> given    evict lru, ttl adaptive
> found    evict lru, ttl adaptive:base=3275ms,alpha=0.0374947,min=1603ms,max=53789ms
>   ttl.base                        60 -> 3.27499     s in 1..985.456
>   ttl.alpha                      0.5 -> 0.0374947     in 0.005..50
>   ttl.min                         10 -> 1.60256     s in 1..985.456
>   ttl.max                       3600 -> 53.7894     s in 1..985.456
> 
>             tokens %  TTFT mean        p95        p99   held GiB s    dollars
> training
>   given        97.01       11.6       24.0       33.4         390.9       0.00
>   found        93.10       21.2       56.5      218.6         173.5       0.00
> the rest
>   given        95.54       17.6       41.4       58.6        2911.6       0.02
>   found        76.09       72.9      338.2      389.0         613.7       0.01
>   belady       96.51       14.7       30.1       44.0        9393.4       0.06
> 
> On the rest held_gib_s is better by 2298 to 2298 GiB s (95 %, sessions drawn anew): a gain.
> But there it breaks a constraint that it kept in training: do not rely on it.
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ for i in 1 2; do kvcast tune licence-agents.jsonl.gz --capacity 800 --ttl static:ttl=10s --over ttl=1s..10m --objective hit --runs 24 --json >$i.json; done; cmp 1.json 2.json && grep '"ttl"' 1.json
>   "ttl": "static:ttl=49492ms",
# What was tried; a point is on the front if no other beats it (looked at one by one).
$ kvcast tune licence-agents.jsonl.gz --model llama-3.1-8b --ttl adaptive --search anneal --runs 24 --points tried.csv >found
$ sed -n '1,2p' tried.csv; sed '1d; s/"[^"]*"/ttl/' tried.csv | awk -F, '{ n++; h[n] = $6; t[n] = $9; m[n] = $11; d[n] = $12; on[n] = $14; fronts += $14 } END { for (a = 1; a <= n; a++) { best = 1; for (b = 1; b <= n; b++) if (h[b] >= h[a] && t[b] <= t[a] && m[b] <= m[a] && d[b] <= d[a] && (h[b] > h[a] || t[b] < t[a] || m[b] < m[a] || d[b] < d[a])) best = 0; wrong += best != on[a] } print n " tried, " fronts " on the front, " wrong + 0 " wrongly" }'
> trace,evict,ttl,capacity_blocks,capacity_gib,token_hit_rate,ttft_ms_mean,ttft_ms_p50,ttft_ms_p95,ttft_ms_p99,held_gib_s,dollars,allowed,on_front
> licence-agents.jsonl.gz,lru,"adaptive:base=60000ms,alpha=0.5,min=10000ms,max=985456ms",inf,,0.970087443,11.5701025,8.04378,23.9651372,33.3733447,390.864023,0.00412496061,1,1
> 10 tried, 9 on the front, 0 wrongly
$ kvcast tune licence-agents.jsonl.gz --slo 'hit>=0.9' --points tried.csv
! kvcast: --points keeps what a search has tried; --slo makes none.
? 1
$ kvcast tune licence-agents.jsonl.gz --ttl adaptive --search luck
! kvcast tune: --search luck: expected simplex or anneal
! Try `kvcast tune --help' or `kvcast tune --usage' for more information.
? 2
# The least room that keeps a promise; belady cannot be had.
$ kvcast tune licence-agents.jsonl.gz --model llama-3.1-8b --evict lru,fifo,belady --slo 'ttft_p95<=50ms'
> trace    licence-agents.jsonl.gz
> promise  ttft_p95<=50ms
> 
> policy                blocks       GiB  tokens %  TTFT mean      p95      p99
> belady, ttl none       1,154       2.3     95.23       17.5     48.9    102.5
> lru, ttl none          1,755       3.4     95.13       17.7     49.1    101.7
> fifo, ttl none         1,755       3.4     95.13       17.7     49.1    101.7
> 
> lru with ttl none keeps it with the least room, and
> fifo with ttl none with as much.
> It rests on 372 requests: with their sessions drawn anew, ttft_p95 is 39.4 to 73.64 (95 %).
> Capacities within 1 %, for policies that do no worse with more room.
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast tune licence-agents.jsonl.gz --slo 'hit>=0.99'
> trace    licence-agents.jsonl.gz
> promise  hit>=0.99
> 
> policy             blocks  tokens %  TTFT mean      p95      p99
> lru, ttl none       never     96.77       13.1     26.8     41.5
> 
> No policy that could be had keeps it, with room for every block of the trace.
> Capacities within 1 %, for policies that do no worse with more room.
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast tune licence-agents.jsonl.gz --slo 'ttft_mean<=20' --json | sed -n 1,7p
> [
>   {
>     "evict": "lru",
>     "ttl": "none",
>     "kept": true,
>     "capacity_blocks": 1509,
>     "low": 16.6066732492,
# What is wrong is said.
$ kvcast tune
! kvcast tune: a trace is missing: a file, or - for standard input
! Try `kvcast tune --help' or `kvcast tune --usage' for more information.
? 2
$ kvcast tune small.jsonl --objective speed
! kvcast: --objective speed: expected ttft_mean, ttft_p50, ttft_p95, ttft_p99, hit, held_gib_s or cost.
? 1
$ kvcast tune small.jsonl --ttl none
! kvcast: --ttl none: it has no number to tune; name parameters with --over.
? 1
$ kvcast tune small.jsonl --ttl adaptive --over beta=1..2
! kvcast: --over ttl.beta: adaptive has no number or duration of that name.
? 1
$ kvcast tune small.jsonl --ttl adaptive --over base=1..2
! kvcast: --over ttl.base: expected a range of durations, such as 10s..1h.
? 1
$ kvcast tune small.jsonl --ttl adaptive --over base=10s..1s
! kvcast: --over ttl.base: expected a range within 0..9.3e+18, its smaller end first.
? 1
$ kvcast tune small.jsonl --ttl adaptive --over base
! kvcast: --over base: expected [evict.]KEY=LOW..HIGH, such as base=10s..1h.
? 1
$ kvcast tune small.jsonl --ttl adaptive --constraint 'hit=1'
! kvcast: hit=1: expected METRIC<=N or METRIC>=N, METRIC one of ttft_mean, ttft_p50, ttft_p95, ttft_p99, hit, held_gib_s and cost.
? 1
$ kvcast tune small.jsonl --ttl adaptive --objective cost
! kvcast: held_gib_s and cost need --model, which gives the bytes of KV a token.
? 1
$ kvcast tune small.jsonl --ttl adaptive --train 0.001
! kvcast: --train 0.001: expected a number from 0.01 to 0.99.
? 1
$ kvcast tune small.jsonl --ttl adaptive --runs 1
! kvcast: --runs 1: expected a number from 8 to 1e+06.
? 1
$ kvcast tune small.jsonl --slo 'ttft_p95<=1s' --capacity 5
! kvcast: --slo looks for the capacity; expected no --capacity beside it.
? 1
$ kvcast tune small.jsonl --evict lru,lfu --ttl adaptive
! kvcast: --evict lru,lfu: expected one policy; `kvcast sweep` takes lists.
? 1
$ kvcast tune small.jsonl --ttl 'static:ttl=5m;class=lawyer:ttl=1h'
! kvcast: --ttl static:ttl=5m;class=lawyer:ttl=1h: what holds for one class only cannot be tuned; expected a SPEC without ';class='.
? 1
$ kvcast tune small.jsonl --slo 'ttft_p95<=1s' --search anneal
! kvcast: --search is about a search; --slo makes none.
? 1
$ kvcast tune small.jsonl --slo 'ttft_p95<=1s' --runs 50
! kvcast: --runs is about a search; --slo makes none.
? 1

# No promise is kept where requests find no room at all.
$ kvcast tune licence-agents.jsonl.gz --model llama-3.1-8b --evict lru --slo 'ttft_p95<=100ms' --engine vllm
> trace    licence-agents.jsonl.gz
> promise  ttft_p95<=100ms
> 
> policy             blocks       GiB  tokens %  TTFT mean      p95      p99
> lru, ttl none         877       1.7     91.39       35.5     88.8    135.4
> 
> lru with ttl none keeps it with the least room.
> It rests on 372 requests: with their sessions drawn anew, ttft_p95 is 74.72 to 114.9 (95 %).
> Capacities within 1 %, for policies that do no worse with more room.
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
