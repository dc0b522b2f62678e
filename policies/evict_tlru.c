/* evict_tlru.c - tail-optimised LRU: first what its conversation can lose and still answer in time, then by recency.
 *
 * A conversation of L tokens whose next prompt adds about q meets its target for the time to first token as long as no
 * more than xi tokens have to be computed, so only its first max(0, L + q - xi) tokens need the cache. Blocks that
 * begin beyond them are safe to lose and go before all others; among the safe, and then among the rest, the least
 * recently used goes. With xi = inf (the default: no target) everything is safe, which is lru.
 *
 * L is the history as it stands when the request has been answered, prompt and answer. Two readings, as shipped:
 *   form=sglang  L is the most ever seen of any conversation through this block since it came: a stem shared by several
 *                is judged by the longest, and one trimmed is not trimmed further. In tokens.
 *   form=vllm    the last request that used the block decides: its blocks from position max(0, H + Q - X) on are safe,
 *                H, Q and X being L, q and xi in blocks; H and Q are rounded up, X down (roundings ours).
 * Flat scope: a list for the safe and one for the others, which used blocks join when they are let go (orphans, pinned
 * but not used, keep their place and are stepped over). Leaf scope: the idle leaves in a heap.
 * Source: arXiv 2510.15152; SGLang evict_policy.py (TLRUStrategy), vLLM pull request 37825; POLICIES B7.
 */
#include "list.h"
#include "policy.h"
#include "ranked.h"

#include <stdlib.h>

enum { FORM_SGLANG, FORM_VLLM };
enum part { SAFE, NEEDED, PARTS };

struct tlru {
	const struct evict_env *env;
	uint64_t *history_tokens; /* L as the block's last use has it */
	struct link *links;       /* flat scope: a list a part; used blocks join it when they are let go */
	struct ranked ranked;     /* leaf scope */
	uint64_t *used_seq;       /* leaf scope */
	uint64_t xi_tokens, next_tokens;
	uint32_t grain_tokens; /* what L is rounded up to */
	bool high_water, leaf;
};

enum { KEY_FORM, KEY_XI, KEY_Q };

static const struct param tlru_params[] = {
        [KEY_FORM] = {"form", PARAM_CHOICE, "sglang", 0, 0, "sglang|vllm", "whose reading of the rule"},
        [KEY_XI] = {"xi", PARAM_INT, "inf", 0, 9.3e18, NULL,
                    "tokens that may be computed within the target; inf: no target"},
        [KEY_Q] = {"q", PARAM_INT, "200", 0, 1e9, NULL, "tokens that the next prompt is expected to add"},
        {.name = NULL},
};

static uint64_t round_up(uint64_t tokens, uint32_t grain_tokens)
{
	return (tokens + grain_tokens - 1) / grain_tokens * grain_tokens;
}

static void *tlru_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct tlru *p = mem_alloc(1, sizeof(*p));
	*p = (struct tlru){.env = env, .leaf = env->leaf, .high_water = values[KEY_FORM].integer == FORM_SGLANG};
	p->grain_tokens = p->high_water ? 1 : env->block_tokens;
	p->xi_tokens = (uint64_t)values[KEY_XI].integer / p->grain_tokens * p->grain_tokens;
	p->next_tokens = round_up((uint64_t)values[KEY_Q].integer, p->grain_tokens);
	p->history_tokens = mem_alloc(env->block_count, sizeof(*p->history_tokens));
	if (p->leaf) {
		p->used_seq = mem_alloc(env->block_count, sizeof(*p->used_seq));
		ranked_open(&p->ranked, env->block_count, env->capacity_blocks, env->depth);
	} else {
		p->links = list_open(env->block_count, PARTS);
	}
	return p;
}

static void tlru_close(void *state)
{
	struct tlru *p = state;
	if (p->leaf)
		ranked_close(&p->ranked);
	free(p->links);
	free(p->used_seq);
	free(p->history_tokens);
	free(p);
}

