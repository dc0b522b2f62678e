# An engine's log, solved by hand. Blocks are of 4 tokens; the GPU has room for 5. A token of a prompt takes 1 ms to compute,
# a step in which only answers grow 2 ms. A block takes 1 ms on the link to the host, and is there 1 ms later; what lies in
# host memory is dropped 20 ms after its last use. Prompts, as blocks: 0 1, then 2 3, 4 5, 0 1 6 and a token, 2 3 and a token.
#
#   0    Requests 0 and 1 come, with 2 blocks each: both fit. One step computes 16 tokens in 16 ms.
#  16    Both have their first token; for the second each needs a third block, and one is free. Request 0 gets it. Request 1,
#        the later, gives up its memory; blocks 2 and 3 stay as they are, to be found again. Request 0 goes on alone: 2 ms.
#        Until it ends, request 1 needs 3 blocks where 2 are free (its own two hits).
#  20    Request 0 has its 3 tokens: 20 ms in all. Request 1 finds 8 of its 9 known tokens; the ninth takes 1 ms, and gives
#        its second token; the third takes 2 ms.
#  23    Request 1 ends.
#  30    Request 2: block 4 takes the empty place, block 5 that of block 1 (used longest ago, and deeper than 0). Block 1 goes
#        to the host. 8 tokens take 8 ms; answers of one token end there.
#  40    Request 3 hits block 0, and block 1 in the host. Its memory is made by block 3 (last used at 23, deeper than 2), which
#        is written from 40 to 41; the load follows until 42 and arrives at 43.
#  43    5 of 13 tokens are left to compute: block 6 and a partial one, for which 2 and 5 make room. 5 ms. TTFT 8 ms: 3 of
#        load, 5 of prefill.
#  60    Blocks 3 and 1, put and used at 40, expire in the host; 2 and 5, put at 43, at 63.
# 100    Request 4 finds nothing: 2 and 3 have expired. It needs 3 blocks and one is empty: 4 (last used at 38) and 6 (48, the
#        deepest of its request) go. 9 ms.
$ printf '{"kvcast_calibration": 1, "name": "byhand", "device": "none", "model": "none", "estimate": true, "provenance": "made up", "prefill": {"fixed_ns": 0, "per_new_token_ns": 1e6, "per_token_pair_ns": 0}, "decode": {"fixed_ns": 2e6, "per_context_token_ns": 0}}\n' >byhand.json
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--calib byhand.json\n--no-timing\n--quiet\n--tier gpu:5,evict=lru\n' >gpu.conf
$ cat gpu.conf >byhand.conf; printf -- '--tier host:inf,ttl=static:ttl=20ms,read=524.288MB/s,write=524.288MB/s,latency=1ms\n' >>byhand.conf
$ kvcast run byhand.jsonl --preset byhand.conf --events log --requests - --csv | sh pick request hit_gpu_tokens hit_host_tokens queue_ms load_ms prefill_ms ttft_ms e2e_ms | head -6; cat log
> request,hit_gpu_tokens,hit_host_tokens,queue_ms,load_ms,prefill_ms,ttft_ms,e2e_ms
> 0,0,0,0.000000,0.000000,16.000000,16.000000,20.000000
> 1,0,0,0.000000,0.000000,16.000000,16.000000,23.000000
> 2,0,0,0.000000,0.000000,8.000000,8.000000,8.000000
> 3,4,4,0.000000,3.000000,5.000000,8.000000,8.000000
> 4,0,0,0.000000,0.000000,9.000000,9.000000,9.000000
> {"ms": 0.000000, "event": "arrive", "request": 0, "tokens": 8, "took_ms": 0.000000}
> {"ms": 0.000000, "event": "arrive", "request": 1, "tokens": 8, "took_ms": 0.000000}
> {"ms": 0.000000, "event": "admit", "request": 0, "tokens": 0, "took_ms": 0.000000}
> {"ms": 0.000000, "event": "admit", "request": 1, "tokens": 0, "took_ms": 0.000000}
> {"ms": 0.000000, "event": "step", "sequences": 2, "steps": 1, "tokens": 16, "took_ms": 16.000000}
> {"ms": 16.000000, "event": "first", "request": 0, "tokens": 8, "took_ms": 16.000000}
> {"ms": 16.000000, "event": "first", "request": 1, "tokens": 8, "took_ms": 16.000000}
> {"ms": 16.000000, "event": "preempt", "request": 1, "tokens": 8, "took_ms": 0.000000}
> {"ms": 16.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 1, "took_ms": 2.000000}
> {"ms": 18.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 1, "took_ms": 2.000000}
> {"ms": 20.000000, "event": "finish", "request": 0, "tokens": 3, "took_ms": 20.000000}
> {"ms": 20.000000, "event": "admit", "request": 1, "tokens": 8, "took_ms": 20.000000}
> {"ms": 20.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 1, "took_ms": 1.000000}
> {"ms": 21.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 1, "took_ms": 2.000000}
> {"ms": 23.000000, "event": "finish", "request": 1, "tokens": 3, "took_ms": 23.000000}
> {"ms": 30.000000, "event": "arrive", "request": 2, "tokens": 8, "took_ms": 0.000000}
> {"ms": 30.000000, "event": "admit", "request": 2, "tokens": 0, "took_ms": 0.000000}
> {"ms": 30.000000, "event": "drop", "tier": "gpu", "block": 1, "count": 1}
> {"ms": 30.000000, "event": "demote", "tier": "host", "block": 1, "count": 1}
> {"ms": 30.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 8, "took_ms": 8.000000}
> {"ms": 38.000000, "event": "first", "request": 2, "tokens": 8, "took_ms": 8.000000}
> {"ms": 38.000000, "event": "finish", "request": 2, "tokens": 1, "took_ms": 8.000000}
> {"ms": 40.000000, "event": "arrive", "request": 3, "tokens": 13, "took_ms": 0.000000}
> {"ms": 40.000000, "event": "drop", "tier": "gpu", "block": 3, "count": 1}
> {"ms": 40.000000, "event": "demote", "tier": "host", "block": 3, "count": 1}
> {"ms": 40.000000, "event": "admit", "request": 3, "tokens": 4, "took_ms": 0.000000}
> {"ms": 40.000000, "event": "load", "tier": "host", "block": 1, "count": 1}
> {"ms": 40.000000, "event": "load", "request": 3, "tokens": 4, "took_ms": 3.000000}
> {"ms": 43.000000, "event": "loaded", "request": 3, "tokens": 8, "took_ms": 0.000000}
> {"ms": 43.000000, "event": "drop", "tier": "gpu", "block": 2, "count": 1}
> {"ms": 43.000000, "event": "demote", "tier": "host", "block": 2, "count": 1}
> {"ms": 43.000000, "event": "drop", "tier": "gpu", "block": 5, "count": 1}
> {"ms": 43.000000, "event": "demote", "tier": "host", "block": 5, "count": 1}
> {"ms": 43.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 5, "took_ms": 5.000000}
> {"ms": 48.000000, "event": "first", "request": 3, "tokens": 13, "took_ms": 8.000000}
> {"ms": 48.000000, "event": "finish", "request": 3, "tokens": 1, "took_ms": 8.000000}
> {"ms": 60.000000, "event": "drop", "tier": "host", "block": 3, "count": 1}
> {"ms": 60.000000, "event": "drop", "tier": "host", "block": 1, "count": 1}
> {"ms": 63.000000, "event": "drop", "tier": "host", "block": 2, "count": 1}
> {"ms": 63.000000, "event": "drop", "tier": "host", "block": 5, "count": 1}
> {"ms": 100.000000, "event": "arrive", "request": 4, "tokens": 9, "took_ms": 0.000000}
> {"ms": 100.000000, "event": "admit", "request": 4, "tokens": 0, "took_ms": 0.000000}
> {"ms": 100.000000, "event": "drop", "tier": "gpu", "block": 4, "count": 1}
> {"ms": 100.000000, "event": "demote", "tier": "host", "block": 4, "count": 1}
> {"ms": 100.000000, "event": "drop", "tier": "gpu", "block": 6, "count": 1}
> {"ms": 100.000000, "event": "demote", "tier": "host", "block": 6, "count": 1}
> {"ms": 100.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 9, "took_ms": 9.000000}
> {"ms": 109.000000, "event": "first", "request": 4, "tokens": 9, "took_ms": 9.000000}
> {"ms": 109.000000, "event": "finish", "request": 4, "tokens": 1, "took_ms": 9.000000}
# Where everything went: 46 prompt tokens. Request 4's 8 had expired, the two partial blocks are never kept.
$ kvcast run byhand.jsonl --preset byhand.conf --csv | sh pick ledger ledger_hit_host_tokens preemptions link_host_read_bytes link_host_written_bytes
> ledger_hit_gpu_tokens,ledger_cold_tokens,ledger_evicted_tokens,ledger_expired_tokens,ledger_orphaned_tokens,ledger_partial_tokens,ledger_forced_tokens,ledger_hit_host_tokens,preemptions,link_host_read_bytes,link_host_written_bytes
> 4,28,0,8,0,2,0,4,1,524288,3145728
$ kvcast run byhand.jsonl --preset byhand.conf | sed -n '/^engine/,/^host/p'
> engine   busy 41.3 % of 0 s, 0.6 requests in the system on average
>          422 prompt and 83 answer tokens/s; 1 preemptions, 0 rejected
> 
> tier         mean blocks      stored      loaded    read GB   write GB   link %
> gpu                    4           0           0        0.0        0.0      0.0
> host                   1           6           1        0.0        0.0      6.4

