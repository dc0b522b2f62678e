# Two clerks ask about one manual, each prompt beginning with the day: Monday, Monday, Tuesday. Blocks of 4 tokens.
$ printf '{"timestamp":%d,"output_length":1,"session_id":"%s","segments":[{"id":"%s","tokens":4},{"id":"manual","tokens":40},{"tokens":6}]}\n' 0 a monday 1000 b monday 2000 c tuesday >days.jsonl; kvcast trace layout days.jsonl --block 4
> trace    days.jsonl
>          3 requests, 150 prompt tokens; 6 pieces, 2 of them shared
>          all prompts begin with the same 0 tokens
> cache    lru, ttl none, no limit
> 
> order             tokens hit %       TTFT ms           p95
> as it is                 29.33           4.7           5.1
> shared first             56.00           4.4           5.0
> 
> where prefixes end although known pieces follow, whatever the room
>   place  piece                                 requests     tokens lost       %
>       1  tuesday                                      1              40   26.67
>     all  1 piece                                      1              40   26.67
> 
> the new order: shared pieces first, all others as they were
>          piece                                 requests          tokens
>       1  manual                                       3              40
>       2  monday                                       2               4
> 
> TTFT is uncontended; NVIDIA H200, llama-3.1-8b; an estimate, not measured
# By hand: as it is the second request hits day and manual, 44 of 150 tokens; with the manual first the third hits its 40 too.
$ kvcast trace layout days.jsonl --block 4 -o first.jsonl --json
> {
>   "trace": "days.jsonl",
>   "common_tokens": 0,
>   "as_it_is": {
>     "token_hit_rate": 0.293333333333,
>     "ttft_ms_mean": 4.74030733333,
>     "ttft_ms_p50": 5.081985,
>     "ttft_ms_p95": 5.081985
>   },
>   "shared_first": {
>     "token_hit_rate": 0.56,
>     "ttft_ms_mean": 4.42972233333,
>     "ttft_ms_p50": 4.15023,
>     "ttft_ms_p95": 4.9888095
>   },
>   "busts": [
>     {
>       "piece": "tuesday",
>       "place": 1,
>       "requests": 1,
>       "lost_tokens": 40
>     }
>   ],
>   "order": [
>     {
>       "piece": "manual",
>       "requests": 3,
>       "tokens": 40
>     },
>     {
>       "piece": "monday",
>       "requests": 2,
>       "tokens": 4
>     }
>   ]
> }
$ kvcast run first.jsonl --csv | sh pick hit_tokens prompt_tokens
> hit_tokens,prompt_tokens
> 84,150
# Paragraphs of texts are pieces, too.
$ printf '{"timestamp":%d,"output_length":1,"prompt":"It is %s.\\n\\nYou are a clerk. Answer with the number of the section.\\n\\n%s?"}\n' 0 Monday Who 1 Tuesday What >texts.jsonl; kvcast trace layout texts.jsonl --block 4 | sed -n '6,12p'
> order             tokens hit %       TTFT ms           p95
> as it is                  0.00           4.4           4.4
> shared first             30.77           4.2           4.3
> 
> where prefixes end although known pieces follow, whatever the room
>   place  piece                                 requests     tokens lost       %
>       1  It is Tuesday.                               1              13   33.33
# Written out, the trace has ids only; they cannot be taken apart.
$ kvcast trace layout first.jsonl --block 4
! kvcast: first.jsonl: 0 of 3 requests say what their prompts consist of; expected "segments" or "prompt" in all, as ids and tokens cannot be taken apart.
? 1
# Nothing to gain where the shared piece stands first.
$ printf '{"timestamp":%d,"output_length":1,"segments":[{"id":"manual","tokens":40},{"tokens":6}]}\n' 0 1 >good.jsonl; kvcast trace layout good.jsonl --block 4 | sed -n '6,10p'
> order             tokens hit %       TTFT ms           p95
> as it is                 43.48           4.5           4.9
> shared first             43.48           4.5           4.9
> 
> No piece keeps a known one behind it from being hit.
# What is wrong is said.
$ kvcast trace layout small.jsonl
! kvcast: small.jsonl: 0 of 6 requests say what their prompts consist of; expected "segments" or "prompt" in all, as ids and tokens cannot be taken apart.
? 1
$ kvcast trace layout -
! kvcast: standard input cannot be read twice; expected a file.
? 1
$ kvcast trace layout
! kvcast trace layout: a trace is missing
! Try `kvcast trace layout --help' or `kvcast trace layout --usage' for more
! information.
? 2
$ kvcast trace layout nothing.jsonl
! kvcast: nothing.jsonl cannot be opened: No such file or directory.
? 1
$ kvcast trace layout days.jsonl --evict lru,fifo
! kvcast: --evict lru,fifo: expected one policy; `kvcast sweep` takes lists.
? 1
$ kvcast trace layout days.jsonl -o nowhere/x.jsonl
! kvcast: nowhere/x.jsonl cannot be written: No such file or directory.
? 1
