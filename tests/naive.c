#include "naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct naive_value *find_value(const struct naive_values *values, const char *name)
{
	for (uint32_t i = 0; i < values->count; i++) {
		if (strcmp(values->at[i].name, name) == 0)
			return &values->at[i];
	}
	ASSERT(!"the naive model asks for a parameter that the policy does not have");
	return NULL;
}

int64_t naive_integer(const struct naive_values *values, const char *name)
{
	return find_value(values, name)->integer;
}

double naive_real(const struct naive_values *values, const char *name)
{
	return find_value(values, name)->real;
}

uint32_t naive_path(const struct naive *model, uint32_t request, block_id *path)
{
	const struct trace *trace = model->config.trace;
	const struct trace_request *r = &trace->requests[request];
	if (r->block_count == 0)
		return 0;
	const struct trace_run *last = &trace->runs[r->run_first + r->run_count - 1];
	uint32_t i = r->block_count;
	for (block_id b = last->first + last->count - 1; b != BLOCK_NONE; b = trace->parent[b])
		path[--i] = b;
	ASSERT(i == 0);
	const bool partial = (uint64_t)r->block_count * trace->block_tokens > r->prompt_tokens;
	return r->block_count - (partial && !model->config.tail_cached);
}

struct naive *naive_open(const struct naive_config *config)
{
	const struct trace *trace = config->trace;
	struct naive *model = mem_alloc(1, sizeof(*model));
	model->config = *config;
	model->blocks = mem_alloc(trace->block_count, sizeof(*model->blocks));
	model->on_path = mem_alloc((size_t)trace->request_count * trace->block_count, sizeof(*model->on_path));
	model->first_reference = mem_alloc((size_t)trace->request_count + 1, sizeof(*model->first_reference));
	block_id *path = mem_alloc(trace->block_count, sizeof(*path));
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const uint32_t count = naive_path(model, r, path);
		for (uint32_t i = 0; i < count; i++)
			model->on_path[(size_t)r * trace->block_count + path[i]] = true;
		model->first_reference[r + 1] = model->first_reference[r] + count;
	}
	free(path);
	if (config->evict)
		model->policy = naive_policy_find(config->evict, config->leaf);
	if (config->ttl)
		model->ttl = naive_ttl_find(config->ttl);
	if (model->policy && model->policy->open)
		model->policy->open(model);
	for (uint32_t k = 0; model->ttl && model->ttl->open && k <= NAIVE_MOST_CLASSES; k++) {
		if (config->rules[k].learner == k)
			model->ttl->open(model, &model->learned[k], &config->rules[k].own);
	}
	return model;
}

void naive_close(struct naive *model)
{
	if (model->policy && model->policy->close)
		model->policy->close(model);
	for (uint32_t k = 0; model->ttl && model->ttl->close && k <= NAIVE_MOST_CLASSES; k++)
		model->ttl->close(&model->learned[k]);
	free(model->blocks);
	free(model->on_path);
	free(model->first_reference);
	free(model);
}

uint32_t naive_used(const struct naive *model)
{
	uint32_t used = 0;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++)
		used += model->blocks[b].state == NAIVE_RESIDENT;
	return used;
}

static bool resident_child(const struct naive *model, block_id parent)
{
	const struct trace *trace = model->config.trace;
	for (uint32_t b = parent + 1; b < trace->block_count; b++) {
		if (trace->parent[b] == parent && model->blocks[b].state == NAIVE_RESIDENT)
			return true;
	}
	return false;
}

/* When b's time is over: under lift no earlier than that of any resident child. */
static int64_t end_ns(const struct naive *model, block_id b)
{
	const struct trace *trace = model->config.trace;
	int64_t latest_ns = model->blocks[b].deadline_ns;
	for (uint32_t c = b + 1; model->config.coherence == NAIVE_LIFT && c < trace->block_count; c++) {
		const bool counts = trace->parent[c] == b && model->blocks[c].state == NAIVE_RESIDENT;
		const int64_t child_ns = counts ? end_ns(model, c) : 0;
		if (child_ns > latest_ns)
			latest_ns = child_ns;
	}
	return latest_ns;
}

bool naive_idle(const struct naive *model, block_id b)
{
	const struct naive_block *block = &model->blocks[b];
	if (block->state != NAIVE_RESIDENT || block->pins > 0)
		return false;
	if (model->config.hard && model->ttl && model->now_ns <= end_ns(model, b))
		return false;
	return !(model->config.leaf && resident_child(model, b));
}

