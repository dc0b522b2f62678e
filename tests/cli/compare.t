# Two forecasts stand in for forecast and measurement: with another calibration, the same hits and other times.
$ kvcast run licence-agents.jsonl.gz --engine vllm --model llama-3.1-8b --capacity 8GiB --requests p.csv --quiet >/dev/null
$ printf '{"kvcast_calibration":1,"name":"slower","device":"D","model":"M","provenance":"made up","estimate":true,"prefill":{"fixed_ns":4000000,"per_new_token_ns":24000,"per_token_pair_ns":1.2},"decode":{"fixed_ns":4000000,"per_context_token_ns":33}}' >slower.json
$ kvcast run licence-agents.jsonl.gz --engine vllm --model llama-3.1-8b --capacity 8GiB --calib slower.json --requests m.csv --quiet >/dev/null
$ kvcast compare p.csv m.csv --rows rows.csv; head -n 2 rows.csv
> requests 372, 3186397 prompt tokens
> hits     predicted 98.4284 %, measured 98.4284 % of tokens: +0.0000 percentage points; hit tokens differ for 0 of 372 requests
> 
> TTFT, error in %     requests    MAPE     p50     p90     p99    bias  |    mean     p50     p95     p99      KS
>   all                     372   10.90    5.05   27.99   51.66   -1.71  |   -3.02   -2.17  -10.75   -3.80  0.0699
>   uncontended             140    2.41    2.39    2.58    2.91   -2.41  |   -2.59   -2.39   -2.76   -2.92  0.1000
>   queued                  232   16.02   12.65   33.96   57.28   -1.28  |   -3.24   -1.57   -7.76   -2.26  0.0862
> 
> E2E , error in %     requests    MAPE     p50     p90     p99    bias  |    mean     p50     p95     p99      KS
>   all                     372    2.38    2.31    2.76    3.62   -2.38  |   -2.38   -2.76   -2.37   -2.25  0.0323
>   uncontended             140    2.22    2.16    2.38    2.54   -2.22  |   -2.24   -2.37   -2.43   -2.34  0.0643
>   queued                  232    2.48    2.43    2.92    3.84   -2.48  |   -2.46   -2.72   -2.27   -2.25  0.0388
> 
> Left of the bar: errors request by request; right of it: of the figure itself, and the Kolmogorov-Smirnov distance.
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
>   metric             pairs   right  cannot tell   wrong  confidently  rank correlation  spread of runs
>   token_hit_rate         6       4            2       0            0             1.000               0
>   ttft_ms_mean           6       4            2       0            0             1.000               0
>   ttft_ms_p95            6       4            2       0            0             1.000               0
> 
> 19
$ kvcast compare --decisions forecast.csv once.csv
! kvcast: once.csv: lru, 2048 blocks was measured 1 times; without a repeat there is no telling noise from a difference.
? 1
