# Sweeps: a row a point, in a fixed order, whatever the threads do.
$ kvcast sweep small.jsonl --no-timing --evict lru,belady:bypass=1 --ttl none,static:ttl=4s,mode=absolute --capacity 2,4,inf
> small.jsonl
> evict            ttl                            capacity  tokens   blocks   TTFT ms   TTFT ms
>                                                   blocks   hit %    hit %      mean       p95
> lru              none                                  2   32.00    30.00       4.1       4.3
> lru              none                                  4   42.67    40.00       4.1       4.1
> lru              none                                inf   58.67    55.00       4.0       4.1
> lru              static:ttl=4s,mode=absolute           2   32.00    30.00       4.1       4.3
> lru              static:ttl=4s,mode=absolute           4   32.00    30.00       4.1       4.3
> lru              static:ttl=4s,mode=absolute         inf   37.33    35.00       4.1       4.3
> belady:bypass=1  none                                  2   42.67    40.00       4.1       4.1
> belady:bypass=1  none                                  4   53.33    50.00       4.1       4.1
> belady:bypass=1  none                                inf   58.67    55.00       4.0       4.1
> belady:bypass=1  static:ttl=4s,mode=absolute           2   32.00    30.00       4.1       4.3
> belady:bypass=1  static:ttl=4s,mode=absolute           4   37.33    35.00       4.1       4.3
> belady:bypass=1  static:ttl=4s,mode=absolute         inf   37.33    35.00       4.1       4.3
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
$ kvcast sweep small.jsonl --no-timing --evict lru,fifo --capacity 2,4 --csv | sh pick trace evict ttl capacity_blocks hit_blocks
> trace,evict,ttl,capacity_blocks,hit_blocks
> small.jsonl,lru,none,2,6
> small.jsonl,lru,none,4,8
> small.jsonl,fifo,none,2,6
> small.jsonl,fifo,none,4,8
$ kvcast sweep small.jsonl --no-timing --evict lru,fifo --capacity 2,4 --json | grep -E 'evict"|capacity|"hit_blocks|^.{0,3}[]{}[]'
> [
>   {
>     "hit_blocks": 6,
>     "capacity_blocks": 2,
>     "evict": "lru",
>         "hit_blocks": 2,
>         "hit_blocks": 4,
>   },
>   {
>     "hit_blocks": 8,
>     "capacity_blocks": 4,
>     "evict": "lru",
>         "hit_blocks": 4,
>         "hit_blocks": 4,
>   },
>   {
>     "hit_blocks": 6,
>     "capacity_blocks": 2,
>     "evict": "fifo",
>         "hit_blocks": 2,
>         "hit_blocks": 4,
>   },
>   {
>     "hit_blocks": 8,
>     "capacity_blocks": 4,
>     "evict": "fifo",
>         "hit_blocks": 4,
>         "hit_blocks": 4,
>   }
> ]
$ kvcast sweep small.jsonl small.jsonl --no-timing --evict lru --capacity 3 --csv | sh pick trace capacity_blocks hit_blocks
> trace,capacity_blocks,hit_blocks
> small.jsonl,3,7
> small.jsonl,3,7
$ kvcast sweep small.jsonl --no-timing --evict lru --csv | cut -d, -f4
> capacity_blocks
> 1
> 1
> 1
> 1
> 2
> 5
> 9
$ kvcast sweep small.jsonl --no-timing --evict all --capacity 4 --csv >all.csv; kvcast policies --json | grep -c '"offline"' >count; expr $(wc -l <all.csv) - $(cat count)
> 1

$ kvcast sweep licence-agents.jsonl.gz --no-timing --evict lru,fifo,lfu,belady --ttl none,static:ttl=1m --capacity 300,600,2000 --csv --jobs 1 >one.csv
$ kvcast sweep licence-agents.jsonl.gz --no-timing --evict lru,fifo,lfu,belady --ttl none,static:ttl=1m --capacity 300,600,2000 --csv --jobs 2 >two.csv
$ cmp one.csv two.csv && wc -l <one.csv
> 25
$ kvcast sweep licence-agents.jsonl.gz --no-timing --evict lru,fifo,lfu --capacity 300,600 --json --jobs 1 >one.json
$ kvcast sweep licence-agents.jsonl.gz --no-timing --evict lru,fifo,lfu --capacity 300,600 --json --jobs 2 | cmp - one.json

# A run's row is the sweep's.
$ kvcast run small.jsonl --no-timing --evict fifo --capacity 4 --csv >run.csv; kvcast sweep small.jsonl --no-timing --evict fifo --capacity 4 --csv | cmp - run.csv