uint64_t naive_next_use(const struct naive *model, block_id b)
{
	const struct trace *trace = model->config.trace;
	for (uint32_t r = model->request; r < trace->request_count; r++) {
		const uint64_t seq = model->config.object ? model->first_reference[r] + trace->depth[b] + 1 : (uint64_t)r + 1;
		if (model->on_path[(size_t)r * trace->block_count + b] && seq > model->seq)
			return seq;
	}
	return UINT32_MAX;
}

double naive_recompute_ns(const struct naive *model, uint32_t depth)
{
	const double size = model->config.trace->block_tokens;
	return size * model->config.token_ns + (size * size * depth + size * (size + 1) / 2) * model->config.pair_ns;
}

/* --- time --- */

static void leave(struct naive *model, block_id b, enum naive_state why)
{
	model->blocks[b].state = why;
	if (why == NAIVE_EVICTED)
		model->evicted++;
	else
		model->expired++;
	if (model->policy && model->policy->left)
		model->policy->left(model, b, why);
}

static void run_clock(struct naive *model, int64_t now_ns)
{
	if (now_ns > model->now_ns) {
		model->residency_block_ns += (double)naive_used(model) * (double)(now_ns - model->now_ns);
		model->now_ns = now_ns;
	}
}

/* b is past its deadline and goes; under cascade its children in the cache go with it, and theirs. */
static void expire(struct naive *model, block_id b)
{
	const struct trace *trace = model->config.trace;
	for (uint32_t c = b + 1; model->config.coherence == NAIVE_CASCADE && c < trace->block_count; c++) {
		if (trace->parent[c] == b && model->blocks[c].state == NAIVE_RESIDENT && model->blocks[c].pins == 0)
			expire(model, c);
	}
	leave(model, b, NAIVE_EXPIRED);
}

/* The unused block whose time was over longest before `now_ns`; of equals the deeper, then the smaller id. */
static block_id longest_over(const struct naive *model, int64_t now_ns)
{
	const uint32_t *depth = model->config.trace->depth;
	block_id over = BLOCK_NONE;
	if (!model->ttl || model->config.unpins)
		return over;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
		const struct naive_block *block = &model->blocks[b];
		if (block->state != NAIVE_RESIDENT || block->pins > 0 || now_ns <= end_ns(model, b))
			continue;
		if (over == BLOCK_NONE || end_ns(model, b) < end_ns(model, over) ||
		    (end_ns(model, b) == end_ns(model, over) && depth[b] > depth[over]))
			over = b;
	}
	return over;
}

/* All whose time is over now. */
static void expire_now(struct naive *model)
{
	for (block_id b; (b = longest_over(model, model->now_ns)) != BLOCK_NONE;)
		expire(model, b);
}

void naive_advance(struct naive *model, int64_t now_ns)
{
	block_id b;
	while ((b = longest_over(model, now_ns)) != BLOCK_NONE) {
		run_clock(model, end_ns(model, b));
		expire(model, b);
	}
	run_clock(model, now_ns);
}

