#include "surface.h"

#include "cost_model.h"

#include <inttypes.h>
#include <stdlib.h>

/* What one cache hits; `ttft_ms` has room for all requests. */
static void count_hits(const struct reuse *reuse, const struct cost_model *model, struct surface_point *point,
                       double *ttft_ms)
{
	const struct trace *trace = reuse->trace;
	const uint32_t first = reuse_first_counted(trace, reuse->config);
	const uint64_t capacity_blocks = point->hits.at;
	size_t at = 0;
	while (at < reuse->count && reuse->stretches[at].request < first)
		at++;
	for (uint32_t r = first; r < trace->request_count; r++) {
		const uint32_t prompt = trace->requests[r].prompt_tokens;
		uint64_t hit_tokens = 0;
		for (; at < reuse->count && reuse->stretches[at].request == r; at++) {
			const struct reuse_stretch *stretch = &reuse->stretches[at];
			if (stretch->gap_ns > point->ttl_ns || stretch->rank >= capacity_blocks)
				continue;
			const uint64_t count = smaller(stretch->count, capacity_blocks - stretch->rank);
			const struct reuse_gain gain = reuse_gain(trace, r, stretch->depth, (uint32_t)count);
			point->hits.hit_blocks += gain.blocks;
			hit_tokens += gain.tokens;
		}
		point->hits.hit_tokens += hit_tokens;
		point->hits.request_hits += (double)hit_tokens / (double)prompt;
		ttft_ms[r - first] = (double)cost_model_prompt_ns(model, prompt - hit_tokens, hit_tokens) / (double)NS_PER_MS;
	}
	point->ttft_ms = metrics_distribution(ttft_ms, trace->request_count - first);
}

/* The blocks that a TTL keeps, and what of them each capacity has room for. */
struct population {
	const struct reuse *reuse;
	int64_t ttl_ns, first_ns, now_ns;
	uint64_t alive;
	uint32_t *left_blocks; /* [request_count] last used by this request so far */
	uint32_t oldest;       /* requests before it have expired */
	const uint64_t *capacities;
	size_t capacity_count;
	u128 *resident; /* [capacity_count] */
};

static void advance(struct population *p, int64_t now_ns)
{
	const int64_t from_ns = p->now_ns > p->first_ns ? p->now_ns : p->first_ns;
	for (size_t c = 0; c < p->capacity_count && now_ns > from_ns; c++)
		p->resident[c] += (u128)smaller(p->alive, p->capacities[c]) * (u128)(now_ns - from_ns);
	p->now_ns = now_ns;
}

/* Blocks whose time is over before `now_ns` go, each at its own. */
static void expire(struct population *p, uint32_t request, int64_t now_ns)
{
	for (; p->oldest < request && now_ns - p->reuse->arrival_ns[p->oldest] > p->ttl_ns; p->oldest++) {
		advance(p, p->reuse->arrival_ns[p->oldest] + p->ttl_ns);
		p->alive -= p->left_blocks[p->oldest];
	}
	advance(p, now_ns);
}

static void live_through(struct population *p)
{
	const struct reuse *reuse = p->reuse;
	size_t at = 0;
	for (uint32_t r = 0; r < reuse->trace->request_count; r++) {
		expire(p, r, reuse->arrival_ns[r]);
		p->left_blocks[r] = reuse->path_blocks[r];
		p->alive += reuse->path_blocks[r];
		for (; at < reuse->count && reuse->stretches[at].request == r; at++) {
			const struct reuse_stretch *stretch = &reuse->stretches[at];
			p->left_blocks[stretch->from] -= stretch->count;
			if (stretch->from >= p->oldest)
				p->alive -= stretch->count;
		}
	}
}

static void fill_row(const struct reuse *reuse, int64_t ttl_ns, const uint64_t *capacities, size_t count,
                     struct surface_point *points)
{
	const uint32_t requests = reuse->trace->request_count;
	const uint32_t first = reuse_first_counted(reuse->trace, reuse->config);
	struct population p = {
	        .reuse = reuse,
	        .ttl_ns = ttl_ns,
	        .first_ns = first < requests ? reuse->arrival_ns[first] : 0,
	        .left_blocks = mem_alloc(requests, sizeof(*p.left_blocks)),
	        .capacities = capacities,
	        .capacity_count = count,
	        .resident = mem_alloc(count, sizeof(*p.resident)),
	};
	const struct cost_model model = cost_model_of(reuse->config->calibration);
	double *ttft_ms = mem_alloc(requests, sizeof(*ttft_ms));
	live_through(&p);
	const int64_t span_ns = p.now_ns - p.first_ns;
	for (size_t c = 0; c < count; c++) {
		points[c] = (struct surface_point){.ttl_ns = ttl_ns, .hits.at = capacities[c]};
		count_hits(reuse, &model, &points[c], ttft_ms);
		if (span_ns > 0)
			points[c].hits.mean_resident_blocks = (double)p.resident[c] / (double)span_ns;
	}
	free(p.left_blocks);
	free(p.resident);
	free(ttft_ms);
}

void surface_points(const struct reuse *reuse, const int64_t *ttls_ns, size_t ttl_count, const uint64_t *capacities,
                    size_t capacity_count, struct surface_point *points)
{
#pragma omp parallel for schedule(dynamic)
	for (size_t t = 0; t < ttl_count; t++)
		fill_row(reuse, ttls_ns[t], capacities, capacity_count, points + t * capacity_count);
}

void surface_write(const struct surface_point *point, FILE *to)
{
	const struct curve_point *hits = &point->hits;
	const struct distribution *ttft = &point->ttft_ms;
	fprintf(to, " %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %a %a %a %a %a %a %a %a", point->ttl_ns, hits->at,
	        hits->hit_blocks, hits->hit_tokens, hits->request_hits, hits->mean_resident_blocks, ttft->mean, ttft->p50, ttft->p90,
	        ttft->p95, ttft->p99, ttft->max);
}

const char *surface_read(struct surface_point *point, const char *text)
{
	char *at;
	struct curve_point *hits = &point->hits;
	struct distribution *ttft = &point->ttft_ms;
	point->ttl_ns = strtoll(text, &at, 10);
	hits->at = strtoull(at, &at, 10);
	hits->hit_blocks = strtoull(at, &at, 10);
	hits->hit_tokens = strtoull(at, &at, 10);
	double *const reals[] = {&hits->request_hits, &hits->mean_resident_blocks, &ttft->mean, &ttft->p50, &ttft->p90,
	                         &ttft->p95, &ttft->p99, &ttft->max};
	for (size_t i = 0; i < COUNT_OF(reals); i++)
		*reals[i] = strtod(at, &at);
	return at;
}
