# How sure a forecast is: the same run many times more, with steps that are off by as much as the calibration is known to be.
# Eight sessions evict each other's blocks: what is forecast for them turns with little.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--no-timing\n--capacity 1100\n--arrivals closed\n--sessions 8\n--speed 20\n--calib h200-llama-3.1-8b\n' >closed.conf
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20
> trace    licence-agents.jsonl.gz
>          372 requests, 3,186,397 prompt tokens, 198,980 blocks of 16 tokens
> cache    1,100 blocks = 2.1 GiB of llama-3.1-8b KV
> policy   vllm: evict vllm, ttl none, flat scope
> 
> hit rate 94.34 % of tokens, 94.42 % of blocks; mean of requests 94.89 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit                                            3,005,888   94.34 %
>   missed: never seen before (cold)                  27,200    0.85 %
>   missed: evicted for lack of room                 150,592    4.73 %
>   missed: tail that is no full block                 2,717    0.09 %
> 
> blocks   14,862 evicted, 0 expired; 954.9 resident on average (1.9 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            80.7       10.9      186.8      491.8     1129.2     1872.1
>    queue          56.0        2.1       46.7      429.7     1054.6     1813.4
>    prefill        24.7        7.6       70.2       89.7      195.1      203.5
>   E2E           1669.1     1296.3     3283.6     3985.7     6742.9     7730.8
>   NVIDIA H200, llama-3.1-8b; measured
> 
> ensemble 20 more forecasts, with steps that are off by 1.72 % on average;
>          from the 5th to the 95th percentile of each figure:
>          93.95 to 94.55 % of tokens hit
>   ms              mean        p50        p90        p95        p99
>   TTFT from       81.6       10.6      153.9      381.2     1199.5
>          to       88.0       11.3      201.0      540.5     1334.2
>   E2E  from     1649.7     1281.3     3178.2     3927.1     6406.0
>          to     1698.6     1327.0     3257.5     4109.3     6907.7
> 
> engine   busy 98.2 % of 142 s, 4.4 requests in the system on average
>          22395 prompt and 711 answer tokens/s; 15 preemptions, 0 rejected
> 
> saved    70.8 s of prefill, as much as 329 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     92.75 %          11.4
> support-engineer                  46           373,875     97.96 %           8.6
> technical-writer                  14           115,352     94.17 %          13.8
> training-coach                    30           249,573     93.42 %          18.5
> contract-analyst                  62           537,889     95.98 %          10.0
> risk-officer                      10            79,108     98.11 %           9.1
> security-reviewer                 23           191,561     93.39 %          17.9
> mediator                           9            78,481     89.85 %          37.1
> procurement-adviser                1             7,677     99.00 %           7.6
> translator                         9            74,078     97.13 %          11.2
> historian                          5            40,388     96.11 %          10.9
> release-manager                    4            30,819     99.37 %           7.3
$ kvcast run licence-agents.jsonl.gz --preset closed.conf --ensemble 20 --json | sed -n '/"ensemble"/,$p'
>   "ensemble": {
>     "members": 20,
>     "step_error": 0.017232,
>     "seed": 1,
>     "token_hit_rate": {
>       "p5": 0.939461090379,
>       "p50": 0.942973521504,
>       "p95": 0.945517335097
>     },
>     "ttft_ms": {
>       "mean": {
>         "p5": 81.6135656433,
>         "p50": 83.5517255524,
>         "p95": 87.9661714691
>       },
>       "p50": {
>         "p5": 10.565972075,
>         "p50": 10.96060025,
>         "p95": 11.340248975
>       },
>       "p90": {
>         "p5": 153.877965285,
>         "p50": 194.26871925,
>         "p95": 201.02314201
>       },
>       "p95": {
>         "p5": 381.2174405,
>         "p50": 472.921404325,
>         "p95": 540.496772785
>       },
>       "p99": {
>         "p5": 1199.5382472,
>         "p50": 1257.25164174,
>         "p95": 1334.16502703
>       }
>     },
>     "e2e_ms": {
>       "mean": {
>         "p5": 1649.72763323,
>         "p50": 1675.77641297,
>         "p95": 1698.62779821
>       },
>       "p50": {
>         "p5": 1281.29771545,
>         "p50": 1312.312067,
>         "p95": 1326.97239418
>       },
>       "p90": {
>         "p5": 3178.18046443,
>         "p50": 3223.3992178,
>         "p95": 3257.49840325
>       },
>       "p95": {
>         "p5": 3927.0847532,
>         "p50": 4051.98866267,
>         "p95": 4109.30138343
>       },
>       "p99": {
>         "p5": 6405.96798339,
>         "p50": 6776.68933787,
>         "p95": 6907.74748066
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
>   TTFT            80.7       10.9      186.8      491.8     1129.2     1872.1
>   E2E           1669.1     1296.3     3283.6     3985.7     6742.9     7730.8
>          94.34 to 94.34 % of tokens hit
>   TTFT from       80.7       10.9      186.8      491.8     1129.2
>          to       80.7       10.9      186.8      491.8     1129.2
>   E2E  from     1669.1     1296.3     3283.6     3985.7     6742.9
>          to     1669.1     1296.3     3283.6     3985.7     6742.9
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