static int64_t plus(int64_t a, int64_t b)
{
	return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static const struct naive_rule *rule(const struct naive *model)
{
	const uint32_t class_id = model->config.trace->requests[model->request].class_id;
	return &model->config.rules[class_id == TRACE_NO_CLASS ? NAIVE_MOST_CLASSES : class_id];
}

static void observe(struct naive *model, const block_id *path)
{
	for (uint32_t k = 0; model->ttl && model->ttl->observe && k <= NAIVE_MOST_CLASSES; k++) {
		if (model->config.rules[k].learner == k)
			model->ttl->observe(model, &model->learned[k], &model->config.rules[k].own, path, rule(model)->learner == k);
	}
}

static void date(struct naive *model, block_id b, bool is_new)
{
	struct naive_block *block = &model->blocks[b];
	if (!model->ttl || (!is_new && rule(model)->absolute))
		return;
	int64_t deadline_ns = plus(model->now_ns, model->ttl->ttl_ns(model, &rule(model)->own, b, block->uses - 1));
	if (!rule(model)->absolute && deadline_ns > plus(block->born_ns, rule(model)->max_age_ns))
		deadline_ns = plus(block->born_ns, rule(model)->max_age_ns);
	block->deadline_ns = deadline_ns > model->now_ns ? deadline_ns : model->now_ns;
}

/* --- room --- */

double naive_recency(const struct naive *model, block_id b)
{
	const bool by_release = model->config.overlapping && !model->config.leaf;
	return (double)(by_release ? model->blocks[b].let_go : model->blocks[b].used_seq);
}

static bool goes_before(const struct naive *model, block_id a, struct naive_key x, block_id b, struct naive_key y)
{
	const uint32_t *depth = model->config.trace->depth;
	if (x.first != y.first)
		return x.first < y.first;
	if (x.second != y.second)
		return x.second < y.second;
	if (model->blocks[a].used_seq != model->blocks[b].used_seq)
		return model->blocks[a].used_seq < model->blocks[b].used_seq;
	if (depth[a] != depth[b])
		return depth[a] > depth[b];
	return a < b;
}

block_id naive_first(const struct naive *model, struct naive_key (*key)(const struct naive *, block_id))
{
	block_id first = BLOCK_NONE;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
		if (naive_idle(model, b) &&
		    (first == BLOCK_NONE || goes_before(model, b, key(model, b), first, key(model, first))))
			first = b;
	}
	return first;
}

void naive_evict(struct naive *model, block_id b)
{
	ASSERT(naive_idle(model, b));
	leave(model, b, NAIVE_EVICTED);
	expire_now(model); /* under lift a parent may have lived for its sake */
}

/* Follow mode: the next one that the product let go, if it may go. */
static block_id follow(struct naive *model)
{
	block_id victim = BLOCK_NONE;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++) {
		if (model->blocks[b].gone && (victim == BLOCK_NONE || model->blocks[b].gone < model->blocks[victim].gone))
			victim = b;
	}
	if (victim == BLOCK_NONE || !naive_idle(model, victim))
		return BLOCK_NONE;
	model->blocks[victim].gone = 0;
	return victim;
}

/* Follow mode: what the policy let go although there was room. */
static void shed(struct naive *model)
{
	for (block_id b; (b = follow(model)) != BLOCK_NONE;)
		naive_evict(model, b);
}

static block_id choose(struct naive *model, block_id in)
{
	if (!model->policy) {
		const block_id victim = follow(model);
		for (uint32_t b = 0; victim == BLOCK_NONE && b < model->config.trace->block_count; b++) {
			if (naive_idle(model, b) && !model->config.may_decline)
				model->wrong = "a block was turned away although another could have gone";
		}
		return victim;
	}
	return model->policy->choose ? model->policy->choose(model, in) : naive_first(model, model->policy->key);
}

static void use(struct naive *model, block_id b, bool is_new)
{
	struct naive_block *block = &model->blocks[b];
	block->used_seq = model->seq;
	block->in_use = true;
	block->uses = is_new ? 1 : block->uses + 1;
	if (is_new) {
		block->born_seq = model->seq;
		block->born_ns = model->now_ns;
	}
	date(model, b, is_new);
	void (*hook)(struct naive *, block_id) = !model->policy ? NULL : is_new ? model->policy->insert : model->policy->hit;
	if (hook)
		hook(model, b);
	block->used_ns = model->now_ns;
}

static bool make_room(struct naive *model, block_id in)
{
	if (model->policy && model->policy->room)
		return model->policy->room(model, in);
	if (naive_used(model) < model->config.capacity_blocks)
		return true;
	const block_id victim = choose(model, in);
	if (victim != BLOCK_NONE)
		naive_evict(model, victim);
	return victim != BLOCK_NONE;
}

/* Whether b is resident afterwards. */
static bool put(struct naive *model, block_id b)
{
	if (!make_room(model, b)) {
		model->blocks[b].state = NAIVE_EVICTED;
		model->declined++;
		return false;
	}
	model->blocks[b].state = NAIVE_RESIDENT;
	use(model, b, true);
	return true;
}

uint32_t naive_lookup(const struct naive *model, const block_id *path, uint32_t count)
{
	uint32_t hit = 0;
	while (hit < count && model->blocks[path[hit]].state == NAIVE_RESIDENT)
		hit++;
	return hit;
}

