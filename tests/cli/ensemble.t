# How sure a forecast is: the same run many times more, with steps that are off by as much as the calibration is known to be.
# Eight sessions evict each other's blocks: what is forecast for them turns with little.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--no-timing\n--capacity 1100\n--arrivals closed\n--sessions 8\n--speed 20\n--calib h200-llama-3.1-8b\n' >closed.conf
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20
> trace    licence-agents.jsonl.gz
>          372 requests, 3,186,397 prompt tokens, 198,980 blocks of 16 tokens
> cache    1,100 blocks = 2.1 GiB of llama-3.1-8b KV
> policy   vllm: evict vllm, ttl none, flat scope
> 
> hit rate 94.34 % of tokens, 94.42 % of blocks; mean of requests 94.91 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit                                            3,006,096   94.34 %
>   missed: never seen before (cold)                  27,200    0.85 %
>   missed: evicted for lack of room                 150,384    4.72 %
>   missed: tail that is no full block                 2,717    0.09 %
> 
> blocks   14,935 evicted, 0 expired; 954.0 resident on average (1.9 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            86.2       10.5      198.8      521.0     1267.5     1843.3
>    queue          60.4        2.0       68.2      471.8     1182.4     1808.7
>    prefill        25.7        7.7       77.4      101.4      199.3      208.0
>   E2E           1656.5     1279.2     3218.3     3961.7     6339.8     7547.8
>   NVIDIA H200, llama-3.1-8b; measured
> 
> ensemble 20 more forecasts, with steps that are off by 1.89 % on average;
>          from the 5th to the 95th percentile of each figure:
>          94.15 to 94.46 % of tokens hit
>   ms              mean        p50        p90        p95        p99
>   TTFT from       71.2       10.6      140.1      370.4     1033.1
>          to       86.8       11.4      206.7      540.2     1320.3
>   E2E  from     1625.1     1246.3     3133.4     3877.2     6253.9
>          to     1672.9     1309.6     3232.5     4045.6     6797.6
> 
> engine   busy 97.5 % of 143 s, 4.3 requests in the system on average
>          22341 prompt and 709 answer tokens/s; 14 preemptions, 0 rejected
> 
> saved    71.5 s of prefill, as much as 328 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     92.81 %          11.4
> support-engineer                  46           373,875     98.03 %           9.3
> technical-writer                  14           115,352     94.28 %          17.8
> training-coach                    30           249,573     93.54 %          12.6
> contract-analyst                  62           537,889     96.20 %          10.3
> risk-officer                      10            79,108     98.17 %           7.8
> security-reviewer                 23           191,561     93.50 %          10.9
> mediator                           9            78,481     88.54 %          11.9
> procurement-adviser                1             7,677     99.00 %           7.4
> translator                         9            74,078     95.90 %          11.7
> historian                          5            40,388     94.09 %          26.5
> release-manager                    4            30,819     99.37 %           7.1
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20 --json | sed -n '/"ensemble"/,$p'
>   "ensemble": {
>     "members": 20,
>     "step_error": 0.0189183,
>     "seed": 1,
>     "token_hit_rate": {
>       "p5": 0.941475654164,
>       "p50": 0.943500762774,
>       "p95": 0.944601441691
>     },
>     "ttft_ms": {
>       "mean": {
>         "p5": 71.2037584341,
>         "p50": 81.9665830632,
>         "p95": 86.8364507961
>       },
>       "p50": {
>         "p5": 10.592829075,
>         "p50": 11.026887,
>         "p95": 11.389341675
>       },
>       "p90": {
>         "p5": 140.118330635,
>         "p50": 196.7900917,
>         "p95": 206.65298904
>       },
>       "p95": {
>         "p5": 370.401915485,
>         "p50": 456.263907825,
>         "p95": 540.190261345
>       },
>       "p99": {
>         "p5": 1033.08803032,
>         "p50": 1241.5813915,
>         "p95": 1320.26546082
>       }
>     },
>     "e2e_ms": {
>       "mean": {
>         "p5": 1625.12655274,
>         "p50": 1655.33456732,
>         "p95": 1672.94610611
>       },
>       "p50": {
>         "p5": 1246.27254355,
>         "p50": 1283.98070525,
>         "p95": 1309.6385026
>       },
>       "p90": {
>         "p5": 3133.37913679,
>         "p50": 3195.5138962,
>         "p95": 3232.50596941
>       },
>       "p95": {
>         "p5": 3877.22211853,
>         "p50": 3948.26422737,
>         "p95": 4045.58449162
>       },
>       "p99": {
>         "p5": 6253.92137291,
>         "p50": 6529.4178399,
>         "p95": 6797.63465143
>       }
>     }
>   }
> }
# One request at a time: every member hits the same, and is off by what its steps are.
$ kvcast run licence-agents.jsonl.gz --engine static --speed 0.01 --no-timing --ensemble=20 --step-error=3 | sed -n '/^  ms /,/^$/p;/^ensemble/p;/of tokens hit/p'
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            17.0        5.8        7.3        7.8       70.6     1654.2
>    queue          10.6        0.0        0.0        0.0        0.0     1648.9
>    prefill         6.5        5.8        7.2        7.7        8.9      219.8
>   E2E           1154.9      905.5     2233.8     2881.1     4739.2     5545.6
>   NVIDIA H200, llama-3.1-8b; an estimate, not measured
> 
> ensemble 20 more forecasts, with steps that are off by 3 % on average;
>          99.06 to 99.06 % of tokens hit
>   ms              mean        p50        p90        p95        p99
>   TTFT from       16.6        5.6        7.1        7.7       67.8
>          to       17.4        6.0        7.5        8.1       73.3
>   E2E  from     1130.1      886.2     2186.2     2819.6     4638.0
>          to     1178.1      923.7     2278.6     2938.8     4834.4
> 
# The forecast itself is as it was, and so are the files beside it; the members do not depend on the threads, but on the seed.
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --requests with.csv --timeline with.timeline.csv --events with.log --ensemble 5 | sed '/^ensemble/,/^$/d' >with; kvcast run licence-agents.jsonl.gz --preset closed.conf --requests without.csv --timeline without.timeline.csv --events without.log >without; for f in '' .csv .timeline.csv .log; do cmp with$f without$f; done
$ for n in 1 3; do OMP_NUM_THREADS=$n kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 7 --json >$n.json; done; cmp 1.json 3.json; kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 7 --seed 2 --json | cmp -s - 1.json
? 1
# Two forecasts are the least, a tiny error makes them equal.
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 2 --step-error 1e-7 | sed -n '/^  TTFT /p;/^  E2E /p;/^         to /p;/of tokens hit/p'
>   TTFT            86.2       10.5      198.8      521.0     1267.5     1843.3
>   E2E           1656.5     1279.2     3218.3     3961.7     6339.8     7547.8
>          94.34 to 94.34 % of tokens hit
>   TTFT from       86.2       10.5      198.8      521.0     1267.5
>          to       86.2       10.5      198.8      521.0     1267.5
>   E2E  from     1656.5     1279.2     3218.3     3961.7     6339.8
>          to     1656.5     1279.2     3218.3     3961.7     6339.8
# Refusals.
$ for n in 1 1001 0 -3 2.5 many ''; do kvcast run small.jsonl --engine vllm --step-error 2 --ensemble=$n; done
! kvcast: --ensemble 1: expected a whole number of forecasts from 2 to 1000.
! kvcast: --ensemble 1001: expected a whole number of forecasts from 2 to 1000.
! kvcast: --ensemble 0: expected a whole number of forecasts from 2 to 1000.
! kvcast: --ensemble -3: expected a whole number of forecasts from 2 to 1000.
! kvcast: --ensemble 2.5: expected a whole number of forecasts from 2 to 1000.
! kvcast: --ensemble many: expected a whole number of forecasts from 2 to 1000.
! kvcast: --ensemble : expected a whole number of forecasts from 2 to 1000.
? 1
$ for m in 0 -1 50.01 inf nan 2% much ''; do kvcast run small.jsonl --engine vllm --ensemble 9 --step-error=$m; done
! kvcast: --step-error 0: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error -1: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error 50.01: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error inf: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error nan: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error 2%: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error much: expected by how many percent a step is off on average, above 0 and at most 50.
! kvcast: --step-error : expected by how many percent a step is off on average, above 0 and at most 50.
? 1
$ kvcast run small.jsonl --engine vllm --ensemble 9
! kvcast: --ensemble: the calibration h200-llama-3.1-8b.estimate does not say how far its steps are off; expected --step-error PERCENT beside it, or --calib with one that kvcast fit made.
? 1
$ kvcast run small.jsonl --ensemble 9 --step-error 2
! kvcast: --ensemble: in --engine replay nothing takes time, so there are no steps that could be off; choose static, vllm or sglang.
? 1
$ kvcast run small.jsonl --engine vllm --step-error 2
! kvcast: --step-error: it is that of an ensemble's forecasts; expected --ensemble N beside it.
? 1
$ kvcast run small.jsonl --engine vllm --ensemble 9 --step-error 2 --csv
! kvcast: --ensemble: a row of --csv has the columns of kvcast sweep, none of which is for an ensemble; choose --json.
? 1
$ kvcast run small.jsonl --provider anthropic --ensemble 9
! kvcast: --provider gives bills, in which nothing takes time; expected no --ensemble or --step-error beside it.
? 1
$ kvcast run small.jsonl --provider anthropic --step-error 2
! kvcast: --provider gives bills, in which nothing takes time; expected no --ensemble or --step-error beside it.
? 1
$ kvcast sweep small.jsonl --engine vllm --ensemble 9
! kvcast sweep: unrecognized option '--ensemble'
! Try `kvcast sweep --help' or `kvcast sweep --usage' for more information.
? 2
# What is refused leaves no file behind.
$ kvcast run small.jsonl --engine vllm --ensemble 9 --requests left.csv; test ! -e left.csv
! kvcast: --ensemble: the calibration h200-llama-3.1-8b.estimate does not say how far its steps are off; expected --step-error PERCENT beside it, or --calib with one that kvcast fit made.
