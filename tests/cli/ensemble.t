# How sure a forecast is: the same run many times more, with steps that are off by as much as the calibration is known to be.
# Eight sessions evict each other's blocks: what is forecast for them turns with little.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--no-timing\n--capacity 1100\n--arrivals closed\n--sessions 8\n--speed 20\n--calib h200-llama-3.1-8b\n' >closed.conf
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20
> trace    licence-agents.jsonl.gz
>          372 requests, 3,186,397 prompt tokens, 198,980 blocks of 16 tokens
> cache    1,100 blocks = 2.1 GiB of llama-3.1-8b KV
> policy   vllm: evict vllm, ttl none, flat scope
> 
> hit rate 94.31 % of tokens, 94.39 % of blocks; mean of requests 94.86 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit                                            3,004,960   94.31 %
>   missed: never seen before (cold)                  27,200    0.85 %
>   missed: evicted for lack of room                 151,520    4.76 %
>   missed: tail that is no full block                 2,717    0.09 %
> 
> blocks   14,947 evicted, 0 expired; 954.8 resident on average (1.9 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            80.6       10.6      186.3      492.1     1127.7     1871.2
>    queue          55.7        1.8       44.9      429.5     1053.0     1812.3
>    prefill        24.9        7.7       69.9       89.8      195.1      203.6
>   E2E           1669.0     1298.1     3282.8     3983.8     6740.3     7731.0
>   NVIDIA H200, llama-3.1-8b; measured
> 
> ensemble 20 more forecasts, with steps that are off by 1.5 % on average;
>          from the 5th to the 95th percentile of each figure:
>          93.88 to 94.51 % of tokens hit
>   ms              mean        p50        p90        p95        p99
>   TTFT from       81.8       10.9      163.2      390.1     1215.3
>          to       87.7       11.7      200.0      538.7     1337.1
>   E2E  from     1651.8     1278.6     3191.8     3935.5     6392.3
>          to     1695.8     1326.8     3259.2     4099.8     6878.2
> 
> engine   busy 98.2 % of 142 s, 4.4 requests in the system on average
>          22401 prompt and 711 answer tokens/s; 16 preemptions, 0 rejected
> 
> saved    70.8 s of prefill, as much as 329 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     92.69 %          12.0
> support-engineer                  46           373,875     97.96 %           8.5
> technical-writer                  14           115,352     94.15 %          13.3
> training-coach                    30           249,573     93.42 %          18.7
> contract-analyst                  62           537,889     95.98 %           9.7
> risk-officer                      10            79,108     98.11 %           9.2
> security-reviewer                 23           191,561     93.39 %          21.3
> mediator                           9            78,481     89.85 %          36.7
> procurement-adviser                1             7,677     99.00 %           7.6
> translator                         9            74,078     97.13 %          10.9
> historian                          5            40,388     96.11 %          10.2
> release-manager                    4            30,819     99.37 %           7.4
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20 --json | sed -n '/"ensemble"/,$p'
>   "ensemble": {
>     "members": 20,
>     "step_error": 0.0149537,
>     "seed": 1,
>     "token_hit_rate": {
>       "p5": 0.938818358164,
>       "p50": 0.943081480431,
>       "p95": 0.945117384934
>     },
>     "ttft_ms": {
>       "mean": {
>         "p5": 81.8016448009,
>         "p50": 83.1291692164,
>         "p95": 87.7447443976
>       },
>       "p50": {
>         "p5": 10.918092925,
>         "p50": 11.19583475,
>         "p95": 11.67679395
>       },
>       "p90": {
>         "p5": 163.213315705,
>         "p50": 194.3893755,
>         "p95": 200.0375373
>       },
>       "p95": {
>         "p5": 390.12691823,
>         "p50": 481.851844,
>         "p95": 538.726103468
>       },
>       "p99": {
>         "p5": 1215.26617237,
>         "p50": 1242.2234794,
>         "p95": 1337.11972107
>       }
>     },
>     "e2e_ms": {
>       "mean": {
>         "p5": 1651.80300201,
>         "p50": 1675.12355681,
>         "p95": 1695.81191228
>       },
>       "p50": {
>         "p5": 1278.62512742,
>         "p50": 1314.6055045,
>         "p95": 1326.79016647
>       },
>       "p90": {
>         "p5": 3191.81025029,
>         "p50": 3220.2666107,
>         "p95": 3259.16012702
>       },
>       "p95": {
>         "p5": 3935.52650513,
>         "p50": 4049.93262617,
>         "p95": 4099.79266708
>       },
>       "p99": {
>         "p5": 6392.32163507,
>         "p50": 6768.4483611,
>         "p95": 6878.18721513
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
>   TTFT from       16.7        5.7        7.1        7.7       65.4
>          to       17.4        6.0        7.5        8.1       75.6
>   E2E  from     1130.2      886.2     2186.1     2819.5     4638.3
>          to     1178.1      923.9     2278.5     2939.1     4834.5
> 
# The forecast itself is as it was, and so are the files beside it; the members do not depend on the threads, but on the seed.
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --requests with.csv --timeline with.timeline.csv --events with.log --ensemble 5 | sed '/^ensemble/,/^$/d' >with; kvcast run licence-agents.jsonl.gz --preset closed.conf --requests without.csv --timeline without.timeline.csv --events without.log >without; for f in '' .csv .timeline.csv .log; do cmp with$f without$f; done
$ for n in 1 3; do OMP_NUM_THREADS=$n kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 7 --json >$n.json; done; cmp 1.json 3.json; kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 7 --seed 2 --json | cmp -s - 1.json
? 1
# Two forecasts are the least, a tiny error makes them equal.
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 2 --step-error 1e-7 | sed -n '/^  TTFT /p;/^  E2E /p;/^         to /p;/of tokens hit/p'
>   TTFT            80.6       10.6      186.3      492.1     1127.7     1871.2
>   E2E           1669.0     1298.1     3282.8     3983.8     6740.3     7731.0
>          94.31 to 94.31 % of tokens hit
>   TTFT from       80.6       10.6      186.3      492.1     1127.7
>          to       80.6       10.6      186.3      492.1     1127.7
>   E2E  from     1669.0     1298.1     3282.8     3983.8     6740.3
>          to     1669.0     1298.1     3282.8     3983.8     6740.3
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