uint32_t naive_acquire(struct naive *model, const block_id *path, uint32_t count, uint32_t hit)
{
	uint32_t held = count;
	model->seq++;
	model->path_blocks = count;
	model->hit_blocks = hit;
	observe(model, path);
	for (uint32_t i = 0; i < count; i++)
		model->blocks[path[i]].pins += model->blocks[path[i]].state == NAIVE_RESIDENT;
	for (uint32_t i = 0; i < hit; i++)
		use(model, path[i], false);
	for (uint32_t i = hit; i < count; i++) {
		struct naive_block *block = &model->blocks[path[i]];
		if (held < count) {
			/* After the first that found no room: nothing is kept, nothing is held. */
			if (block->state == NAIVE_RESIDENT) {
				block->pins--;
				continue;
			}
			block->state = NAIVE_EVICTED;
			model->declined++;
		} else if (block->state != NAIVE_RESIDENT) {
			if (put(model, path[i]))
				block->pins++;
			else
				held = i;
		}
	}
	if (!model->policy && model->config.may_shed)
		shed(model);
	if (model->policy && model->policy->settle && !model->config.object)
		model->policy->settle(model);
	return held;
}

void naive_release(struct naive *model, const block_id *path, uint32_t held)
{
	for (uint32_t i = held; i-- > 0;) {
		struct naive_block *block = &model->blocks[path[i]];
		if (--block->pins == 0 && block->in_use) {
			block->let_go = ++model->let_go;
			block->in_use = false;
			if (!model->config.leaf)
				block->used_ns = model->now_ns;
			if (model->policy && model->policy->let_go)
				model->policy->let_go(model, path[i]);
		}
	}
	expire_now(model);
}

bool naive_access(struct naive *model, block_id b)
{
	const uint32_t hit = model->blocks[b].state == NAIVE_RESIDENT;
	naive_release(model, &b, naive_acquire(model, &b, 1, hit));
	return hit;
}

/* --- the books --- */

static uint64_t block_tokens(const struct naive *model, const struct trace_request *request, uint64_t i)
{
	const uint64_t size = model->config.trace->block_tokens, before = i * size;
	return request->prompt_tokens - before < size ? request->prompt_tokens - before : size;
}

struct naive_outcome naive_serve(struct naive *model, uint32_t index)
{
	const struct trace *trace = model->config.trace;
	const struct trace_request *request = &trace->requests[index];
	const struct naive_config *config = &model->config;
	block_id *path = mem_alloc(request->block_count, sizeof(*path));
	const uint32_t count = naive_path(model, index, path);
	struct naive_outcome outcome = {.path_blocks = count, .partial_tokens = request->prompt_tokens};
	outcome.arrival_ns = config->speed == 1 ? request->arrival_ns : llround((double)request->arrival_ns / config->speed);
	naive_advance(model, outcome.arrival_ns);
	model->request = index;
	enum naive_state *before = mem_alloc(count, sizeof(*before));
	for (uint32_t i = 0; i < count; i++)
		before[i] = model->blocks[path[i]].state;
	const uint32_t hit = naive_lookup(model, path, count);
	/* The last token is computed in any case, and with it the block it stands in. Of a full hit that block is not used. */
	const uint32_t usable = config->recompute_last ? (request->prompt_tokens - 1) / trace->block_tokens : UINT32_MAX;
	const uint32_t served = hit == count && usable < count ? usable : count;
	if (!config->object)
		naive_release(model, path, naive_acquire(model, path, served, hit < served ? hit : served));
	for (uint32_t i = 0; i < count; i++) {
		const bool hits = config->object ? naive_access(model, path[i]) : i < hit;
		const uint64_t tokens = block_tokens(model, request, i);
		outcome.hit_blocks += hits;
		outcome.partial_tokens -= tokens;
		if (hits)
			outcome.hit_tokens += tokens;
		else if (config->object && before[i] == NAIVE_RESIDENT)
			outcome.missed_tokens[NAIVE_EVICTED] += tokens; /* by this very request */
		else
			outcome.missed_tokens[before[i]] += tokens;
	}
	outcome.full_hit = outcome.hit_tokens == request->prompt_tokens;
	if (outcome.hit_blocks > usable) {
		outcome.hit_blocks = usable;
		outcome.forced_tokens = outcome.hit_tokens - (uint64_t)usable * trace->block_tokens;
		outcome.hit_tokens -= outcome.forced_tokens;
	}
	free(before);
	free(path);
	return outcome;
}
