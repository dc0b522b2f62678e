# Every command explains itself on standard output, and wrong usage ends with 2.
$ kvcast --help
> Usage: kvcast COMMAND [OPTION...]
> Forecasts from a trace what a KV cache will do: hit rate, TTFT and cost.
> 
>   run        one cache over a trace: hit rates, TTFT, where tokens went
>   sweep      the same over lists of policies, TTLs and capacities, on all cores
>   curve      lru at every capacity, a TTL at every TTL, or both, from one pass
>   fit        a calibration from what kvcast-gpu calibrate has measured
>   compare    a forecast beside a measurement: hits, TTFT, E2E, decisions
>   tune       find a policy's parameters, judged on another part of the trace
>   policies   eviction policies, TTL rules and presets, and what they do
>   trace      look into, make and convert traces
> 
> `kvcast COMMAND --help` explains a command. `-` is standard input or output.
> Exit codes: 0 fine, 1 failed (with a sentence on stderr), 2 wrong usage.
$ kvcast run --help
> Usage: kvcast run [OPTION...] TRACE
> Replays TRACE through one cache and says what it would have hit, what the rest
> would have cost in time, and where every prompt token went.
> 
>  Output:
>       --csv                  print one row, with the columns of kvcast sweep
>                              --csv
>       --dump-blocks=FILE     write a CSV of the blocks resident at the end:
>                              times, TTL, hits, score
>       --events=FILE          write everything that happens as JSON lines (not
>                              with --engine replay)
>       --groups=FILE          write a CSV with a row for every class, turn and
>                              session
>       --json                 print one JSON object
>       --requests=FILE        write a CSV with a row for every request
>       --timeline=FILE        write a CSV of hit rate, TTFT and load over time
>                              (not with --engine replay)
>       --timeline-bucket=TIME its step; default 60s
> 
>  Money:
>       --provider=LIST        print instead what the trace costs at hosted
>                              models' providers:
>                              NAME[:ttl=1h,model=...,pings=N,file=PATH], parted
>                              by commas; NAME is, without a file of prices, one
>                              of alibaba-explicit, alibaba-implicit, anthropic,
>                              bedrock-claude, bedrock-nova, deepseek,
>                              gemini-explicit, gemini-implicit, openai,
>                              openai-automatic
> 
>  How sure it is:
>       --ensemble=N           forecast N times more, with steps that are off by
>                              as much as the calibration is known to be, and say
>                              how far these forecasts get apart (not with
>                              --engine replay)
>       --step-error=PERCENT   by how much a step is off on average; default:
>                              what the calibration's fit found
> 
>  The cache:
>       --capacity=N|SIZE      room of the first tier: a plain number is blocks,
>                              40GiB or 1.5TB is bytes of KV (needs --model);
>                              default inf
>       --evict=SPEC           which block goes when it is full; default lru, for
>                              --engine vllm vllm
>       --partial-tail=cache|skip   whether a last block that is not full is
>                              cached; default cache (engines other than replay:
>                              skip)
>       --recompute-last=0|1   1: the last block of a full hit is computed again;
>                              default 0 (engines other than replay: 1)
>       --scope=leaf|flat      leaf (default): no block goes before its cached
>                              children; flat: any may
>       --semantics=prefix|object   prefix (default): a block hits if all before
>                              it hit; object: every block for itself, flat
>       --ttl=SPEC             when an unused block expires, e.g. static:ttl=5m;
>                              default none
> 
>  Lower tiers:
>       --archive-every=TIME   how often the worker of the tier named archive
>                              uploads; default 60s
>       --archive-rate=RATE    the most it uploads, before compression; default
>                              inf
>       --fail=FAULT           a tier is away for a while, e.g. disk@600s+120s,
>                              or each of its loads fails with a probability,
>                              e.g. archive:p=0.01; repeat
>       --load=faster|always|never   when a hit in a lower tier is loaded;
>                              default faster: when that beats computing it
>       --no-offload           lower tiers decide and log, but hold and move
>                              nothing
>       --tier=TIER            NAME:SIZE[,key=value...], one level of the cache,
>                              the fastest first; repeat. Keys: evict, ttl, read,
>                              write, latency, store, promote, expired, compress,
>                              inflate, price, shared. What read, write and
>                              latency are not given is what the calibration
>                              measured for a tier of that name (host, disk,
>                              archive); else the link takes no time
> 
>  The traffic:
>       --answers=keep|drop    whether blocks that an answer fills are cached,
>                              where the trace shows them; default keep (replay:
>                              drop)
>       --arrivals=open|closed open (default): at recorded times; closed: a turn
>                              comes a think time after the answer before it
>       --block=TOKENS         block size of token, text and segment traces;
>                              default: the trace's own
>       --max-output=N         shorten answers to N tokens
>       --max-prompt=N         shorten prompts to N tokens
>       --sessions=N           closed: sessions at once; a finished one starts
>                              the next; default 64
>       --speed=X              requests arrive, or in a closed loop think times
>                              pass, X times faster; default 1
>       --warmup=FRACTION      serve this first part of the requests without
>                              counting it; default 0
> 
>  The machine:
>       --calib=NAME|FILE      gives the times: a calibration file or the name of
>                              a built-in one
>       --engine=NAME          replay (default): requests are served in order and
>                              at once, TTFT is uncontended; static: one at a
>                              time; vllm, sglang: continuous batching with that
>                              engine's rules
>       --max-running=N        sequences in a step; default 256
>       --model=NAME|FILE      gives the bytes of KV a token: a preset or a
>                              Hugging Face config.json
>       --preset=NAME|FILE     your own file of options, one a line, or the
>                              layout of a real system: hicache, kvbm, lmcache,
>                              lmcache-gpu-disk, mooncake-store, trtllm,
>                              vllm-offload
>       --price=gpu=DOLLARS/hour   what a GPU hour costs, to count savings in
>                              dollars
>       --replicas=N           N machines like this one, each with tiers of its
>                              own but for those with shared=1; default 1
>       --router=SPEC          which of them gets a request: round-robin,
>                              least-loaded (default), session, prefix,
>                              prefix-load[:alpha=A]
>       --step-tokens=N        token budget of a step; default 8192
> 
>  Other:
>       --no-timing            leave out wall_s, the one field that differs
>                              between equal runs
>       --quiet                no messages and no progress on stderr
>       --seed=N               for everything that draws random numbers; default
>                              1
> 
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
> 
> Example: kvcast run trace.jsonl.gz --model llama-3.1-8b --capacity 40GiB
> --evict lru --ttl static:ttl=5m
> 
> SPEC is NAME[:key=value,...], or @FILE where it stands in a file; `kvcast
> policies` lists names and keys.
> 
> Keys of --tier, as in --tier disk:2TB,ttl=static:ttl=1h,read=6.5GB/s:
>   evict=SPEC, ttl=SPEC    its own policies; default lru, none
>   read=RATE, write=RATE, latency=TIME
>                           its link, one queue for both directions
>   store=demote            it is given what the tier above evicts (default),
>   store=through           or all that is computed,
>   store=second            or what the first tier hits
>   promote=always          a block hit here stays in the first tier (default),
>   promote=second          or does so from its second hit on,
>   promote=never           or serves its request only
>   expired=drop            what is past its TTL is gone (default),
>   expired=demote          or goes to the next tier
>   compress=RATIO, inflate=RATE
>                           stored size over size, and how fast it is unpacked
>   price=DOLLARS/GB-month  what holding it costs, for --price
>   shared=1                one for all replicas, with all tiers below it
> A tier named archive is the last, an object store: nothing is evicted into it,
> a worker uploads what was computed (--archive-every, --archive-rate).
$ kvcast sweep --help
> Usage: kvcast sweep [OPTION...] TRACE...
> Replays each TRACE through every combination of policies, TTLs and capacities.
> 
>  The sweep: --evict, --ttl and --capacity take lists parted by commas. --evict
>  all is every policy; --capacity defaults to 1, 2, 5, 10, 20, 50 and 100 % of
>  the trace's distinct blocks.
>       --jobs=N               threads; default one a core
>       --resume=FILE          with --csv: keep finished rows in FILE, and begin
>                              with those that an interrupted run of the same
>                              command left there
>       --vary=NAME.KEY=LIST   values of a lower tier's size or other key, e.g.
>                              disk.size=1TB,2TB or disk.ttl=none,static:ttl=1h,
>                              or replicas=1,2,4 or router=session,prefix, or
>                              steps=0.97,1,1.03 (factors on the duration of
>                              every step); repeat for all combinations
> 
>  Output:
>       --csv                  print one row a point
>       --json                 print a JSON array, one object a point
> 
>  The cache:
>       --capacity=N|SIZE      room of the first tier: a plain number is blocks,
>                              40GiB or 1.5TB is bytes of KV (needs --model);
>                              default inf
>       --evict=SPEC           which block goes when it is full; default lru, for
>                              --engine vllm vllm
>       --partial-tail=cache|skip   whether a last block that is not full is
>                              cached; default cache (engines other than replay:
>                              skip)
>       --recompute-last=0|1   1: the last block of a full hit is computed again;
>                              default 0 (engines other than replay: 1)
>       --scope=leaf|flat      leaf (default): no block goes before its cached
>                              children; flat: any may
>       --semantics=prefix|object   prefix (default): a block hits if all before
>                              it hit; object: every block for itself, flat
>       --ttl=SPEC             when an unused block expires, e.g. static:ttl=5m;
>                              default none
> 
>  Lower tiers:
>       --archive-every=TIME   how often the worker of the tier named archive
>                              uploads; default 60s
>       --archive-rate=RATE    the most it uploads, before compression; default
>                              inf
>       --fail=FAULT           a tier is away for a while, e.g. disk@600s+120s,
>                              or each of its loads fails with a probability,
>                              e.g. archive:p=0.01; repeat
>       --load=faster|always|never   when a hit in a lower tier is loaded;
>                              default faster: when that beats computing it
>       --no-offload           lower tiers decide and log, but hold and move
>                              nothing
>       --tier=TIER            NAME:SIZE[,key=value...], one level of the cache,
>                              the fastest first; repeat. Keys: evict, ttl, read,
>                              write, latency, store, promote, expired, compress,
>                              inflate, price, shared. What read, write and
>                              latency are not given is what the calibration
>                              measured for a tier of that name (host, disk,
>                              archive); else the link takes no time
> 
>  The traffic:
>       --answers=keep|drop    whether blocks that an answer fills are cached,
>                              where the trace shows them; default keep (replay:
>                              drop)
>       --arrivals=open|closed open (default): at recorded times; closed: a turn
>                              comes a think time after the answer before it
>       --block=TOKENS         block size of token, text and segment traces;
>                              default: the trace's own
>       --max-output=N         shorten answers to N tokens
>       --max-prompt=N         shorten prompts to N tokens
>       --sessions=N           closed: sessions at once; a finished one starts
>                              the next; default 64
>       --speed=X              requests arrive, or in a closed loop think times
>                              pass, X times faster; default 1
>       --warmup=FRACTION      serve this first part of the requests without
>                              counting it; default 0
> 
>  The machine:
>       --calib=NAME|FILE      gives the times: a calibration file or the name of
>                              a built-in one
>       --engine=NAME          replay (default): requests are served in order and
>                              at once, TTFT is uncontended; static: one at a
>                              time; vllm, sglang: continuous batching with that
>                              engine's rules
>       --max-running=N        sequences in a step; default 256
>       --model=NAME|FILE      gives the bytes of KV a token: a preset or a
>                              Hugging Face config.json
>       --preset=NAME|FILE     your own file of options, one a line, or the
>                              layout of a real system: hicache, kvbm, lmcache,
>                              lmcache-gpu-disk, mooncake-store, trtllm,
>                              vllm-offload
>       --price=gpu=DOLLARS/hour   what a GPU hour costs, to count savings in
>                              dollars
>       --replicas=N           N machines like this one, each with tiers of its
>                              own but for those with shared=1; default 1
>       --router=SPEC          which of them gets a request: round-robin,
>                              least-loaded (default), session, prefix,
>                              prefix-load[:alpha=A]
>       --step-tokens=N        token budget of a step; default 8192
> 
>  Other:
>       --no-timing            leave out wall_s, the one field that differs
>                              between equal runs
>       --quiet                no messages and no progress on stderr
>       --seed=N               for everything that draws random numbers; default
>                              1
> 
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
> 
> Example: kvcast sweep trace.jsonl.gz --evict lru,lfu --ttl none,static:ttl=5m
> --capacity 1000,10000,100000 --csv > sweep.csv
> 
> `kvcast run --help` explains the keys of --tier.
$ kvcast policies --help
> Usage: kvcast policies [OPTION...] [NAME...]
> Lists the eviction policies, TTL rules and presets, or explains those named.
> 
>       --json                 print one JSON object
>       --markdown             print the README's tables
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
$ kvcast trace --help
> Usage: kvcast trace SUBCOMMAND [OPTION...]
> 
>   info       lengths, sessions, reuse, the best that any cache could do
>   gen        make a trace: agents that ask about shared texts
>   layout     what keeps prompts from sharing, and what another order brings
>   convert    to native JSONL, or to the compiled form that loads at once
> 
> `kvcast trace SUBCOMMAND --help` explains one.
$ kvcast trace info --help
> Usage: kvcast trace info [OPTION...] TRACE
> Says what is in a trace: lengths, sessions, classes, how soon blocks are used
> again, and the hit rates of a cache that never forgets, which no policy can
> beat.
> 
>       --block=TOKENS         block size of token, text and segment traces
>                              (default: the trace's own)
>       --json                 print one JSON object
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
> 
> Quantiles are exact, linear between order statistics (type 7). TRACE is a file
> in any form that kvcast reads, or - for standard input.
$ kvcast trace gen --help
> Usage: kvcast trace gen [OPTION...]
> Makes a trace of agents that ask about shared manuals, out of text files.
> 
>  What is asked about, and by whom:
>       --agents=N             number of agents (default: 12, or all of
>                              --agents-file)
>       --agents-file=FILE     the agents' prompts, parted by blank lines
>                              (default: built-in roles such as the Compliance
>                              Auditor)
>       --manual=FILE          a text all agents share; may be given several
>                              times
>       --manual-tokens=N      shorten or repeat each manual to N tokens
>       --popularity=SPEC      of manuals and agents, in the order given:
>                              zipf:s=S, uniform, or rotate, where agents take
>                              turns (default: zipf:s=1)
>       --template=PARTS       order of a prompt's parts; earlier questions and
>                              answers stand before the new question (default:
>                              manual,agent,question)
> 
>  Sessions:
>       --answer=DIST          tokens of an answer (default:
>                              lognormal:median=200,sigma=0.7)
>       --arrivals=SPEC        when sessions begin (default: poisson:rate=0.5)
>       --question=DIST        tokens of a question (default:
>                              lognormal:median=40,sigma=0.5)
>       --seed=N               of the random numbers (default: 1)
>       --sessions=N           number of sessions (default: 100)
>       --think=DIST           time between an answer and the next question
>                              (default: lognormal:median=20s,sigma=1)
>       --turns=DIST           questions a session has (default:
>                              geometric:mean=4)
> 
>  Output:
>       --block=TOKENS         block size to write into the header (default: 16)
>       --emit=FORM            segments: the parts' names and lengths, compact;
>                              prompt: the text. Both have the same blocks
>                              (default: segments)
>   -o, --output=FILE          where the trace goes; .gz compresses (default: -)
>       --quiet                no summary on stderr
> 
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
> 
> Mandatory or optional arguments to long options are also mandatory or optional
> for any corresponding short options.
> 
> DIST is a number, or one of
>   fixed:V                     uniform:least=A,most=B
>   exponential:mean=M          gamma:mean=M,cv=C
>   lognormal:median=M,sigma=S  geometric:mean=M (counts only)
> with counts such as 40, or times such as 20s.
> 
> Arrivals, R in sessions per second, are one of
>   poisson:rate=R              gamma:rate=R,cv=C
>   fixed:rate=R                onoff:rate=R,on=30s,off=120s (bursts)
> 
> A question comes after the previous answer, for which 20 ms a token are
> reckoned, and the time to think. Equal options, texts and seed give equal
> bytes.
> 
> Example:
>   kvcast trace gen --manual handbook.txt --agents 20 -o agents.jsonl.gz
$ kvcast trace convert --help
> Usage: kvcast trace convert [OPTION...] IN OUT
> Writes the trace IN, in whatever form it is, as OUT: native JSONL, or the
> compiled form, which loads at once. A name that ends in .gz is compressed.
> 
>       --block=TOKENS         block size of token, text and segment traces;
>                              default: the trace's own
>       --max-output=N         shorten answers to N tokens
>       --max-prompt=N         shorten prompts to N tokens
>       --quiet                no messages on stderr
>       --to=jsonl|binary      the form of OUT; default: by its ending, .jsonl or
>                              .kvt; - is jsonl
>   -?, --help                 Give this help list
>       --usage                Give a short usage message
>   -V, --version              Print program version
> 
> Example: kvcast trace convert trace.jsonl.gz trace.kvt
$ kvcast --version
> kvcast 0.1.0
$ kvcast run --version
> kvcast 0.1.0

$ kvcast
! Usage: kvcast COMMAND [OPTION...]
! Forecasts from a trace what a KV cache will do: hit rate, TTFT and cost.
! 
!   run        one cache over a trace: hit rates, TTFT, where tokens went
!   sweep      the same over lists of policies, TTLs and capacities, on all cores
!   curve      lru at every capacity, a TTL at every TTL, or both, from one pass
!   fit        a calibration from what kvcast-gpu calibrate has measured
!   compare    a forecast beside a measurement: hits, TTFT, E2E, decisions
!   tune       find a policy's parameters, judged on another part of the trace
!   policies   eviction policies, TTL rules and presets, and what they do
!   trace      look into, make and convert traces
! 
! `kvcast COMMAND --help` explains a command. `-` is standard input or output.
! Exit codes: 0 fine, 1 failed (with a sentence on stderr), 2 wrong usage.
? 2
$ kvcast trace
! Usage: kvcast trace SUBCOMMAND [OPTION...]
! 
!   info       lengths, sessions, reuse, the best that any cache could do
!   gen        make a trace: agents that ask about shared texts
!   layout     what keeps prompts from sharing, and what another order brings
!   convert    to native JSONL, or to the compiled form that loads at once
! 
! `kvcast trace SUBCOMMAND --help` explains one.
? 2
$ kvcast dance
! kvcast: there is no command "dance"; `kvcast --help` lists them.
? 2
$ kvcast trace dance
! kvcast: there is no command "trace dance"; `kvcast trace --help` lists them.
? 2
$ kvcast run --dance small.jsonl
! kvcast run: unrecognized option '--dance'
! Try `kvcast run --help' or `kvcast run --usage' for more information.
? 2
$ kvcast run
! kvcast run: a trace is missing: a file, or - for standard input
! Try `kvcast run --help' or `kvcast run --usage' for more information.
? 2
$ kvcast run small.jsonl small.jsonl
! kvcast run: one trace at a time; `kvcast sweep` takes several
! Try `kvcast run --help' or `kvcast run --usage' for more information.
? 2
$ kvcast sweep
! kvcast sweep: a trace is missing: one or more files, or - for standard input
! Try `kvcast sweep --help' or `kvcast sweep --usage' for more information.
? 2
$ kvcast sweep --jobs
! kvcast sweep: option '--jobs' requires an argument
! Try `kvcast sweep --help' or `kvcast sweep --usage' for more information.
? 2
$ kvcast policies --dance
! kvcast policies: unrecognized option '--dance'
! Try `kvcast policies --help' or `kvcast policies --usage' for more
! information.
? 2
