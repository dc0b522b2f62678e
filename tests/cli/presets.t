# Every preset runs as it is on the sample trace.
$ for p in $(kvcast policies --json | sed -n '/"presets"/,$s/.*"name": "\(.*\)",/\1/p'); do echo "$p: $(kvcast run licence-agents.jsonl.gz --preset $p --csv | sh pick evict capacity_gib requests rejected_requests | tail -1)"; done
> hicache: lru,100,372,0
> kvbm: vllm,100,372,0
> lmcache: vllm,100,372,0
> lmcache-gpu-disk: vllm,100,372,0
> mooncake-store: vllm,100,372,0
> trtllm: retention,100,372,0
> vllm-offload: vllm,100,372,0
# The list, and one as it stands in its file.
$ kvcast policies | sed -n '/^presets/,$p'
> presets: layouts of real systems (--preset)
> 
> hicache
>     SGLang's HiCache: GPU, host memory, storage; a radix tree, LRU.
> 
> kvbm
>     NVIDIA Dynamo's KV block manager under vLLM: GPU (G1), host memory (G2), disk (G3).
> 
> lmcache
>     LMCache under vLLM: GPU, host memory, local disk; chunks of 256 tokens, LRU.
> 
> lmcache-gpu-disk
>     LMCache under vLLM without host memory: GPU, local disk, object store; chunks of 256 tokens, LRU.
> 
> mooncake-store
>     Mooncake Store under vLLM: GPU and a pool of other machines' memory, reached by RDMA.
> 
> trtllm
>     TensorRT-LLM: GPU and host memory, priorities with durations; victims are offloaded.
> 
> vllm-offload
>     vLLM's own offloading connector: GPU and host memory, LRU.
> 
> `kvcast policies NAME` explains a policy, with a worked example, or prints a preset.
$ kvcast policies lmcache | grep -v '^#'
> 
> --engine vllm
> --block 256             # chunk_size 256. There is one block size: vLLM's own of 16 would hit a little more in the GPU
> --load always           # min_retrieve_tokens 0: what is there is loaded, even where computing it would be faster
> --model llama-3.1-8b    # example: the model of the shipped calibration
> 
> --tier gpu:100GiB
> 
> --tier host:200GiB,store=through,evict=lru,read=50GB/s,write=50GB/s,latency=10us
> 
> --tier disk:2TB,store=through,evict=lru,read=6.5GB/s,write=3.5GB/s,latency=100us
$ kvcast policies --markdown | sed -n '/| preset/,$p' | head -3
> | preset | layout |
> |---|---|
> | `hicache` | SGLang's HiCache: GPU, host memory, storage; a radix tree, LRU. |
# What the command line says wins.
$ kvcast run licence-agents.jsonl.gz --preset lmcache --csv | sh pick evict capacity_gib ledger_hit_gpu_tokens
> evict,capacity_gib,ledger_hit_gpu_tokens
> vllm,100,3101952
$ kvcast run licence-agents.jsonl.gz --preset lmcache --evict fifo --capacity 10GiB --engine sglang --csv | sh pick evict capacity_gib ledger_hit_gpu_tokens
> evict,capacity_gib,ledger_hit_gpu_tokens
> fifo,10,3100672
$ kvcast run licence-agents.jsonl.gz --preset lmcache --no-timing --json | grep -A2 '"tier":'
>       "tier": "gpu",
>       "capacity_blocks": 3200,
>       "hit_tokens": 3101952,
> --
>       "tier": "host",
>       "capacity_blocks": 6400,
>       "hit_tokens": 0,
> --
>       "tier": "disk",
>       "capacity_blocks": 59604,
>       "hit_tokens": 0,
# A tier of the same name takes the place of the preset's; another one comes after them, but before an archive.
$ kvcast run licence-agents.jsonl.gz --preset lmcache --tier host:1GiB --tier attic:3TiB --json | grep -A1 '"tier":' | grep -v '^--'
>       "tier": "gpu",
>       "capacity_blocks": 3200,
>       "tier": "host",
>       "capacity_blocks": 32,
>       "tier": "disk",
>       "capacity_blocks": 59604,
>       "tier": "attic",
>       "capacity_blocks": 98304,
$ kvcast run licence-agents.jsonl.gz --preset lmcache-gpu-disk --tier attic:3TiB --json | grep '"tier":'
>       "tier": "gpu",
>       "tier": "disk",
>       "tier": "attic",
>       "tier": "archive",
# A block size of a preset is for traces that are cut into blocks; one of the command line has to fit.
$ kvcast run licence-agents.jsonl.gz --preset lmcache --json | grep block_tokens
>   "block_tokens": 256,
$ kvcast run licence-agents.jsonl.gz --preset lmcache --block 64 --json | grep block_tokens
>   "block_tokens": 64,
$ kvcast run small.jsonl --preset lmcache --json | grep block_tokens
>   "block_tokens": 4,
$ kvcast run small.jsonl --preset lmcache --block 256
! kvcast: small.jsonl:2: the trace names blocks of 4 tokens and cannot be cut anew into blocks of 256; expected no other block size.
? 1
# A file of one's own.
$ printf '# mine\n\n--engine=vllm   # as there\n  --model llama-3.1-8b\n--quiet\n--tier gpu:1GiB\n--tier host:2GiB,read=50GB/s\n--evict lru\n' >mine.conf
$ kvcast run licence-agents.jsonl.gz --preset mine.conf --csv | sh pick evict capacity_gib requests
> evict,capacity_gib,requests
> lru,1,126
$ kvcast run licence-agents.jsonl.gz --preset nobody
! kvcast: --preset nobody is none of the built-in ones (hicache, kvbm, lmcache, lmcache-gpu-disk, mooncake-store, trtllm, vllm-offload), and nobody cannot be opened: No such file or directory.
? 1
# What is wrong is told with its line, whoever finds it.
$ bad() { printf '# mine\n--model llama-3.1-8b\n%s\n' "$1" >bad.conf; kvcast run licence-agents.jsonl.gz --preset bad.conf >/dev/null; }; bad 'engine vllm'; bad '--engin vllm'; bad '--engine'; bad '--quiet please'; bad '--model mistral-7b'; bad '--preset lmcache'; bad '--fail disk:p=1'; bad '--engine torch'; bad '--sessions many'; bad '--tier gpu'; bad '--tier gpu:1GiB,evict=lru,size=3'; bad '--tier gpu:1kB'; bad '--capacity 0'; bad '--evict nobody'; bad '--evict lru:x=1'; bad '--tier gpu:1GiB,evict=nobody'; bad '--ttl static:ttl=1'; bad '--calib nobody'
! kvcast: --preset bad.conf, line 3: "engine" is no option; expected one a line, as on the command line, e.g. --engine vllm.
! kvcast: --preset bad.conf, line 3: "--engin" is no option; expected one a line, as on the command line, e.g. --engine vllm.
! kvcast: --preset bad.conf, line 3: --engine wants a value.
! kvcast: --preset bad.conf, line 3: --quiet takes no value.
! kvcast: --preset bad.conf, line 3: --model stands in line 2 already.
! kvcast: --preset bad.conf, line 3: --preset has no place in a preset.
! kvcast: --preset bad.conf, line 3: --fail has no place in a preset.
! kvcast: --preset bad.conf, line 3: --engine torch: expected replay, static, vllm or sglang.
! kvcast: --preset bad.conf, line 3: --sessions: 'many' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf.
! kvcast: --preset bad.conf, line 3: --tier gpu: expected NAME:SIZE[,key=value...], the name of at most 23 letters.
! kvcast: --preset bad.conf, line 3: --tier gpu:1GiB,evict=lru,size=3: "size=3" is no key=value of a tier; a SPEC with several parameters stands in braces, e.g. ttl={static:ttl=1h,mode=absolute}.
! kvcast: --preset bad.conf, line 3: tier gpu: 1kB: less than one block of 16 tokens.
! kvcast: --preset bad.conf, line 3: --capacity 0: expected at least 1 block.
! kvcast: --preset bad.conf, line 3: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
! kvcast: --preset bad.conf, line 3: --evict lru: 'x' is given, but there are no parameters to set.
! kvcast: --preset bad.conf, line 3: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
! kvcast: --preset bad.conf, line 3: --ttl static: ttl: '1' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf.
! kvcast: --preset bad.conf, line 3: --calib nobody: no such file, and no built-in calibration of that name (h200-llama-3.1-8b.estimate, h200-llama-3.1-8b, h200-qwen2.5-1.5b).
? 1
$ printf -- '--model llama-3.1-8b\n--engine vllm\n--tier gpu:10GiB\n--tier disk:1TB,evict=nobody\n' >bad.conf; kvcast run licence-agents.jsonl.gz --preset bad.conf; kvcast sweep licence-agents.jsonl.gz --preset bad.conf
! kvcast: --preset bad.conf, line 4: tier disk: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
! kvcast: --preset bad.conf, line 4: tier disk: --evict nobody: there is no eviction policy of that name; `kvcast policies` lists them.
? 1
$ kvcast run licence-agents.jsonl.gz --preset lmcache --tier host:1GiB,size=3
! kvcast: --tier host:1GiB,size=3: "size=3" is no key=value of a tier; a SPEC with several parameters stands in braces, e.g. ttl={static:ttl=1h,mode=absolute}.
? 1
