# --dump-blocks: what is in the cache when the run ends. Block 3 was last used by a lawyer, and its parents 0 and 1 live as
# long as it does (lift).
$ kvcast run small.jsonl --ttl 'adaptive:base=60s;class=lawyer:base=5m' --evict gdsf --capacity 9 --quiet --dump-blocks blocks.csv >out; cat blocks.csv
> block,inserted_at,ttl_s,deadline,last_accessed,access_count,score,tier
> 0,0.000000,180,454000.000000,9500.000000,4,5,gpu
> 1,0.000000,180,454000.000000,9500.000000,4,5,gpu
> 2,0.000000,60,60000.000000,0.000000,0,1,gpu
> 3,1000.000000,450,454000.000000,4000.000000,1,2,gpu
> 4,1000.000000,90,99500.000000,9500.000000,1,2,gpu
> 5,1000.000000,90,99500.000000,9500.000000,1,2,gpu
> 6,9000.000000,60,69000.000000,9000.000000,0,1,gpu
> 7,9000.000000,60,69000.000000,9000.000000,0,1,gpu
> 8,9500.000000,60,69500.000000,9500.000000,0,1,gpu
# Every tier has its rows; without a TTL there is no deadline.
$ kvcast run small.jsonl --engine vllm --model llama-3.1-8b --tier gpu:6 --tier host:8,ttl=static --quiet --dump-blocks blocks.csv >out; cat blocks.csv
> block,inserted_at,ttl_s,deadline,last_accessed,access_count,score,tier
> 0,0.000000,,,9500.000000,4,,gpu
> 1,0.000000,,,9500.000000,4,,gpu
> 4,11.984436,,,9500.000000,2,,gpu
> 5,9500.000000,,,9500.000000,0,,gpu
> 3,9500.000000,300,309500.000000,9500.000000,0,,host
> 5,9000.000000,300,309500.000000,9500.000000,1,,host
> 6,9511.798764,300,309511.798764,9511.798764,0,,host
$ kvcast run small.jsonl --dump-blocks nowhere/blocks.csv
! kvcast: nowhere/blocks.csv cannot be written: No such file or directory.
? 1
