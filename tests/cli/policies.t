# The list is the registry's; here only its form.
$ kvcast policies | head -5
> eviction: which block goes when the cache is full (--evict)
> 
> lru
>     the block whose last use is oldest; of one request's blocks the deepest
>     first
$ kvcast policies lru
> lru - eviction: the victim is
>     the block whose last use is oldest; of one request's blocks the deepest
>     first
>   Every request stamps the blocks it uses with its sequence number. With room
>   for 3 blocks, requests A-B, C, A: after the third A is the most recent, then
>   C, then B. A new block D takes the place of B, the next one that of C.
>   state 21 bytes a block; time O(1)
>   textbook; SGLang evict_policy.py (lru)
$ kvcast policies static none
> static - TTL:
>     the same TTL for every block
>   With ttl=5m and mode=sliding a block used at 0:00 and at 4:00 is gone after
>   9:00; with mode=absolute it is gone after 5:00, whatever happens in between.
>   parameters, with defaults
>     ttl=300s
>         how long a block may stay unused
>   parameters of every TTL rule
>     mode=sliding   of sliding|absolute
>         count from the last use or from insertion
>     max_age=inf
>         cap on a sliding TTL, from insertion
>     coherence=default   of default|none|lift|cascade
>         what a parent's deadline means for its children (default: lift when
>         sliding, none when absolute)
>     hard=0
>         1: no eviction before the deadline
>     expire=drop   of drop|unpin
>         at its deadline a block goes, or only loses the shield of hard=1
>   time O(1)
>   Anthropic's 5-minute and 1-hour caches are sliding, Gemini's explicit caches
>   absolute
> 
> none - TTL:
>     blocks never expire
>   Only eviction ends a block's stay.
>   time none
>   -
$ kvcast policies lru nobody
> lru - eviction: the victim is
>     the block whose last use is oldest; of one request's blocks the deepest
>     first
>   Every request stamps the blocks it uses with its sequence number. With room
>   for 3 blocks, requests A-B, C, A: after the third A is the most recent, then
>   C, then B. A new block D takes the place of B, the next one that of C.
>   state 21 bytes a block; time O(1)
>   textbook; SGLang evict_policy.py (lru)
! kvcast: there is no policy or preset "nobody"; `kvcast policies` lists them.
? 1
$ kvcast policies --json | head -3
> {
>   "evict": [
>     {