# Request 3 at 40 ms under other rules. Never: its 9 tokens after block 0 are computed, 9 ms. Faster: the 3 ms until the block
# is there are less than 4 ms of computing it (the write that makes room is not known yet); with a latency of 3 ms they are
# not. What a tier does not promote serves its request only, and what is computed after it is not kept either: in the end the
# GPU holds 0 1 2 3, or only 0 4 where no hit is promoted (or only the second, which nobody has). Without offloading the tiers
# only tell what they would take.
$ for load in never faster always; do echo "$load: $(kvcast run byhand.jsonl --preset byhand.conf --load $load --requests - --csv | sed -n 's/^3,40.000000,,1,,13,1,//p')"; done
> never: 4,4,0,0.000000,0.000000,9.000000,9.000000,9.000000,
> faster: 8,4,4,0.000000,3.000000,5.000000,8.000000,8.000000,
> always: 8,4,4,0.000000,3.000000,5.000000,8.000000,8.000000,
$ kvcast run byhand.jsonl --preset byhand.conf --tier host:inf,ttl=static:ttl=20ms,read=524.288MB/s,write=524.288MB/s,latency=3ms --csv | sh pick ledger_hit_host_tokens ledger_not_loaded_tokens
> ledger_hit_host_tokens,ledger_not_loaded_tokens
> 0,4
$ for promote in always second never; do kvcast run byhand.jsonl --preset byhand.conf --tier host:inf,promote=$promote,read=524.288MB/s --dump-blocks b.csv >/dev/null; sed -n 's/,.*,gpu$//p' b.csv | xargs echo $promote, in the gpu: ; done
> always, in the gpu: 0 1 2 3
> second, in the gpu: 0 4
> never, in the gpu: 0 4
$ kvcast run byhand.jsonl --preset byhand.conf --no-offload --events log --csv | sh pick ledger_hit_host_tokens ledger_not_loaded_tokens ledger_evicted_tokens link_host_read_bytes link_host_written_bytes held_host_gib; grep -c demote log; grep -c load log || :
> ledger_hit_host_tokens,ledger_not_loaded_tokens,ledger_evicted_tokens,link_host_read_bytes,link_host_written_bytes,held_host_gib
> 0,0,12,0,0,0
> 6
> 0

