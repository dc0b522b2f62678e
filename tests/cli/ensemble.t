# How sure a forecast is: the same run many times more, with steps that are off by as much as the calibration is known to be.
# Eight sessions evict each other's blocks: what is forecast for them turns with little.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--no-timing\n--capacity 1100\n--arrivals closed\n--sessions 8\n--speed 20\n--calib h200-llama-3.1-8b\n' >closed.conf
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20
> trace    licence-agents.jsonl.gz
>          372 requests, 3,186,397 prompt tokens, 198,980 blocks of 16 tokens
> cache    1,100 blocks = 2.1 GiB of llama-3.1-8b KV
> policy   vllm: evict vllm, ttl none, flat scope
> 
> hit rate 94.40 % of tokens, 94.48 % of blocks; mean of requests 94.93 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit                                            3,007,888   94.40 %
>   missed: never seen before (cold)                  27,200    0.85 %
>   missed: evicted for lack of room                 148,592    4.66 %
>   missed: tail that is no full block                 2,717    0.09 %
> 
> blocks   14,704 evicted, 0 expired; 954.5 resident on average (1.9 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            83.9       11.3      199.0      444.8     1214.5     2618.7
>    queue          58.7        2.4       65.2      385.6     1130.6     2549.7
>    prefill        25.2        7.7       69.7       91.3      199.0      207.6
>   E2E           1670.1     1312.7     3208.9     4026.9     6744.3     7702.4
>   NVIDIA H200, llama-3.1-8b; measured
> 
> ensemble 20 more forecasts, with steps that are off by 1.89 % on average;
>          from the 5th to the 95th percentile of each figure:
>          93.91 to 94.49 % of tokens hit
>   ms              mean        p50        p90        p95        p99
>   TTFT from       73.7       10.8      168.2      381.9     1019.9
>          to       89.4       11.6      203.8      539.8     1339.4
>   E2E  from     1645.4     1271.1     3189.0     3922.2     6396.7
>          to     1700.5     1327.4     3250.8     4114.3     6922.2
> 
> engine   busy 98.4 % of 142 s, 4.4 requests in the system on average
>          22405 prompt and 711 answer tokens/s; 14 preemptions, 0 rejected
> 
> saved    72.5 s of prefill, as much as 329 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     92.76 %          12.5
> support-engineer                  46           373,875     98.03 %           9.1
> technical-writer                  14           115,352     95.82 %          11.0
> training-coach                    30           249,573     93.42 %          13.4
> contract-analyst                  62           537,889     95.93 %          10.5
> risk-officer                      10            79,108     98.11 %           9.9
> security-reviewer                 23           191,561     93.47 %          14.6
> mediator                           9            78,481     89.85 %          10.7
> procurement-adviser                1             7,677     99.00 %           7.5
> translator                         9            74,078     97.13 %          10.3
> historian                          5            40,388     96.15 %           9.0
> release-manager                    4            30,819     98.85 %           7.1
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20 --json | sed -n '/"ensemble"/,$p'
>   "ensemble": {
>     "members": 20,
>     "step_error": 0.0188689,
>     "seed": 1,
>     "token_hit_rate": {
>       "p5": 0.939115370746,
>       "p50": 0.943257227521,
>       "p95": 0.944876109286
>     },
>     "ttft_ms": {
>       "mean": {
>         "p5": 73.7244844164,
>         "p50": 83.9484870565,
>         "p95": 89.4187684906
>       },
>       "p50": {
>         "p5": 10.83222525,
>         "p50": 11.201531,
>         "p95": 11.565663075
>       },
>       "p90": {
>         "p5": 168.17746974,
>         "p50": 197.63615415,
>         "p95": 203.767883035
>       },
>       "p95": {
>         "p5": 381.901873865,
>         "p50": 489.577885325,
>         "p95": 539.811833015
>       },
>       "p99": {
>         "p5": 1019.87738491,
>         "p50": 1257.3724089,
>         "p95": 1339.3861398
>       }
>     },
>     "e2e_ms": {
>       "mean": {
>         "p5": 1645.43351029,
>         "p50": 1676.12915496,
>         "p95": 1700.48685756
>       },
>       "p50": {
>         "p5": 1271.11992452,
>         "p50": 1309.153377,
>         "p95": 1327.41768625
>       },
>       "p90": {
>         "p5": 3189.02020884,
>         "p50": 3220.9749698,
>         "p95": 3250.82995613
>       },
>       "p95": {
>         "p5": 3922.17759634,
>         "p50": 4047.07060565,
>         "p95": 4114.27327542
>       },
>       "p99": {
>         "p5": 6396.67904344,
>         "p50": 6790.91212178,
>         "p95": 6922.16974198
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
>   TTFT from       16.6        5.7        7.1        7.7       68.2
>          to       17.4        5.9        7.5        8.1       75.7
>   E2E  from     1130.1      886.2     2186.1     2819.6     4638.2
>          to     1178.1      923.8     2278.5     2939.0     4834.3
> 
# The forecast itself is as it was, and so are the files beside it; the members do not depend on the threads, but on the seed.
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --requests with.csv --timeline with.timeline.csv --events with.log --ensemble 5 | sed '/^ensemble/,/^$/d' >with; kvcast run licence-agents.jsonl.gz --preset closed.conf --requests without.csv --timeline without.timeline.csv --events without.log >without; for f in '' .csv .timeline.csv .log; do cmp with$f without$f; done
$ for n in 1 3; do OMP_NUM_THREADS=$n kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 7 --json >$n.json; done; cmp 1.json 3.json; kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 7 --seed 2 --json | cmp -s - 1.json
? 1
# Two forecasts are the least, a tiny error makes them equal.
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 2 --step-error 1e-7 | sed -n '/^  TTFT /p;/^  E2E /p;/^         to /p;/of tokens hit/p'
>   TTFT            83.9       11.3      199.0      444.8     1214.5     2618.7
>   E2E           1670.1     1312.7     3208.9     4026.9     6744.3     7702.4
>          94.40 to 94.40 % of tokens hit
>   TTFT from       83.9       11.3      199.0      444.8     1214.5
>          to       83.9       11.3      199.0      444.8     1214.5
>   E2E  from     1670.1     1312.7     3208.9     4026.9     6744.3
>          to     1670.1     1312.7     3208.9     4026.9     6744.3
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
