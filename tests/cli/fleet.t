# Several replicas behind a router.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--quiet\n--no-timing\n--arrivals closed\n--sessions 16\n--tier gpu:2GiB\n--tier host:4GiB,read=50GB/s,write=50GB/s\n' >fleet.conf
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --replicas 4 --router session
> trace    licence-agents.jsonl.gz
>          372 requests, 3,186,397 prompt tokens, 198,980 blocks of 16 tokens
> cache    1,024 blocks = 2.0 GiB of llama-3.1-8b KV, each of 4 replicas
> policy   vllm: evict vllm, ttl none, flat scope
> 
> hit rate 98.31 % of tokens, 98.39 % of blocks; mean of requests 98.20 %
>          0 requests found their whole prompt
> 
> where every prompt token went
>   hit in gpu                                     3,056,944   95.94 %
>   hit in host                                       75,616    2.37 %
>   missed: never seen before (cold)                  51,120    1.60 %
>   missed: tail that is no full block                 2,717    0.09 %
> 
> tier 1   9,154 evicted, 0 expired; 3205.8 resident on average (6.3 GiB)
> 
>   ms              mean        p50        p90        p95        p99        max
>   TTFT            16.5        6.2       12.5       17.9      229.2      229.4
>    queue           0.3        0.0        0.0        2.6        5.7        6.8
>    load            0.6        0.0        2.2        5.0       10.6       12.0
>    prefill        15.5        5.9        7.7        8.9      229.2      229.4
>   E2E           1165.9      912.5     2238.0     2854.2     4462.2     5600.3
>   NVIDIA H200, llama-3.1-8b; an estimate, not measured
> 
> engine   busy 9.7 % of 1024 s, 0.4 requests in the system on average
>          3111 prompt and 99 answer tokens/s; 0 preemptions, 0 rejected
> 
> fleet    router session; the busiest replica was busy 1.25 times the mean
>          a replica: 68 to 125 requests, 97.89 to 98.54 % hit, mean TTFT 14.1 to 19.1 ms
> 
> tier         mean blocks      stored      loaded    read GB   write GB   link %
> gpu                3,206           0           0        0.0        0.0      0.0
> host               3,331       4,946       4,726        9.9       10.4      0.0
> 
> saved    88.7 s of prefill, as much as 349 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     97.68 %           6.1
> support-engineer                  46           373,875     97.22 %           6.0
> technical-writer                  14           115,352     99.20 %           6.4
> training-coach                    30           249,573     99.24 %           6.3
> contract-analyst                  62           537,889     99.25 %           6.3
> risk-officer                      10            79,108     99.27 %           5.5
> security-reviewer                 23           191,561     99.20 %           6.8
> mediator                           9            78,481     99.20 %           6.8
> procurement-adviser                1             7,677     99.00 %           6.4
> translator                         9            74,078     99.29 %           6.6
> historian                          5            40,388     99.16 %           9.1
> release-manager                    4            30,819     99.21 %           6.1
# What they share is one: its link queues for all, and what one stored another hits.
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --replicas 4 --router round-robin --tier host:4GiB,read=50GB/s,write=50GB/s,shared=1 | tail -n +25
>   NVIDIA H200, llama-3.1-8b; an estimate, not measured
> 
> engine   busy 10.3 % of 1025 s, 0.4 requests in the system on average
>          3110 prompt and 99 answer tokens/s; 0 preemptions, 0 rejected
> 
> fleet    router round-robin; the busiest replica was busy 1.08 times the mean
>          a replica: 93 to 93 requests, 95.01 to 96.50 % hit, mean TTFT 22.0 to 26.4 ms
> 
> tier         mean blocks      stored      loaded    read GB   write GB   link %
> gpu                3,365           0           0        0.0        0.0      0.0
> host               1,794       5,592       8,976       18.8       11.7      0.1
> 
> saved    86.0 s of prefill, as much as 339 cold requests of this trace
> 
> class                       requests     prompt tokens  token hits   TTFT p50 ms
> compliance-auditor               159         1,407,596     94.81 %          11.2
> support-engineer                  46           373,875     95.50 %           9.7
> technical-writer                  14           115,352     98.29 %           9.0
> training-coach                    30           249,573     96.82 %          12.6
> contract-analyst                  62           537,889     96.78 %          13.3
> risk-officer                      10            79,108     97.30 %          11.6
> security-reviewer                 23           191,561     96.89 %          12.5
> mediator                           9            78,481     94.07 %          19.4
> procurement-adviser                1             7,677     99.00 %           6.4
> translator                         9            74,078     97.97 %           9.2
> historian                          5            40,388     94.33 %          11.8
> release-manager                    4            30,819     98.95 %           6.2
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --replicas 4 --router round-robin --json | sed -n '/"tier": "host"/,/written/p; /"shared"/p; /"router"/,/"busy_s"/p'
>       "shared": false
>       "tier": "host",
>       "capacity_blocks": 2048,
>       "hit_tokens": 69568,
>       "stored_blocks": 13573,
>       "loaded_blocks": 4348,
>       "evicted_blocks": 5381,
>       "expired_blocks": 0,
>       "read_bytes": 9118416896,
>       "written_bytes": 28464644096,
>       "shared": false
>   "router": "round-robin",
>   "imbalance": 1.07867121729,
>   "replicas": [
>     {
>       "replica": 0,
>       "requests": 93,
>       "prompt_tokens": 786409,
>       "hit_tokens": 745168,
>       "busy_s": 101.372576774,
# One replica is none: the same bytes, whatever the router.
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --json >plain.json; kvcast run licence-agents.jsonl.gz --preset fleet.conf --replicas 1 --router prefix --tier host:4GiB,read=50GB/s,write=50GB/s,shared=1 --json | cmp - plain.json
$ kvcast run small.jsonl --replicas 1 --router prefix --engine vllm --json 2>&1 >/dev/null
> kvcast: note: --router has no effect here: there is one replica.
# Sweeps: over routers and replicas.
$ kvcast sweep licence-agents.jsonl.gz --preset fleet.conf --replicas 4 --vary router=round-robin,least-loaded,session,prefix,prefix-load:alpha=0.5,prefix-load
> licence-agents.jsonl.gz
> gpu: evict vllm, ttl none, capacity 1,024 blocks = 2.0 GiB
> 4 replicas
> router                   tokens      gpu     host   TTFT ms   TTFT ms  busiest /
>                           hit %    hit %    hit %      mean       p95       mean
> round-robin               93.71    91.53     2.18      29.5      80.3       1.08
> least-loaded              95.81    91.29     4.52      23.8      73.2       2.65
> session                   98.31    95.94     2.37      16.5      17.9       1.25
> prefix                    97.74    96.52     1.23      17.7      64.0       1.61
> prefix-load:alpha=0.5     97.03    96.21     0.82      19.4      72.0       1.49
> prefix-load               97.03    96.21     0.82      19.4      72.0       1.49
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast sweep licence-agents.jsonl.gz --preset fleet.conf --vary replicas=1,2,4 --router prefix-load
> licence-agents.jsonl.gz
> gpu: evict vllm, ttl none, capacity 1,024 blocks = 2.0 GiB
> router prefix-load
> replicas    tokens      gpu     host   TTFT ms   TTFT ms  busiest /
>              hit %    hit %    hit %      mean       p95       mean
> 1            98.95    91.94     7.01      20.1      22.6       1.00
> 2            97.19    93.67     3.52      21.7      72.1       1.19
> 4            97.03    96.21     0.82      19.4      72.0       1.49
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast sweep licence-agents.jsonl.gz --preset fleet.conf --vary replicas=1,4 --vary host.shared=0,1 --csv | sh pick vary_replicas vary_host.shared replicas router imbalance hit_tokens
> vary_replicas,vary_host.shared,replicas,router,imbalance,hit_tokens
> 1,0,1,least-loaded,1,3152960
> 1,1,1,least-loaded,1,3152960
> 4,0,4,least-loaded,2.65253443,3052848
> 4,1,4,least-loaded,2.66656862,3098336
$ for j in 1 3; do kvcast sweep licence-agents.jsonl.gz --preset fleet.conf --jobs $j --replicas 3 --vary router=session,prefix --vary host.shared=0,1 --csv >$j.csv; done; cmp 1.csv 3.csv && wc -l <1.csv
> 5
# Every request says whose it was, and every event; a session has one replica.
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --replicas 4 --router session --requests requests.csv --events events.jsonl --timeline time.csv >run.txt; sh pick session replica <requests.csv | tail -n +2 | sort -u | wc -l; sh pick session <requests.csv | tail -n +2 | sort -u | wc -l
> 100
> 100
$ head -n 2 requests.csv | tail -n 1 | grep -o 'replicas=4|router=session'; grep -vc '"replica": [0-3]}' events.jsonl; grep -m 1 '"cut"' events.jsonl
> replicas=4|router=session
> 0
> {"ms": 56850.522225, "event": "cut", "sequences": 1, "steps": 15, "tokens": 15, "took_ms": 62.498520, "replica": 1}
# Refusals.
$ for r in nearest prefix:alpha=2 prefix-load:alpha=-1 prefix-load:beta=1; do kvcast run small.jsonl --engine vllm --replicas 2 --router $r; done
! kvcast: --router nearest: expected round-robin, least-loaded, session, prefix or prefix-load[:alpha=A].
! kvcast: --router prefix: 'alpha' is given, but there are no parameters to set.
! kvcast: --router prefix-load: alpha=-1 is out of range; 0 to 1000000000 is expected.
! kvcast: --router prefix-load: there is no parameter 'beta'; there are: alpha.
? 1
$ for n in 0 4097 two 1.5; do kvcast run small.jsonl --engine vllm --replicas $n; done
! kvcast: --replicas 0: expected a whole number from 1 to 4096.
! kvcast: --replicas 4097: expected a whole number from 1 to 4096.
! kvcast: --replicas: 'two' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
! kvcast: --replicas: '1.5' is not a whole number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast run small.jsonl --replicas 2
! kvcast: --replicas 2: in --engine replay nothing takes time, so no replica is ever busier than another; choose static, vllm or sglang.
? 1
$ kvcast run small.jsonl --engine vllm --replicas 2 --dump-blocks blocks.csv
! kvcast: --dump-blocks: it is of one cache, and --replicas 2 have as many; expected one replica.
? 1
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --tier gpu:2GiB,shared=1
! kvcast: tier gpu: shared=1: the first tier is each replica's own memory; expected shared=1 on lower ones only.
? 1
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --tier host:4GiB,shared=1 --tier disk:1TB
! kvcast: tier disk: the tier above it, host, is shared by all replicas, so this one cannot be each one's own; expected shared=1 here, too.
? 1
$ kvcast run licence-agents.jsonl.gz --preset fleet.conf --tier host:4GiB,shared=yes
! kvcast: --tier host:4GiB,shared=yes: shared=yes: expected one of 0, 1.
? 1
$ kvcast sweep small.jsonl --vary router=session,prefix --engine vllm
! kvcast: --vary router: there is one replica, which gets every request; expected --replicas beside it.
? 1
$ kvcast sweep small.jsonl --vary replicas=1,2
! kvcast: --vary: --replicas 2: in --engine replay nothing takes time, so no replica is ever busier than another; choose static, vllm or sglang.
? 1
$ kvcast sweep small.jsonl --engine vllm --vary replicas=1,two
! kvcast: --vary: --replicas: 'two' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
? 1
$ kvcast sweep small.jsonl --engine vllm --replicas 2 --vary router=session,nearest
! kvcast: --vary: --router nearest: expected round-robin, least-loaded, session, prefix or prefix-load[:alpha=A].
? 1