static inline enum part part_of(const struct tlru *p, block_id b)
{
	const uint64_t coming = p->history_tokens[b] + p->next_tokens;
	const uint64_t needed = coming > p->xi_tokens ? coming - p->xi_tokens : 0;
	return (uint64_t)p->env->depth[b] * p->env->block_tokens >= needed ? SAFE : NEEDED;
}

static inline uint64_t history_now(const struct tlru *p)
{
	const uint64_t tokens = (uint64_t)p->env->now->prompt_tokens + p->env->now->output_tokens;
	return p->grain_tokens == 1 ? tokens : round_up(tokens, p->grain_tokens);
}

static inline void stamp(struct tlru *p, block_id b)
{
	if (p->leaf) {
		p->used_seq[b] = p->env->now->seq;
	} else if (!list_is_out(p->links, b)) {
		list_take(p->links, b);
		list_set_out(p->links, b);
	}
}

static inline void tlru_hit(struct tlru *p, block_id b)
{
	const uint64_t now = history_now(p);
	stamp(p, b);
	if (!p->high_water || p->history_tokens[b] < now)
		p->history_tokens[b] = now;
}

static inline void tlru_insert(struct tlru *p, block_id b)
{
	p->history_tokens[b] = history_now(p);
	if (p->leaf)
		p->used_seq[b] = p->env->now->seq;
	else
		list_set_out(p->links, b);
}

static inline void tlru_busy(struct tlru *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
}

static inline void tlru_idle(struct tlru *p, block_id b)
{
	if (p->leaf)
		ranked_push(&p->ranked, b, part_of(p, b), p->used_seq[b]);
	else if (list_is_out(p->links, b))
		list_push_back(p->links, p->env->block_count + part_of(p, b), b);
}

static inline void tlru_remove(struct tlru *p, block_id b)
{
	if (p->leaf)
		ranked_remove(&p->ranked, b);
	else if (!list_is_out(p->links, b))
		list_take(p->links, b);
}

static inline block_id tlru_evict(struct tlru *p, block_id in)
{
	(void)in;
	if (p->leaf)
		return ranked_pop(&p->ranked);
	for (block_id end = p->env->block_count; end < p->env->block_count + PARTS; end++) {
		for (block_id b = p->links[end].next; b != end; b = p->links[b].next) {
			if (evict_idle(p->env, b)) {
				list_take(p->links, b);
				return b;
			}
		}
	}
	return BLOCK_NONE;
}

static void tlru_release_run(void *state, block_id first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		stamp(state, first + i);
}

static double tlru_score(const void *state, block_id b)
{
	return part_of(state, b);
}

#define EVICT tlru
#define EVICT_PREFETCH(p, b)     (__builtin_prefetch(&(p)->links[b], 1), __builtin_prefetch(&(p)->history_tokens[b], 1))
#define EVICT_PREFETCH_HIT(p, b) list_prefetch_around((p)->links, b)
#include "evict_hooks.h"

const struct evict_ops evict_tlru = {
        .name = "tlru",
        .rule = "the least recently used of the blocks whose loss still lets their conversation answer in time, then "
                "of all",
        .detail = "A conversation of L tokens that goes on by q can lose all but its first L + q - xi. With xi=2, "
                  "q=0, blocks of one token and room for 4, requests A-B-C, X, Y, Z, W without answers: of A-B-C only "
                  "A is needed, of the others nothing. Y takes the place of C, Z that of B, both as under lru; W "
                  "takes that of X, where lru takes A. Then A-B-C, should it come back, computes two tokens and not "
                  "three. Without xi, nothing is needed: lru.",
        .source = "arXiv 2510.15152; SGLang evict_policy.py (TLRUStrategy), vLLM pull request 37825",
        .cost = "O(1) flat, O(log leaves) a request in leaf scope",
        .state_bytes = 44,
        .params = tlru_params,
        .open = tlru_open,
        .close = tlru_close,
        .hit = tlru_hit_run,
        .release = tlru_release_run,
        .busy = tlru_busy_run,
        .idle = tlru_idle_run,
        .score = tlru_score,
        EVICT_HOOKS(tlru),
};
