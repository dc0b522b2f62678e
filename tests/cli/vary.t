# Sweeps with engines and lower tiers: every option of run, and lists for the keys of a lower tier. Disk is slow here, so that
# loading it shows.
$ printf -- '--engine vllm\n--model llama-3.1-8b\n--quiet\n--no-timing\n--load always\n--tier gpu:2GiB\n--tier host:1GiB,read=50GB/s\n--tier disk:1TB,read=1GB/s\n' >tiers.conf
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary host.size=1GiB,4GiB --vary disk.ttl=none,static:ttl=1m,mode=absolute
> licence-agents.jsonl.gz
> gpu: evict vllm, ttl none, capacity 1,024 blocks = 2.0 GiB
> host.size  disk.ttl                       tokens      gpu     host     disk   TTFT ms   TTFT ms
>                                            hit %    hit %    hit %    hit %      mean       p95
> 1GiB       none                            99.06    91.18     2.29     5.59      79.5     272.1
> 1GiB       static:ttl=1m,mode=absolute     97.13    91.40     2.12     3.61      61.6     232.6
> 4GiB       none                            99.06    91.20     7.02     0.84      24.7      97.2
> 4GiB       static:ttl=1m,mode=absolute     98.90    91.20     7.02     0.68      23.3      83.5
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --capacity 2GiB,4GiB --ttl none,static:ttl=5s --vary disk.read=1GB/s,10GB/s
> licence-agents.jsonl.gz
> gpu: evict vllm
> ttl            disk.read    capacity  tokens      gpu     host     disk   TTFT ms   TTFT ms
>                               blocks   hit %    hit %    hit %    hit %      mean       p95
> none           1GB/s           1,024   99.06    91.18     2.29     5.59      79.5     272.1
> none           1GB/s           2,048   99.06    94.11     1.70     3.25      46.2     229.4
> none           10GB/s          1,024   99.06    91.18     2.26     5.61      20.4      35.2
> none           10GB/s          2,048   99.06    94.11     1.66     3.29      12.9      31.9
> static:ttl=5s  1GB/s           1,024   84.26    81.27     1.10     1.89      74.8     324.0
> static:ttl=5s  1GB/s           2,048   81.27    81.27     0.00     0.00      56.0     312.0
> static:ttl=5s  10GB/s          1,024   84.26    81.27     1.10     1.89      54.7     316.9
> static:ttl=5s  10GB/s          2,048   81.27    81.27     0.00     0.00      56.0     312.0
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary host.size=1GiB --csv | sh pick vary_host.size link_disk_share link_disk_read_bytes held_host_gib
> vary_host.size,link_disk_share,link_disk_read_bytes,held_host_gib
> 1GiB,0.0236542654,23358078976,0.950353846
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary host.size=1GiB,4GiB --json | grep -A1 '"vary"'
>     "vary": {
>       "host.size": "1GiB"
> --
>     "vary": {
>       "host.size": "4GiB"
# The same bytes, whatever the threads do; and the same numbers as one run has.
$ for j in 1 3; do kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --jobs $j --vary host.size=1GiB,2GiB,4GiB --vary disk.store=demote,through --csv >$j.csv; done; cmp 1.csv 3.csv && wc -l <1.csv
> 7
$ kvcast run licence-agents.jsonl.gz --preset tiers.conf --tier host:4GiB,read=50GB/s --tier disk:1TB,read=1GB/s,store=through --csv | sh pick hit_tokens ttft_ms_mean link_disk_written_bytes
> hit_tokens,ttft_ms_mean,link_disk_written_bytes
> 3156480,24.6684476,13126074368
$ tail -n 1 1.csv | cat 1.csv - | sh pick hit_tokens ttft_ms_mean link_disk_written_bytes | tail -1
> 3156480,24.6684476,13126074368
# Prices: what the hits saved, and what was held for how long.
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --price gpu=30/hour --vary disk.price=0.08/GB-month,80/GB-month
> licence-agents.jsonl.gz
> gpu: evict vllm, ttl none, capacity 1,024 blocks = 2.0 GiB
> disk.price       tokens      gpu     host     disk   TTFT ms   TTFT ms     saved      held
>                   hit %    hit %    hit %    hit %      mean       p95         $         $
> 0.08/GB-month     99.06    91.18     2.29     5.59      79.5     272.1      0.74      0.00
> 80/GB-month       99.06    91.18     2.29     5.59      79.5     272.1      0.74      0.28
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
# All steps a little faster or slower: how far the forecast moves. A factor of 1 is as good as none.
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --arrivals closed --sessions 8 --speed 20 --ttl none,static:ttl=1s --vary steps=0.97,1,1.03
> licence-agents.jsonl.gz
> gpu: evict vllm, capacity 1,024 blocks = 2.0 GiB
> ttl            steps    tokens      gpu     host     disk   TTFT ms   TTFT ms
>                          hit %    hit %    hit %    hit %      mean       p95
> none           0.97      99.06    92.86     4.72     1.48     123.3     574.4
> none           1         99.06    92.81     4.83     1.42     148.6     855.4
> none           1.03      99.06    92.59     4.98     1.49     146.3     718.5
> static:ttl=1s  0.97      92.05    91.59     0.45     0.02     154.6     818.5
> static:ttl=1s  1         91.83    91.32     0.49     0.03     144.9     738.7
> static:ttl=1s  1.03      92.25    90.74     1.44     0.07     165.0     880.1
> times: NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary steps=1,2 --csv | sh pick vary_steps hit_tokens prefill_ms_mean prefill_saved_s
> vary_steps,hit_tokens,prefill_ms_mean,prefill_saved_s
> 1,3156480,6.78242537,89.3327665
> 2,3156480,14.3960654,178.665533
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --csv >without.csv; kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary steps=1 --csv | sed 's/,vary_steps//; s/,1$//' | cmp - without.csv
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary steps=0.5 --json | grep -A1 '"vary"'
>     "vary": {
>       "steps": "0.5"
$ for j in 1 3; do kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --jobs $j --vary steps=0.9,1.1 --vary host.size=1GiB,2GiB --csv --resume rows.$j >$j.csv; done; cmp 1.csv 3.csv && wc -l <1.csv
> 5
$ head -n 3 rows.1 >torn; kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary steps=0.9,1.1 --vary host.size=1GiB,2GiB --csv --resume torn | cmp - 1.csv
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary steps=0.9,1.2 --vary host.size=1GiB,2GiB --csv --resume rows.1
! kvcast: --resume rows.1: line 1 was written by another sweep: --vary steps 2 is "1.1" there and "1.2" here; expected the same command, or a file of its own for this one.
? 1
$ for s in 0.4 2.5 fast '' 1,,1; do kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary steps=$s; done
! kvcast: --vary steps=0.4: expected a factor on the duration of every step, from 0.5 to 2.
! kvcast: --vary steps=2.5: expected a factor on the duration of every step, from 0.5 to 2.
! kvcast: --vary steps=fast: expected a factor on the duration of every step, from 0.5 to 2.
! kvcast: --vary steps=: a value is missing.
! kvcast: --vary steps=1,,1: a value is missing.
? 1
$ kvcast sweep small.jsonl --vary steps=0.97,1,1.03
! kvcast: --vary steps: in --engine replay nothing takes time, so there are no steps that could take longer; choose static, vllm or sglang.
? 1
# Refusals come before the first run.
$ for v in disk=3 disk.=3 .size=3 disk.size disk.size= disk.size=1TB,,2TB 'disk.ttl={static' disk.sze=3 gpu.size=3GiB attic.size=3 disk.evict=lru,belady disk.evict=nobody disk.size=1B; do kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary $v; done
! kvcast: --vary disk=3: expected NAME.KEY=VALUE,VALUE..., e.g. disk.size=1TB,2TB.
! kvcast: --vary disk.=3: expected NAME.KEY=VALUE,VALUE..., e.g. disk.size=1TB,2TB.
! kvcast: --vary .size=3: expected NAME.KEY=VALUE,VALUE..., e.g. disk.size=1TB,2TB.
! kvcast: --vary disk.size: expected NAME.KEY=VALUE,VALUE..., e.g. disk.size=1TB,2TB.
! kvcast: --vary disk.size=: a value is missing.
! kvcast: --vary disk.size=1TB,,2TB: a value is missing.
! kvcast: --vary: --tier disk:1TB,read=1GB/s,ttl={{static}: ttl={static: '{static' opens a brace and never closes it.
! kvcast: --vary: --tier disk:1TB,read=1GB/s,sze={3}: "sze={3}" is no key=value of a tier; a SPEC with several parameters stands in braces, e.g. ttl={static:ttl=1h,mode=absolute}.
! kvcast: --vary gpu.size: this is the first tier, of which --capacity, --evict and --ttl take lists.
! kvcast: --vary attic.size: there is no --tier of that name.
! kvcast: tier disk: --evict belady: it reads the order of requests from the trace, which an engine that takes time does not keep; use --engine replay.
! kvcast: tier disk: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
! kvcast: tier disk: 1B: less than one block of 16 tokens.
? 1
$ kvcast sweep licence-agents.jsonl.gz --preset tiers.conf --vary disk.size=1TB --vary disk.size=2TB
! kvcast: --vary disk.size=2TB: disk.size has its values already.
? 1
$ kvcast sweep small.jsonl --vary disk.size=1TB
! kvcast: --vary disk.size: there is no --tier of that name.
? 1
$ kvcast sweep small.jsonl --vary a.b=1 --vary a.c=1 --vary a.d=1 --vary a.e=1 --vary a.f=1
! kvcast sweep: more than 4 of --vary
! Try `kvcast sweep --help' or `kvcast sweep --usage' for more information.
? 2
