# One run, in all forms. small.jsonl is small enough to be counted by hand: blocks of 4 tokens, requests 1-2-3 (the last
# partial), 1-2-4, 1-2-5-6, 1-2-4, 7-8 (partial), 1-2-5-6-9 (partial).
$ kvcast run small.jsonl --no-timing
> trace    small.jsonl
>          6 requests, 75 prompt tokens, 20 blocks of 4 tokens
> cache    no limit
> policy   replay: evict lru, ttl none, leaf scope
> 
> hit rate 58.67 % of tokens, 55.00 % of blocks; mean of requests 50.93 %
>          1 requests found their whole prompt
> 
> where every prompt token went
>   hit                                                   44   58.67 %
>   missed: never seen before (cold)                      31   41.33 %
> 
> blocks   0 evicted, 0 expired; 5.8 resident on average
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT             4.0        4.0        4.1        4.1        4.1        4.1
>   E2E              8.6        7.9       13.9       14.8       15.5       15.7
>   uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
> 
> saved    0.0 s of prefill, as much as 0 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> auditor                            3                44     54.55 %           4.1
> lawyer                             2                24     83.33 %           4.0
$ kvcast run small.jsonl --no-timing --capacity 4
> trace    small.jsonl
>          6 requests, 75 prompt tokens, 20 blocks of 4 tokens
> cache    4 blocks
> policy   replay: evict lru, ttl none, leaf scope
> 
> hit rate 42.67 % of tokens, 40.00 % of blocks; mean of requests 37.96 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit                                                   32   42.67 %
>   missed: never seen before (cold)                      31   41.33 %
>   missed: evicted for lack of room                      12   16.00 %
> 
> blocks   7 evicted, 0 expired; 3.9 resident on average
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT             4.1        4.1        4.1        4.1        4.1        4.1
>   E2E              8.7        7.9       13.9       14.9       15.7       15.9
>   uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
> 
> saved    0.0 s of prefill, as much as 0 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> auditor                            3                44     36.36 %           4.1
> lawyer                             2                24     66.67 %           4.0
$ kvcast run small.jsonl --no-timing --capacity 4 --json
> {
>   "trace": "small.jsonl",
>   "requests": 6,
>   "prompt_tokens": 75,
>   "hit_tokens": 32,
>   "token_hit_rate": 0.426666666667,
>   "blocks": 20,
>   "hit_blocks": 8,
>   "block_hit_rate": 0.4,
>   "request_hit_rate": 0.37962962963,
>   "capacity_blocks": 4,
>   "evict": "lru",
>   "ttl": "none",
>   "evicted_blocks": 7,
>   "expired_blocks": 0,
>   "declined_blocks": 1,
>   "mean_resident_blocks": 3.89473684211,
>   "full_hit_requests": 0,
>   "held_gib_s": null,
>   "ledger": {
>     "hit_gpu_tokens": 32,
>     "cold_tokens": 31,
>     "evicted_tokens": 12,
>     "expired_tokens": 0,
>     "orphaned_tokens": 0,
>     "partial_tokens": 0,
>     "forced_tokens": 0,
>     "not_loaded_tokens": 0
>   },
>   "ttft_ms": {
>     "mean": 4.08384583333,
>     "p50": 4.091599,
>     "p90": 4.1498105,
>     "p95": 4.14983375,
>     "p99": 4.14985235,
>     "max": 4.149857
>   },
>   "e2e_ms": {
>     "mean": 8.65422316667,
>     "p50": 7.927512,
>     "p90": 13.9435585,
>     "p95": 14.92311975,
>     "p99": 15.70676875,
>     "max": 15.902681
>   },
>   "classes": [
>     {
>       "class": "auditor",
>       "requests": 3,
>       "prompt_tokens": 44,
>       "hit_tokens": 16,
>       "token_hit_rate": 0.363636363636,
>       "blocks": 12,
>       "hit_blocks": 4,
>       "block_hit_rate": 0.333333333333,
>       "request_hit_rate": 0.314814814815,
>       "full_hit_requests": 0,
>       "ledger": {
>         "hit_gpu_tokens": 16,
>         "cold_tokens": 20,
>         "evicted_tokens": 8,
>         "expired_tokens": 0,
>         "orphaned_tokens": 0,
>         "partial_tokens": 0,
>         "forced_tokens": 0,
>         "not_loaded_tokens": 0
>       },
>       "ttft_ms": {
>         "mean": 4.134299,
>         "p50": 4.149764,
>         "p90": 4.1498384,
>         "p95": 4.1498477,
>         "p99": 4.14985514,
>         "max": 4.149857
>       },
>       "e2e_ms": {
>         "mean": 10.6634643333,
>         "p50": 11.984436,
>         "p90": 15.119032,
>         "p95": 15.5108565,
>         "p99": 15.8243161,
>         "max": 15.902681
>       }
>     },
>     {
>       "class": "lawyer",
>       "requests": 2,
>       "prompt_tokens": 24,
>       "hit_tokens": 16,
>       "token_hit_rate": 0.666666666667,
>       "blocks": 6,
>       "hit_blocks": 4,
>       "block_hit_rate": 0.666666666667,
>       "request_hit_rate": 0.666666666667,
>       "full_hit_requests": 0,
>       "ledger": {
>         "hit_gpu_tokens": 16,
>         "cold_tokens": 4,
>         "evicted_tokens": 4,
>         "expired_tokens": 0,
>         "orphaned_tokens": 0,
>         "partial_tokens": 0,
>         "forced_tokens": 0,
>         "not_loaded_tokens": 0
>       },
>       "ttft_ms": {
>         "mean": 4.010128,
>         "p50": 4.010128,
>         "p90": 4.010128,
>         "p95": 4.010128,
>         "p99": 4.010128,
>         "max": 4.010128
>       },
>       "e2e_ms": {
>         "mean": 7.927512,
>         "p50": 7.927512,
>         "p90": 7.927512,
>         "p95": 7.927512,
>         "p99": 7.927512,
>         "max": 7.927512
>       }
>     }
>   ],
>   "block_tokens": 4,
>   "engine": "replay",
>   "semantics": "prefix",
>   "scope": "leaf",
>   "calibration": {
>     "name": "h200-llama-3.1-8b.estimate",
>     "device": "NVIDIA H200",
>     "model": "llama-3.1-8b",
>     "estimate": true
>   },
>   "queue_ms": {
>     "mean": 0.0,
>     "p50": 0.0,
>     "p90": 0.0,
>     "p95": 0.0,
>     "p99": 0.0,
>     "max": 0.0
>   },
>   "load_ms": {
>     "mean": 0.0,
>     "p50": 0.0,
>     "p90": 0.0,
>     "p95": 0.0,
>     "p99": 0.0,
>     "max": 0.0
>   },
>   "prefill_ms": {
>     "mean": 4.08384583333,
>     "p50": 4.091599,
>     "p90": 4.1498105,
>     "p95": 4.14983375,
>     "p99": 4.14985235,
>     "max": 4.149857
>   },
>   "span_s": 9.5,
>   "saved": {
>     "prefill_s": 0.000744808,
>     "cold_requests": 0.176998919078,
>     "gpu_dollars": null
>   },
>   "shortened_requests": 0
> }
$ kvcast run small.jsonl --no-timing --capacity 4 --csv
> trace,evict,ttl,capacity_blocks,capacity_gib,requests,prompt_tokens,hit_tokens,token_hit_rate,block_hit_rate,request_hit_rate,evicted_blocks,expired_blocks,held_gib_s,ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_is_estimate,blocks,hit_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens,ledger_not_loaded_tokens,queue_ms_mean,load_ms_mean,prefill_ms_mean,e2e_ms_mean,e2e_ms_p95,prefill_saved_s,span_s,busy_share,output_tokens_per_s,preemptions,rejected_requests,saved_dollars,holding_dollars
> small.jsonl,lru,none,4,,6,75,32,0.426666667,0.4,0.37962963,7,0,,4.08384583,4.091599,4.1498105,4.14983375,4.14985235,1,20,8,0,3.89473684,32,31,12,0,0,0,0,0,0,0,4.08384583,8.65422317,14.9231197,0.000744808,9.5,,,0,0,,
$ kvcast run small.jsonl --no-timing --capacity 4 --csv --evict fifo --ttl static:ttl=4s,mode=absolute | sh pick hit_blocks evicted_blocks expired_blocks full_hit_requests mean_resident_blocks ledger
> hit_blocks,evicted_blocks,expired_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens
> 6,5,4,0,2.21052632,24,31,8,12,0,0,0
$ kvcast run small.jsonl --no-timing --capacity 4 --semantics object --csv | sh pick hit_blocks evicted_blocks expired_blocks full_hit_requests mean_resident_blocks ledger
> hit_blocks,evicted_blocks,expired_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens
> 6,10,0,0,3.89473684,24,31,20,0,0,0,0
$ kvcast run small.jsonl --no-timing --partial-tail skip --recompute-last 1 --csv | sh pick hit_blocks evicted_blocks expired_blocks full_hit_requests mean_resident_blocks ledger
> hit_blocks,evicted_blocks,expired_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens
> 10,0,0,1,4.73684211,40,24,0,0,0,7,4
$ kvcast run small.jsonl --no-timing --warmup 0.5 --speed 2 --csv | sh pick hit_blocks evicted_blocks expired_blocks full_hit_requests mean_resident_blocks ledger
> hit_blocks,evicted_blocks,expired_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens
> 7,0,0,1,6.18181818,28,9,0,0,0,0,0
$ kvcast run small.jsonl --no-timing --max-prompt 8 --csv | sh pick hit_blocks evicted_blocks expired_blocks full_hit_requests mean_resident_blocks ledger
> hit_blocks,evicted_blocks,expired_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens
> 8,0,0,4,2.10526316,32,15,0,0,0,0,0
$ kvcast run small.jsonl --no-timing --model llama-3.1-8b --capacity 4MiB --csv | sh pick hit_blocks evicted_blocks expired_blocks full_hit_requests mean_resident_blocks ledger
> hit_blocks,evicted_blocks,expired_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens
> 11,1,0,1,5.78947368,44,31,0,0,0,0,0
$ kvcast run small.jsonl --no-timing --model llama-3.1-8b --capacity 4MiB
> trace    small.jsonl
>          6 requests, 75 prompt tokens, 20 blocks of 4 tokens
> cache    8 blocks = 0.0 GiB of llama-3.1-8b KV
> policy   replay: evict lru, ttl none, leaf scope
> 
> hit rate 58.67 % of tokens, 55.00 % of blocks; mean of requests 50.93 %
>          1 requests found their whole prompt
> 
> where every prompt token went
>   hit                                                   44   58.67 %
>   missed: never seen before (cold)                      31   41.33 %
> 
> blocks   1 evicted, 0 expired; 5.8 resident on average (0.0 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT             4.0        4.0        4.1        4.1        4.1        4.1
>   E2E              8.6        7.9       13.9       14.8       15.5       15.7
>   uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
> 
> saved    0.0 s of prefill, as much as 0 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> auditor                            3                44     54.55 %           4.1
> lawyer                             2                24     83.33 %           4.0

# Requests in a file, or among the output.
$ kvcast run small.jsonl --no-timing --capacity 4 --requests out.csv --csv >/dev/null; cat out.csv; rm out.csv
> request,arrival_ms,session,turn,class,prompt_tokens,output_tokens,hit_tokens,hit_gpu_tokens,queue_ms,load_ms,prefill_ms,ttft_ms,e2e_ms,run
> 0,0.000000,a,1,auditor,10,3,0,0,0.000000,0.000000,4.149764,4.149764,11.984436,source=predicted|trace=small.jsonl|checksum=0f511669dcae6431|block=4|capacity=4|kv_bytes=0|calibration=h200-llama-3.1-8b.estimate|engine=replay|evict=lru|ttl=none|scope=leaf|load=faster|arrivals=open|speed=1|step_tokens=8192|max_running=256|warmup=0|tiers=
> 1,1000.000000,b,1,lawyer,12,2,8,8,0.000000,0.000000,4.010128,4.010128,7.927512,
> 2,1000.000000,a,2,auditor,16,1,8,8,0.000000,0.000000,4.103276,4.103276,4.103276,
> 3,4000.000000,b,2,lawyer,12,2,8,8,0.000000,0.000000,4.010128,4.010128,7.927512,
> 4,9000.000000,c,1,,7,1,0,0,0.000000,0.000000,4.079922,4.079922,4.079922,
> 5,9500.000000,a,3,auditor,18,4,8,8,0.000000,0.000000,4.149857,4.149857,15.902681,
$ kvcast run small.jsonl --no-timing --capacity 4 --requests - --csv
> request,arrival_ms,session,turn,class,prompt_tokens,output_tokens,hit_tokens,hit_gpu_tokens,queue_ms,load_ms,prefill_ms,ttft_ms,e2e_ms,run
> 0,0.000000,a,1,auditor,10,3,0,0,0.000000,0.000000,4.149764,4.149764,11.984436,source=predicted|trace=small.jsonl|checksum=0f511669dcae6431|block=4|capacity=4|kv_bytes=0|calibration=h200-llama-3.1-8b.estimate|engine=replay|evict=lru|ttl=none|scope=leaf|load=faster|arrivals=open|speed=1|step_tokens=8192|max_running=256|warmup=0|tiers=
> 1,1000.000000,b,1,lawyer,12,2,8,8,0.000000,0.000000,4.010128,4.010128,7.927512,
> 2,1000.000000,a,2,auditor,16,1,8,8,0.000000,0.000000,4.103276,4.103276,4.103276,
> 3,4000.000000,b,2,lawyer,12,2,8,8,0.000000,0.000000,4.010128,4.010128,7.927512,
> 4,9000.000000,c,1,,7,1,0,0,0.000000,0.000000,4.079922,4.079922,4.079922,
> 5,9500.000000,a,3,auditor,18,4,8,8,0.000000,0.000000,4.149857,4.149857,15.902681,
> trace,evict,ttl,capacity_blocks,capacity_gib,requests,prompt_tokens,hit_tokens,token_hit_rate,block_hit_rate,request_hit_rate,evicted_blocks,expired_blocks,held_gib_s,ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_is_estimate,blocks,hit_blocks,full_hit_requests,mean_resident_blocks,ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens,ledger_not_loaded_tokens,queue_ms_mean,load_ms_mean,prefill_ms_mean,e2e_ms_mean,e2e_ms_p95,prefill_saved_s,span_s,busy_share,output_tokens_per_s,preemptions,rejected_requests,saved_dollars,holding_dollars
> small.jsonl,lru,none,4,,6,75,32,0.426666667,0.4,0.37962963,7,0,,4.08384583,4.091599,4.1498105,4.14983375,4.14985235,1,20,8,0,3.89473684,32,31,12,0,0,0,0,0,0,0,4.08384583,8.65422317,14.9231197,0.000744808,9.5,,,0,0,,

# Standard input and gzip, by name or not, are the same trace; only its name differs.
$ kvcast run small.jsonl --no-timing --csv | sed 's/^[^,]*,//' >plain
$ kvcast run - --no-timing --csv <small.jsonl | sed 's/^[^,]*,//' | cmp - plain
$ gzip -c small.jsonl >small.gz; kvcast run small.gz --no-timing --csv | sed 's/^[^,]*,//' | cmp - plain
$ cp small.gz small.txt; kvcast run small.txt --no-timing --csv | sed 's/^[^,]*,//' | cmp - plain
$ kvcast run - --no-timing --csv <small.gz | sed 's/^[^,]*,//' | cmp - plain
$ kvcast run - --no-timing --csv <small.jsonl | cut -d, -f1
> trace
> -

# Equal runs, equal bytes; without --no-timing there is one more field.
$ kvcast run licence-agents.jsonl.gz --no-timing --capacity 700 --evict lfu --ttl static:ttl=1m --json --requests a.csv >a.json
$ kvcast run licence-agents.jsonl.gz --no-timing --capacity 700 --evict lfu --ttl static:ttl=1m --json --requests b.csv >b.json
$ cmp a.json b.json && cmp a.csv b.csv && wc -l <a.csv
> 373
$ kvcast run small.jsonl --json | grep -c wall_s
> 1
$ kvcast run small.jsonl --json --no-timing | grep -c wall_s
> 0
? 1
