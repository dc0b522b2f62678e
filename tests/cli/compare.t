# Two forecasts stand in for forecast and measurement: with another calibration, the same hits and other times.
$ kvcast run licence-agents.jsonl.gz --engine vllm --model llama-3.1-8b --capacity 8GiB --requests p.csv --quiet >/dev/null
$ printf '{"kvcast_calibration":1,"name":"slower","device":"D","model":"M","provenance":"made up","estimate":true,"prefill":{"fixed_ns":4000000,"per_new_token_ns":24000,"per_token_pair_ns":1.2},"decode":{"fixed_ns":4000000,"per_context_token_ns":33}}' >slower.json
$ kvcast run licence-agents.jsonl.gz --engine vllm --model llama-3.1-8b --capacity 8GiB --calib slower.json --requests m.csv --quiet >/dev/null
$ kvcast compare p.csv m.csv --rows rows.csv; head -n 2 rows.csv
> requests 372, 3186397 prompt tokens
> hits     predicted 98.4284 %, measured 98.4284 %: +0.0000 percentage points
>          hit tokens differ for 0 of 372 requests
> 
>                                  error of the figure, in %
>   TTFT               requests    mean     p50     p95     p99      KS
>   all                     372   -3.02   -2.17  -10.75   -3.80  0.0699
>   uncontended             140   -2.59   -2.39   -2.76   -2.92  0.1000
>   queued                  232   -3.24   -1.57   -7.76   -2.26  0.0862
> 
>                                  errors of single requests, in %
>   TTFT               requests    MAPE     p50     p90     p99    bias
>   all                     372   10.90    5.05   27.99   51.66   -1.71
>   uncontended             140    2.41    2.39    2.58    2.91   -2.41
>   queued                  232   16.02   12.65   33.96   57.28   -1.28
> 
>                                  error of the figure, in %
>   E2E                requests    mean     p50     p95     p99      KS
>   all                     372   -2.38   -2.76   -2.37   -2.25  0.0323
>   uncontended             140   -2.24   -2.37   -2.43   -2.34  0.0643
>   queued                  232   -2.46   -2.72   -2.27   -2.25  0.0388
> 
>                                  errors of single requests, in %
>   E2E                requests    MAPE     p50     p90     p99    bias
>   all                     372    2.38    2.31    2.76    3.62   -2.38
>   uncontended             140    2.22    2.16    2.38    2.54   -2.22
>   queued                  232    2.48    2.43    2.92    3.84   -2.48
> 
> KS: the Kolmogorov-Smirnov distance. MAPE: the mean of the absolute errors.
> request,group,prompt_tokens,predicted_hit_tokens,measured_hit_tokens,predicted_ttft_ms,measured_ttft_ms,predicted_e2e_ms,measured_e2e_ms
> 0,uncontended,7767,0,0,219.799676,226.608427,540.640196,554.440932
$ kvcast compare p.csv m.csv --json | grep -A8 '"hits"'
>   "hits": {
>     "predicted_tokens": 3136320,
>     "measured_tokens": 3136320,
>     "differing_requests": 0,
>     "predicted_rate": 0.98428413,
>     "measured_rate": 0.98428413,
>     "percentage_points": 0.0
>   },
>   "unsaid": "",
$ sed -n 2p p.csv | grep -o 'source=.*'
> source=predicted|trace=licence-agents.jsonl.gz|checksum=5588c4b9f0856765|block=16|capacity=4096|kv_bytes=131072|calibration=h200-llama-3.1-8b.estimate|engine=vllm|evict=vllm|ttl=none|scope=flat|load=faster|arrivals=open|speed=1|step_tokens=8192|max_running=256|warmup=0|tiers=
$ kvcast run licence-agents.jsonl.gz --engine vllm --model llama-3.1-8b --capacity 9GiB --requests other.csv --quiet >/dev/null; kvcast compare other.csv m.csv
! kvcast: other.csv has capacity 4608, but m.csv has 4096: that comparison would mean nothing.
? 1
$ kvcast run small.jsonl --requests small.csv --quiet >/dev/null; kvcast compare small.csv m.csv
! kvcast: small.csv has checksum 0f511669dcae6431, but m.csv has 5588c4b9f0856765: that comparison would mean nothing.
? 1
$ kvcast compare p.csv
! kvcast compare: two files are needed: the forecast and the measurement
! Try `kvcast compare --help' or `kvcast compare --usage' for more information.
? 2
# Decisions: a sweep forecast, and the other calibration's sweep twice in place of measurements.
$ kvcast sweep licence-agents.jsonl.gz --model llama-3.1-8b --capacity 4GiB,8GiB --evict lru,fifo --no-timing --csv >forecast.csv
$ kvcast sweep licence-agents.jsonl.gz --model llama-3.1-8b --capacity 4GiB,8GiB --evict lru,fifo --no-timing --csv --calib slower.json >once.csv; { cat once.csv; tail -n +2 once.csv; } >runs.csv
$ kvcast compare --decisions forecast.csv runs.csv --rows pairs.csv; wc -l <pairs.csv
> 4 configurations, 8 runs
> 
>                                 cannot        confidently        rank    spread
>   metric          pairs  right    tell  wrong       wrong correlation   of runs
>   token_hit_rate      6      4       2      0           0       1.000         0
>   ttft_ms_mean        6      4       2      0           0       1.000         0
>   ttft_ms_p95         6      4       2      0           0       1.000         0
> 
> 19
$ kvcast compare --decisions forecast.csv once.csv
! kvcast: once.csv: lru, 2048 blocks was measured 1 times; without a repeat there is no telling noise from a difference.
? 1
# A forecast with several factors says itself where it is unsure.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--quiet\n--no-timing\n--arrivals closed\n--sessions 8\n--speed 20\n--capacity 2GiB\n' >agents.conf
$ kvcast sweep licence-agents.jsonl.gz --preset agents.conf --ttl none,static:ttl=1s,static:ttl=2s --evict lru,fifo --csv --vary steps=0.97,1,1.03 >steps.csv
$ kvcast sweep licence-agents.jsonl.gz --preset agents.conf --ttl none,static:ttl=1s,static:ttl=2s --evict lru,fifo --csv --calib slower.json >once.csv; { cat once.csv; tail -n +2 once.csv; } >runs.csv
$ kvcast compare --decisions steps.csv runs.csv --rows pairs.csv; head -n 1 pairs.csv; grep -m 2 'no$' pairs.csv
> 6 configurations, 12 runs
> 
>                                 cannot        confidently        rank    spread
>   metric          pairs  right    tell  wrong       wrong correlation   of runs
>   token_hit_rate     15     15       0      0           0       1.000         0
>   ttft_ms_mean       15     12       0      3           0       0.771         0
>   ttft_ms_p95        15      6       0      9           1      -0.200         0
> 
>   unsure of them, with steps that take 0.97 to 1.03 times as long
>   token_hit_rate      1      1       0      0
>   ttft_ms_mean       10      9       0      1
>   ttft_ms_p95        13      5       0      8
> 
> wrong, ttft_ms_mean: from "lru, ttl none" to "lru, ttl static:ttl=2s" predicted +1.513, measured -5.465 (spread 0)
> wrong, ttft_ms_mean: from "lru, ttl static:ttl=2s" to "fifo, ttl none" predicted -2.879, measured +4.634 (spread 0)
> wrong, ttft_ms_mean: from "fifo, ttl static:ttl=1s" to "fifo, ttl static:ttl=2s" predicted -2.063, measured +5.333 (spread 0); unsure, -20.5 to +0.6927
> wrong, ttft_ms_p95: from "lru, ttl none" to "lru, ttl static:ttl=1s" predicted +125.4, measured -95.14 (spread 0); unsure, -92.57 to +125.4
> confidently wrong, ttft_ms_p95: from "lru, ttl none" to "lru, ttl static:ttl=2s" predicted +48.81, measured -139.3 (spread 0)
> wrong, ttft_ms_p95: from "lru, ttl none" to "fifo, ttl none" predicted +51.3, measured -42.64 (spread 0); unsure, -80.24 to +51.3
> wrong, ttft_ms_p95: from "lru, ttl none" to "fifo, ttl static:ttl=1s" predicted +107.7, measured -48.91 (spread 0); unsure, -39.78 to +107.7
> wrong, ttft_ms_p95: from "lru, ttl static:ttl=1s" to "fifo, ttl none" predicted -74.07, measured +52.5 (spread 0); unsure, -74.07 to +12.32
> wrong, ttft_ms_p95: from "lru, ttl static:ttl=1s" to "fifo, ttl static:ttl=1s" predicted -17.69, measured +46.24 (spread 0); unsure, -71.56 to +153.3
> wrong, ttft_ms_p95: from "lru, ttl static:ttl=1s" to "fifo, ttl static:ttl=2s" predicted -66.91, measured +119.4 (spread 0); unsure, -66.91 to +50.79
> wrong, ttft_ms_p95: from "fifo, ttl none" to "fifo, ttl static:ttl=1s" predicted +56.37, measured -6.263 (spread 0); unsure, -22.25 to +141
> wrong, ttft_ms_p95: from "fifo, ttl static:ttl=1s" to "fifo, ttl static:ttl=2s" predicted -49.22, measured +73.14 (spread 0); unsure, -102.5 to +30.4
> metric,a,b,predicted_gap,measured_gap,spread,verdict,predicted_gap_least,predicted_gap_most,sure
> token_hit_rate,"lru, ttl static:ttl=1s","fifo, ttl none",0.003916649,0.006623154,0,right,-0.000984184,0.007321121,no
> ttft_ms_mean,"lru, ttl none","lru, ttl static:ttl=1s",7.683396,0.684453,0,right,-6.740952,24.906385,no
$ kvcast compare --decisions steps.csv runs.csv --json | grep -m 1 -A 4 '"verdict"'
>           "verdict": "right",
>           "predicted_gap_least": -0.029495383,
>           "predicted_gap_most": -0.026372106,
>           "sure": true
>         },
$ kvcast compare --decisions steps.csv runs.csv --json | sed -n '/"unsure"/,/}/p'
>       "unsure": {
>         "pairs": 1,
>         "right": 1,
>         "cannot_tell": 0,
>         "wrong": 0
>       }
>       "unsure": {
>         "pairs": 10,
>         "right": 9,
>         "cannot_tell": 0,
>         "wrong": 1
>       }
>       "unsure": {
>         "pairs": 13,
>         "right": 5,
>         "cannot_tell": 0,
>         "wrong": 8
>       }
$ sed '$d' steps.csv >torn.csv; kvcast compare --decisions torn.csv runs.csv
! kvcast: torn.csv:17: this configuration has no row with vary_steps 1.03, which others have; expected the same factors for all.
? 1
