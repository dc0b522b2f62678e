#include "lineage.h"

#include <stdlib.h>

void lineage_open(struct lineage *lineage, const struct evict_env *env)
{
	const uint32_t places = env->session_count ? env->session_count : env->block_count;
	*lineage = (struct lineage){
	        .env = env,
	        .requests = mem_alloc(env->request_count, sizeof(*lineage->requests)),
	        .last = mem_alloc(places, sizeof(*lineage->last)),
	        .before = LINEAGE_NONE,
	};
	for (uint32_t i = 0; i < places; i++)
		lineage->last[i] = LINEAGE_NONE;
}

void lineage_close(struct lineage *lineage)
{
	free(lineage->requests);
	free(lineage->last);
}

void lineage_path(struct lineage *lineage, block_id first, uint32_t count)
{
	if (lineage->env->session_count)
		return;
	for (block_id b = first; b < first + count; b++) {
		if (lineage->last[b] != LINEAGE_NONE)
			lineage->before = lineage->last[b];
		lineage->last[b] = lineage->env->now->request;
	}
}

struct lineage_step lineage_observe(struct lineage *lineage, uint32_t key)
{
	const struct policy_now *now = lineage->env->now;
	uint32_t before = lineage->before;
	lineage->before = LINEAGE_NONE;
	ASSERT(now->request < lineage->env->request_count);
	if (lineage->env->session_count && now->session < lineage->env->session_count) {
		before = lineage->last[now->session];
		lineage->last[now->session] = now->request;
	}
	struct lineage_step step = {.again = before == now->request};
	if (step.again)
		return step;
	if (before != LINEAGE_NONE) {
		step.before = &lineage->requests[before];
		step.gap_ns = now->now_ns - step.before->at_ns;
	}
	lineage->requests[now->request] = (struct lineage_request){now->now_ns, key, now->path_blocks};
	return step;
}
