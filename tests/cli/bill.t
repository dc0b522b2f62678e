# What a trace costs at providers. The sample's sessions come again within minutes.
$ kvcast run licence-agents.jsonl.gz --provider anthropic,anthropic:ttl=1h,openai:input=1.25,output=10
> trace    licence-agents.jsonl.gz
>          372 requests of 100 sessions, 3,186,397 prompt and 101,168 answer tokens
> 
>                                tokens    dollars    dollars             a 1,000         a
> provider                       read %     in all   uncached            requests   session
> anthropic                       96.77       4.71      18.46   -74.5%      12.67     0.047
> anthropic:ttl=1h                96.77       5.10      18.46   -72.4%      13.71     0.051
> openai:input=1.25,output=10     96.77       1.56       4.99   -68.8%       4.19     0.016
> 
> Anthropic, prices as of 2026-11: breakpoints are taken to stand wherever they
>   help; the least prompt of claude-opus-4.7 is not known here and taken as
>   1,024.
> OpenAI, GPT-5.6 and later, prices as of 2026-11: 30 minutes is the least that a
>   prefix lives; it may live longer.
$ kvcast run licence-agents.jsonl.gz --provider gemini-explicit:model=gemini-2.5-flash --csv
> trace,provider,model,as_of,ttl_s,requests,sessions,prompt_tokens,read_tokens,written_tokens,plain_tokens,output_tokens,ping_tokens,stored_token_hours,read_dollars,written_dollars,plain_dollars,output_dollars,ping_dollars,storage_dollars,input_dollars,total_dollars,uncached_dollars,dollars_per_1000_requests,dollars_per_session
> licence-agents.jsonl.gz,gemini-explicit:model=gemini-2.5-flash,gemini-2.5-flash,2026-11,3600,372,100,3186397,3083536,102861,0,101168,0,22333.9615,0.09250608,0.0308583,0,0,0,0.0223339615,0.145698342,0.145698342,0.9559191,0.391662208,0.00145698342
$ kvcast run licence-agents.jsonl.gz --provider deepseek:ttl=3h --json | head -n 12
> [
>   {
>     "trace": "licence-agents.jsonl.gz",
>     "provider": "deepseek:ttl=3h",
>     "title": "DeepSeek",
>     "model": "deepseek-flash",
>     "as_of": "2026-11",
>     "note": "a prefix lives for a few hours to a few days without use, so ttl has to be given; -peak models hold from 01 to 04 and 06 to 10 UTC on working days",
>     "ttl_s": 10800.0,
>     "requests": 372,
>     "sessions": 100,
>     "prompt_tokens": 3186397,
# A list of one's own; read and write are multiples of the input price.
$ printf '{"kvcast_prices":1,"provider":"Ours","as_of":"2026","refresh":"sliding","lifetimes":[{"ttl":"10m","write":1}],"read":0,"models":[{"name":"m","input":1,"output":1}]}' >ours.json; kvcast run licence-agents.jsonl.gz --provider ours:file=ours.json --csv | sh pick provider read_dollars total_dollars
> provider,read_dollars,total_dollars
> ours:file=ours.json,0,0.204029
# What is wrong is said.
$ kvcast run small.jsonl --provider nobody
! kvcast: --provider nobody: there are alibaba-explicit, alibaba-implicit, anthropic, bedrock-claude, bedrock-nova, deepseek, gemini-explicit, gemini-implicit, openai, openai-automatic; a list of your own is given by file=.
? 1
$ kvcast run small.jsonl --provider openai
! kvcast: --provider openai: no price is known here: give input= in dollars per million tokens.
? 1
$ kvcast run small.jsonl --provider deepseek
! kvcast: --provider deepseek: how long a prefix lives is not published; give ttl=, e.g. ttl=1h.
? 1
$ kvcast run small.jsonl --provider anthropic:ttl=7m
! kvcast: --provider anthropic:ttl=7m: ttl=7m: lifetimes on offer are 5m, 1h.
? 1
$ kvcast run small.jsonl --provider anthropic:ttl=soon
! kvcast: --provider anthropic:ttl=soon: ttl=soon: 'soon' does not begin with a number; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf.
? 1
$ kvcast run small.jsonl --provider alibaba-explicit:model=x
! kvcast: --provider alibaba-explicit:model=x: model=x: there are prices of no model; for any other model give input= and output= instead.
? 1
$ kvcast run small.jsonl --provider anthropic:key=1
! kvcast: --provider anthropic:key=1: there is no key 'key'; expected ttl, model, input, output, read, write, storage, pings, least or file.
? 1
$ kvcast run small.jsonl --provider anthropic:input=-1
! kvcast: --provider anthropic:input=-1: input=-1: expected dollars per million tokens.
? 1
$ kvcast run small.jsonl --provider gemini-explicit:pings=3
! kvcast: --provider gemini-explicit:pings=3: pings=3: a read does not lengthen a life here.
? 1
$ kvcast run small.jsonl --provider ours:file=nothing.json
! kvcast: --provider ours:file=nothing.json: nothing.json cannot be opened: No such file or directory.
? 1
$ kvcast run small.jsonl --provider ours:file=small.jsonl
! kvcast: --provider ours:file=small.jsonl: line 2: end of file expected near '{'.
? 1
$ kvcast run small.jsonl --provider anthropic --ttl static:ttl=5m
! kvcast: --provider has its own cache; expected no --ttl beside it.
? 1
$ kvcast run small.jsonl --provider anthropic --requests r.csv
! kvcast: --provider gives bills; expected no --requests, --groups, --events, --timeline or --dump-blocks beside it.
? 1
