# How sure a forecast is: the same run many times more, with steps that are off by as much as the calibration is known to be.
# Eight sessions evict each other's blocks: what is forecast for them turns with little.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--no-timing\n--capacity 1100\n--arrivals closed\n--sessions 8\n--speed 20\n--calib h200-llama-3.1-8b\n' >closed.conf
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20
> trace    licence-agents.jsonl.gz
>          372 requests, 3,186,397 prompt tokens, 198,980 blocks of 16 tokens
> cache    1,100 blocks = 2.1 GiB of llama-3.1-8b KV
> policy   vllm: evict vllm, ttl none, flat scope
> 
> hit rate 94.49 % of tokens, 94.57 % of blocks; mean of requests 95.02 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit                                            3,010,704   94.49 %
>   missed: never seen before (cold)                  27,200    0.85 %
>   missed: evicted for lack of room                 145,776    4.57 %
>   missed: tail that is no full block                 2,717    0.09 %
> 
> blocks   14,578 evicted, 0 expired; 955.4 resident on average (1.9 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            88.2       11.0      198.9      548.8     1270.3     2700.5
>    queue          63.2        2.1       69.4      462.8     1186.5     2631.7
>    prefill        25.0        7.6       68.8       95.0      198.9      207.4
>   E2E           1679.9     1315.5     3205.7     4045.8     6792.6     7683.4
>   NVIDIA H200, llama-3.1-8b; measured
> 
> ensemble 20 more forecasts, with steps that are off by 1.79 % on average;
>          from the 5th to the 95th percentile of each figure:
>          93.94 to 94.52 % of tokens hit
>   ms              mean        p50        p90        p95        p99
>   TTFT from       82.1       10.8      163.7      433.9     1212.1
>          to       89.0       11.3      205.2      537.6     1360.3
>   E2E  from     1654.4     1282.2     3204.7     3941.5     6414.3
>          to     1704.9     1334.2     3282.3     4121.2     6942.4
> 
> engine   busy 98.0 % of 143 s, 4.4 requests in the system on average
>          22312 prompt and 708 answer tokens/s; 15 preemptions, 0 rejected
> 
> saved    72.5 s of prefill, as much as 330 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     92.71 %          11.5
> support-engineer                  46           373,875     98.04 %          10.0
> technical-writer                  14           115,352     95.82 %          12.8
> training-coach                    30           249,573     93.55 %          21.1
> contract-analyst                  62           537,889     96.47 %          10.6
> risk-officer                      10            79,108     98.11 %           9.1
> security-reviewer                 23           191,561     93.52 %          14.2
> mediator                           9            78,481     89.85 %           9.9
> procurement-adviser                1             7,677     99.00 %          64.4
> translator                         9            74,078     97.13 %          10.8
> historian                          5            40,388     96.11 %          10.1
> release-manager                    4            30,819     99.37 %           6.8
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20 --json | sed -n '/"ensemble"/,$p'
>   "ensemble": {
>     "members": 20,
>     "step_error": 0.0179258,
>     "seed": 1,
>     "token_hit_rate": {
>       "p5": 0.939434979383,
>       "p50": 0.943493230756,
>       "p95": 0.945241412166
>     },
>     "ttft_ms": {
>       "mean": {
>         "p5": 82.0756312675,
>         "p50": 84.4906410914,
>         "p95": 88.9987565015
>       },
>       "p50": {
>         "p5": 10.7867107,
>         "p50": 11.115605,
>         "p95": 11.283100275
>       },
>       "p90": {
>         "p5": 163.727353415,
>         "p50": 196.5644,
>         "p95": 205.22392365
>       },
>       "p95": {
>         "p5": 433.889219965,
>         "p50": 506.6406452,
>         "p95": 537.639375617
>       },
>       "p99": {
>         "p5": 1212.07074466,
>         "p50": 1285.84965875,
>         "p95": 1360.29523942
>       }
>     },
>     "e2e_ms": {
>       "mean": {
>         "p5": 1654.36312845,
>         "p50": 1681.44001712,
>         "p95": 1704.89826663
>       },
>       "p50": {
>         "p5": 1282.18734065,
>         "p50": 1313.840325,
>         "p95": 1334.19143977
>       },
>       "p90": {
>         "p5": 3204.66454165,
>         "p50": 3231.05831085,
>         "p95": 3282.33374449
>       },
>       "p95": {
>         "p5": 3941.4781175,
>         "p50": 4057.77215955,
>         "p95": 4121.22027855
>       },
>       "p99": {
>         "p5": 6414.25502192,
>         "p50": 6814.22942293,
>         "p95": 6942.37438931
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
>   TTFT            88.2       11.0      198.9      548.8     1270.3     2700.5
>   E2E           1679.9     1315.5     3205.7     4045.8     6792.6     7683.4
>          94.49 to 94.49 % of tokens hit
>   TTFT from       88.2       11.0      198.9      548.8     1270.3
>          to       88.2       11.0      198.9      548.8     1270.3
>   E2E  from     1679.9     1315.5     3205.7     4045.8     6792.6
>          to     1679.9     1315.5     3205.7     4045.8     6792.6
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