# Faults. Away from 35 to 45 ms: request 3 computes block 1 as well (4 tokens), and the victims of 40 ms are lost. Loads that
# always fail: request 3 waits its 3 ms in vain and computes 9 tokens from 43 on.
$ kvcast run byhand.jsonl --preset byhand.conf --fail host@35ms+10ms --events log --requests - --csv | sed -n 's/^3,40.000000,,1,,13,1,//p'; grep -E '"ms": 4.*(demote|load|step)' log
> 4,4,0,0.000000,0.000000,9.000000,9.000000,9.000000,
> {"ms": 40.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 9, "took_ms": 9.000000}
$ kvcast run byhand.jsonl --preset byhand.conf --fail host@35ms+10ms | sed -n '/not loaded/p;/^faults/,/^$/p'
>   not loaded: slower, failed or away                     4    8.70 %
> faults   host: while away, 4 tokens there were computed again, 3 blocks not stored
> 
$ kvcast run byhand.jsonl --preset byhand.conf --fail host:p=1 --events log --requests - --csv | sed -n 's/^3,40.000000,,1,,13,1,//p'; grep -E '"ms": 4.*(load|step)' log
> 4,4,0,0.000000,3.000000,9.000000,12.000000,12.000000,
> {"ms": 40.000000, "event": "load", "tier": "host", "block": 1, "count": 1}
> {"ms": 40.000000, "event": "load", "request": 3, "tokens": 4, "took_ms": 3.000000}
> {"ms": 43.000000, "event": "loaded", "request": 3, "tokens": 4, "took_ms": 0.000000}
> {"ms": 43.000000, "event": "step", "sequences": 1, "steps": 1, "tokens": 9, "took_ms": 9.000000}
$ kvcast run byhand.jsonl --preset byhand.conf --fail host:p=1 --json | sed -n '/"tier": "host"/,$p' | sed -n '/"hit_tokens"/p;/"faults"/,/}/p'
>       "hit_tokens": 0,
>       "faults": {
>         "failed_loads": 1,
>         "failed_tokens": 4,
>         "failed_wait_s": 0.003,
>         "away_tokens": 0,
>         "missed_blocks": 0
>       }
$ kvcast run byhand.jsonl --preset byhand.conf --fail host:p=0 --events zero >/dev/null; kvcast run byhand.jsonl --preset byhand.conf --fail host@1h+1h --events far >/dev/null; kvcast run byhand.jsonl --preset byhand.conf --events log >/dev/null; cmp log zero; cmp log far
$ for f in host gpu@1s+1s disk@1s+1s host@1s host@1+1s host@1s+inf host:p=2 host:p=x; do kvcast run byhand.jsonl --preset byhand.conf --fail $f; done
! kvcast: --fail host: expected TIER@START+TIME, e.g. disk@600s+120s, or TIER:p=P.
! kvcast: --fail gpu@1s+1s: there is no lower tier "gpu".
! kvcast: --fail disk@1s+1s: there is no lower tier "disk".
! kvcast: --fail host@1s: expected TIER@START+TIME, e.g. disk@600s+120s, or TIER:p=P.
! kvcast: --fail host@1+1s: '1' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf.
! kvcast: --fail host@1s+inf: expected a time that ends, as what waits for the tier would wait forever.
! kvcast: --fail host:p=2: expected a probability from 0 to 1.
! kvcast: --fail host:p=x: 'x' is not a number; a number such as 3, 0.25 or 1e-6 is expected, or inf.
? 1

# The archive's worker, by hand: a round every 20 ms, of one block's bytes. Computed were 0 1 2 3 (at 0 ms), 4 5 (30), 1 again,
# 6 (40); it takes them in that order, and leaves out what no tier has any more: 20 ms: 0. 40: 1 has been evicted; 2. 60: 3 has
# been evicted; 4. 80: 5 has been evicted; 1. 100: 6; and request 4 finds block 2 there, which takes 1 ms to load. With a TTL
# of 25 ms block 2, archived at 40, is gone at 65, although nothing has deleted the object. Without a limit the first round
# takes all four.
$ cat gpu.conf >archive.conf; printf -- '--load always\n--archive-every 20ms\n--archive-rate 26.2144MB/s\n' >>archive.conf
$ kvcast run byhand.jsonl --preset archive.conf --tier archive:inf,read=524.288MB/s,ttl=static:ttl=1s --events log --csv | sh pick ledger_hit_archive_tokens ledger_expired_tokens ledger_evicted_tokens link_archive_written_bytes; grep -E '"(archive|loaded|load)"' log
> ledger_hit_archive_tokens,ledger_expired_tokens,ledger_evicted_tokens,link_archive_written_bytes
> 4,0,8,2621440
> {"ms": 20.000000, "event": "archive", "tier": "archive", "block": 0, "count": 1}
> {"ms": 20.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 40.000000, "event": "archive", "tier": "archive", "block": 2, "count": 1}
> {"ms": 40.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 60.000000, "event": "archive", "tier": "archive", "block": 4, "count": 1}
> {"ms": 60.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 80.000000, "event": "archive", "tier": "archive", "block": 1, "count": 1}
> {"ms": 80.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 100.000000, "event": "archive", "tier": "archive", "block": 6, "count": 1}
> {"ms": 100.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 100.000000, "event": "load", "tier": "archive", "block": 2, "count": 1}
> {"ms": 100.000000, "event": "load", "request": 4, "tokens": 4, "took_ms": 1.000000}
> {"ms": 101.000000, "event": "loaded", "request": 4, "tokens": 4, "took_ms": 0.000000}
$ kvcast run byhand.jsonl --preset archive.conf --tier archive:inf,read=524.288MB/s,ttl=static:ttl=25ms --events log --csv | sh pick ledger_hit_archive_tokens ledger_expired_tokens ledger_evicted_tokens link_archive_written_bytes; grep -E '"(archive|loaded|load)"' log | grep tier
> ledger_hit_archive_tokens,ledger_expired_tokens,ledger_evicted_tokens,link_archive_written_bytes
> 0,4,8,2621440
> {"ms": 20.000000, "event": "archive", "tier": "archive", "block": 0, "count": 1}
> {"ms": 40.000000, "event": "archive", "tier": "archive", "block": 2, "count": 1}
> {"ms": 45.000000, "event": "drop", "tier": "archive", "block": 0, "count": 1}
> {"ms": 60.000000, "event": "archive", "tier": "archive", "block": 4, "count": 1}
> {"ms": 65.000000, "event": "drop", "tier": "archive", "block": 2, "count": 1}
> {"ms": 80.000000, "event": "archive", "tier": "archive", "block": 1, "count": 1}
> {"ms": 85.000000, "event": "drop", "tier": "archive", "block": 4, "count": 1}
> {"ms": 100.000000, "event": "archive", "tier": "archive", "block": 6, "count": 1}
$ kvcast run byhand.jsonl --preset archive.conf --archive-rate inf --tier archive:inf --events log --csv >/dev/null; grep '"archive", "request"' log
> {"ms": 20.000000, "event": "archive", "request": -1, "tokens": 4, "took_ms": 0.000000}
> {"ms": 40.000000, "event": "archive", "request": -1, "tokens": 2, "took_ms": 0.000000}
> {"ms": 60.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
# Away at 20 ms, the worker does at 40 what it would have done then; its rate does not pile up.
$ kvcast run byhand.jsonl --preset archive.conf --tier archive:inf --fail archive@10ms+20ms --events log --csv >/dev/null; grep '"archive", "request"' log | head -2; grep '"tier": "archive"' log | head -2
> {"ms": 40.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 60.000000, "event": "archive", "request": -1, "tokens": 1, "took_ms": 0.000000}
> {"ms": 40.000000, "event": "archive", "tier": "archive", "block": 0, "count": 1}
> {"ms": 60.000000, "event": "archive", "tier": "archive", "block": 1, "count": 1}

# What a run has no use for is said, not passed over; what does not fit is told beside the figures that lack it.
$ kvcast run small.jsonl --load always --sessions 3 --tier gpu:4,read=3GB/s --csv | sh pick requests
> requests
> 6
! kvcast: note: --load has no effect here: there is no lower tier.
! kvcast: note: --sessions has no effect here: it counts for --arrivals closed only.
! kvcast: note: --tier gpu: the first tier has no link; of its keys evict, ttl, expired and price have an effect.
$ kvcast run small.jsonl --load always --sessions 3 --tier gpu:4,read=3GB/s --quiet --csv | sh pick requests
> requests
> 6
$ kvcast run byhand.jsonl --engine static --max-running 4 --archive-every 1s --csv | sh pick requests
> requests
> 5
! kvcast: note: --archive-every has no effect here: there is no tier of the name archive.
! kvcast: note: --max-running has no effect here: --engine static takes one whole request at a time.
$ kvcast run byhand.jsonl --preset archive.conf --engine replay --csv | sh pick requests
> requests
> 5
$ kvcast run byhand.jsonl --engine vllm --capacity 3 | sed -n '1,4p;/rejected$/p'
> trace    byhand.jsonl
>          4 requests, 33 prompt tokens, 8 blocks of 4 tokens
>          1 more do not fit the first tier: rejected, and in no figure below
> cache    3 blocks
>          317 prompt and 77 answer tokens/s; 0 preemptions, 1 rejected
$ kvcast sweep byhand.jsonl --engine vllm --capacity 3,4 --sessions 2 --arrivals open
> byhand.jsonl
> evict vllm, ttl none
>   capacity  tokens   blocks   TTFT ms   TTFT ms
>     blocks   hit %    hit %      mean       p95
>          3   12.12    12.50       7.1      14.3  1 rejected
>          4    0.00     0.00       4.2       4.3
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
! kvcast: note: --sessions has no effect here: it counts for --arrivals closed only.

# A closed loop at four times the speed: a user who thinks for 10 s asks 2.5 s after the answer, which takes as long as ever.
$ printf '%s\n' '{"kvcast":1,"block_tokens":4}' '{"timestamp":0,"session_id":"a","turn":1,"input_length":8,"output_length":1,"hash_ids":[0,1]}' '{"timestamp":0,"session_id":"a","turn":2,"think_time":10,"input_length":8,"output_length":1,"hash_ids":[2,3]}' | kvcast run - --preset gpu.conf --arrivals closed --speed 4 --requests - --csv | sh pick request arrival_ms e2e_ms | head -3
> request,arrival_ms,e2e_ms
> 0,0.000000,8.000000
> 1,2508.000000,8.000000

# More than can be served, and times of another model than was asked for.
$ kvcast run licence-agents.jsonl.gz --engine vllm --model qwen2.5-1.5b --capacity 8GiB --speed 1000 --quiet --no-timing | sed -n '/E2E/,/overloaded/p'
>   E2E          20934.9    21719.6    30868.6    32731.4    35797.2    36703.8
>   NVIDIA H200, llama-3.1-8b, not qwen2.5-1.5b; an estimate, not measured
> 
> engine   busy 100.0 % of 37 s, 211.0 requests in the system on average
>          86325 prompt and 2741 answer tokens/s; 0 preemptions, 0 rejected
>          overloaded: the last answer ends 36 s after the last request came;

# Prompts beyond what was measured.
$ printf '{"kvcast_calibration":2,"name":"short","device":"D","model":"llama-3.1-8b","provenance":"made up","estimate":false,"step":{"prompt_step_ns":1e6,"decode_step_ns":1e6,"rows_ns":100},"fit":{"model":"curves","longest_tokens":8200,"held_out":{"curves":{"mean_error":0.02}}}}' >short.json
$ kvcast run licence-agents.jsonl.gz --model llama-3.1-8b --capacity 8GiB --calib short.json --quiet --no-timing | sed -n '/E2E/,/saved/p'
>   E2E            272.0      215.5      531.0      682.7     1040.5     1288.2
>   uncontended; D, llama-3.1-8b; measured
>   but for 186 prompts of more than 8,200 tokens, which are extrapolated
> 
> saved    0.3 s of prefill, as much as 166 cold requests of this trace
$ sed 's/8200/0/' short.json >none.json; kvcast run licence-agents.jsonl.gz --calib none.json
! kvcast: none.json: field "longest_tokens" of "fit": expected a whole number from 1 to 2147483647.
? 1
