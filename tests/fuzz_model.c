/* fuzz_model.c - the cache and its policies against the naive model (naive.h), over random traces and configurations.
 *
 *   fuzz_model STEPS [SEED]       that many requests, each served by product and model
 *   fuzz_model case SEED NUMBER   one case again, not made smaller
 *
 * Each case is served twice: by replay_run(), comparing every request's outcome and the totals; and step by step (drive.h),
 * possibly with requests that overlap, comparing every block's state after every step. A case that fails is made smaller
 * by leaving out requests, then printed.
 */
#include "drive.h"
#include "fuzz_case.h"
#include "replay.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_HELD 4

/* What went wrong, as a sentence. */
struct finding {
	char text[1280];
};

static bool __attribute__((format(printf, 2, 3))) fail(struct finding *finding, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	return false;
}

/* Where deadlines let pinned blocks go, flat policies that rank by release see an order among equal deadlines that the
 * naive model does not know. */
static bool is_followed(const struct fuzz_case *c)
{
	const struct naive_policy *twin = naive_policy_find(c->evict->name, c->naive.leaf);
	return !twin || (twin->knows && !twin->knows(&c->naive)) || (c->naive.unpins && !c->naive.leaf);
}

/* Where a policy lets blocks go although there is room, model and product do not at the same moment of an insertion. */
static bool is_ttl_known(const struct fuzz_case *c)
{
	const struct naive_ttl *twin = naive_ttl_find(c->ttl->name);
	return c->ttl->never || (twin && !(twin->counts && c->naive.may_shed));
}

static bool has_twins(const struct fuzz_case *c)
{
	return !is_followed(c) && is_ttl_known(c);
}

/* --- whole runs --- */

struct side_by_side {
	const struct fuzz_case *c;
	struct naive *model;
	struct finding *finding;
	uint32_t next; /* first request that the model has not served */
	uint32_t first_counted;
	uint64_t evicted, expired, declined; /* when counting began */
	uint64_t hit_blocks, full_hits;
	bool failed;
};

/* The model serves all requests up to and including `index`. */
static struct naive_outcome model_serve(struct side_by_side *s, uint32_t index)
{
	struct naive_outcome outcome = {0};
	for (; s->next <= index; s->next++) {
		if (s->next == s->first_counted) {
			/* Time has come to the first counted request; what expired on the way is not counted. */
			const int64_t arrival_ns = s->model->config.trace->requests[s->next].arrival_ns;
			const double speed = s->model->config.speed;
			naive_advance(s->model, speed == 1 ? arrival_ns : llround((double)arrival_ns / speed));
			s->model->residency_block_ns = 0;
			s->evicted = s->model->evicted;
			s->expired = s->model->expired;
			s->declined = s->model->declined;
		}
		outcome = naive_serve(s->model, s->next);
	}
	return outcome;
}

static void on_request(void *context, const struct trace_request *request, int64_t arrival_ns,
                       const struct request_outcome *got)
{
	struct side_by_side *s = context;
	const uint32_t index = (uint32_t)(request - s->c->trace->requests);
	if (s->failed)
		return;
	const struct naive_outcome want = model_serve(s, index);
	const struct {
		const char *name;
		uint64_t got, want;
	} fields[] = {
	        {"arrival_ns", (uint64_t)arrival_ns, (uint64_t)want.arrival_ns},
	        {"path_blocks", got->path_blocks, want.path_blocks},
	        {"hit_blocks", got->hit_blocks, want.hit_blocks},
	        {"full_hit", got->full_hit, want.full_hit},
	        {"hit_tokens", got->ledger.hit_tokens, want.hit_tokens},
	        {"cold_tokens", got->ledger.cold_tokens, want.missed_tokens[NAIVE_NEVER]},
	        {"evicted_tokens", got->ledger.evicted_tokens, want.missed_tokens[NAIVE_EVICTED]},
	        {"expired_tokens", got->ledger.expired_tokens, want.missed_tokens[NAIVE_EXPIRED]},
	        {"orphaned_tokens", got->ledger.orphaned_tokens, want.missed_tokens[NAIVE_RESIDENT]},
	        {"partial_tokens", got->ledger.partial_tokens, want.partial_tokens},
	        {"forced_tokens", got->ledger.forced_tokens, want.forced_tokens},
	};
	for (size_t i = 0; i < COUNT_OF(fields) && !s->failed; i++) {
		if (fields[i].got != fields[i].want)
			s->failed = !fail(s->finding, "run, request %u: %s is %" PRIu64 ", but the naive model says %" PRIu64 ".",
			                  index, fields[i].name, fields[i].got, fields[i].want);
	}
	s->hit_blocks += want.hit_blocks;
	s->full_hits += want.full_hit;
}

static bool same_totals(const struct side_by_side *s, const struct run_result *result)
{
	const struct naive *model = s->model;
	const struct metrics_group *total = metrics_total(result->metrics);
	const struct {
		const char *name;
		uint64_t got, want;
	} fields[] = {
	        {"hit_blocks", total->hit_blocks, s->hit_blocks},
	        {"full_hit_requests", total->full_hit_requests, s->full_hits},
	        {"requests", total->requests, model->config.trace->request_count - s->first_counted},
	        {"evicted_blocks", result->counts.evicted_blocks, model->evicted - s->evicted},
	        {"expired_blocks", result->counts.expired_blocks, model->expired - s->expired},
	        {"declined_blocks", result->counts.declined_blocks, model->declined - s->declined},
	};
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (fields[i].got != fields[i].want)
			return fail(s->finding, "run: %s is %" PRIu64 ", but the naive model says %" PRIu64 ".", fields[i].name,
			            fields[i].got, fields[i].want);
	}
	const double want = model->residency_block_ns / (double)NS_PER_S;
	if (fabs(result->held_block_s - want) > 1e-9 * (1 + want))
		return fail(s->finding, "run: held_block_s is %.9g, but the naive model says %.9g.", result->held_block_s, want);
	return true;
}

static bool check_run(const struct fuzz_case *c, struct finding *finding)
{
	struct err err;
	struct spec evict, ttl;
	ASSERT(spec_parse(&evict, c->evict_text, &err) == 0 && spec_parse(&ttl, c->ttl_text, &err) == 0);
	const struct calibration calibration = {
	        .terms = {[TERM_ROWS] = CALIBRATION_LINE(c->naive.token_ns), [TERM_PAIRS] = CALIBRATION_LINE(c->naive.pair_ns)}};
	struct side_by_side s = {.c = c, .finding = finding};
	s.first_counted = (uint32_t)(c->naive.warmup * c->trace->request_count);
	struct naive_config one_by_one = c->naive;
	one_by_one.overlapping = false;
	s.model = naive_open(&one_by_one);
	const bool twins = has_twins(c);
	const struct run_config config = {
	        .evict = &evict,
	        .ttl = &ttl,
	        .capacity_blocks = c->naive.capacity_blocks,
	        .semantics = c->naive.object ? SEMANTICS_OBJECT : SEMANTICS_PREFIX,
	        .leaf = c->naive.leaf,
	        .tail_cached = c->naive.tail_cached,
	        .recompute_last = c->naive.recompute_last,
	        .speed = c->naive.speed,
	        .warmup = c->naive.warmup,
	        .seed = c->naive.seed,
	        .calibration = &calibration,
	        .on_request = twins ? on_request : NULL,
	        .on_request_context = &s,
	};
	struct run_result result;
	bool fine = replay_run(c->trace, &config, &result, &err) == 0;
	if (!fine) {
		fail(finding, "replay_run refuses: %s", err.text);
	} else {
		fine = !s.failed && (!twins || same_totals(&s, &result));
		replay_free(&result);
	}
	naive_close(s.model);
	spec_free(&evict);
	spec_free(&ttl);
	return fine;
}

/* --- step by step --- */

struct held {
	struct drive_hold hold;
	block_id *path;
};

struct steps {
	const struct fuzz_case *c;
	struct drive *drive;
	struct naive *model; /* NULL where the TTL rule has no twin: then only the product's own assertions watch */
	struct finding *finding;
	struct held held[MOST_HELD];
	uint32_t held_count;
	char *after; /* drive_states */
};

static bool same_states(struct steps *s, const char *step, uint32_t request)
{
	if (!s->model)
		return true;
	static const char letters[NAIVE_STATES] = {'.', 'r', 'e', 'x'};
	drive_states(s->drive, s->after);
	if (s->model->wrong)
		return fail(s->finding, "%s of request %u: %s.", step, request, s->model->wrong);
	for (uint32_t b = 0; b < s->c->trace->block_count; b++) {
		const struct naive_block *block = &s->model->blocks[b];
		if (block->gone)
			return fail(s->finding, "%s of request %u: block %u went, although it was in use or had children, or there was room.", step, request, b);
		if (letters[block->state] != s->after[b])
			return fail(s->finding, "%s of request %u: block %u is '%c', but the naive model says '%c' (. never, r resident, "
			                        "e evicted, x expired).",
			            step, request, b, s->after[b], letters[block->state]);
	}
	const struct cache_counts counts = cache_counts(s->drive->cache);
	if (counts.evicted_blocks != s->model->evicted || counts.expired_blocks != s->model->expired ||
	    counts.declined_blocks != s->model->declined)
		return fail(s->finding, "%s of request %u: %" PRIu64 " evicted, %" PRIu64 " expired, %" PRIu64
		                        " declined, but the naive model says %" PRIu64 ", %" PRIu64 ", %" PRIu64 ".",
		            step, request, counts.evicted_blocks, counts.expired_blocks, counts.declined_blocks, s->model->evicted,
		            s->model->expired, s->model->declined);
	const double got = (double)cache_residency(s->drive->cache), want = s->model->residency_block_ns;
	if (fabs(got - want) > 1e-9 * (1 + want))
		return fail(s->finding, "%s of request %u: residency %.17g, but the naive model says %.17g.", step, request, got, want);
	return true;
}

/* Follow mode: tells the model which blocks went after the first `evictions`. */
static void tell_gone(struct steps *s, uint64_t evictions)
{
	for (uint32_t b = 0; b < s->c->trace->block_count; b++)
		s->model->blocks[b].gone = s->drive->evicted[b] > evictions ? s->drive->evicted[b] : 0;
}

static bool step_time(struct steps *s, int64_t now_ns, uint32_t request)
{
	drive_time(s->drive, now_ns);
	if (s->model)
		naive_advance(s->model, now_ns);
	return same_states(s, "time", request);
}

static bool step_acquire(struct steps *s, uint32_t request)
{
	struct held *held = &s->held[s->held_count++];
	held->path = mem_alloc(s->c->trace->block_count, sizeof(*held->path));
	const uint32_t count = drive_path(s->drive, request, held->path);
	const uint64_t evictions = s->drive->evictions;
	held->hold = drive_acquire(s->drive, request, NULL);
	if (!s->model)
		return true;
	if (!s->model->policy)
		tell_gone(s, evictions);
	s->model->request = request;
	const uint32_t hit = naive_lookup(s->model, held->path, count);
	if (hit != held->hold.hit_blocks)
		return fail(s->finding, "acquire of request %u: %u blocks hit, but the naive model says %u.", request,
		            held->hold.hit_blocks, hit);
	const uint32_t kept = naive_acquire(s->model, held->path, count, hit);
	if (kept != held->hold.held_blocks)
		return fail(s->finding, "acquire of request %u: %u blocks held, but the naive model says %u.", request,
		            held->hold.held_blocks, kept);
	return same_states(s, "acquire", request);
}

static bool step_release(struct steps *s, uint32_t index)
{
	const struct held held = s->held[index];
	s->held[index] = s->held[--s->held_count];
	drive_release(s->drive, &held.hold);
	if (s->model)
		naive_release(s->model, held.path, held.hold.held_blocks);
	free(held.path);
	return same_states(s, "release", held.hold.request);
}

/* Objects in follow mode would need to know the order of evictions within a call, so there each is served by itself. */
static bool step_objects(struct steps *s, uint32_t request)
{
	const uint32_t blocks = s->c->trace->block_count;
	uint8_t *hit = mem_alloc(blocks, sizeof(*hit));
	block_id *path = mem_alloc(blocks, sizeof(*path));
	const uint32_t count = drive_path(s->drive, request, path);
	bool fine = true;
	drive_objects(s->drive, request, hit);
	if (s->model && s->model->policy) {
		s->model->request = request;
		for (uint32_t i = 0; i < count && fine; i++) {
			const bool hits = naive_access(s->model, path[i]);
			if (hits != hit[i])
				fine = fail(s->finding, "request %u: object %u %s, but the naive model says the opposite.", request,
				            path[i], hit[i] ? "hits" : "misses");
		}
		fine = fine && same_states(s, "objects", request);
	}
	free(hit);
	free(path);
	return fine;
}

static bool step_request(struct steps *s, uint32_t request)
{
	const struct trace_request *next = &s->c->trace->requests[request];
	const int64_t arrival_ns = next->arrival_ns;
	/* Of the request alone, so that what is left behaves the same when others are left out. */
	struct make_rng own = {s->c->schedule_seed + next->ordinal}, *rng = &own;
	if (s->c->naive.object)
		return step_time(s, arrival_ns, request) && step_objects(s, request);
	/* Some of those in flight end before this one comes. */
	while (s->held_count > 0 && (s->held_count == MOST_HELD || !s->c->naive.overlapping || make_chance(rng, 30))) {
		const int64_t now_ns = cache_now(s->drive->cache)->now_ns;
		const int64_t end_ns = now_ns + (int64_t)make_random(rng, (uint64_t)(arrival_ns - now_ns) + 1);
		if (s->c->naive.overlapping && !step_time(s, end_ns, request))
			return false;
		if (!step_release(s, (uint32_t)make_random(rng, s->held_count)))
			return false;
	}
	return step_time(s, arrival_ns, request) && step_acquire(s, request) &&
	       (s->c->naive.overlapping || step_release(s, 0));
}

static bool check_steps(const struct fuzz_case *c, struct finding *finding)
{
	struct naive_config naive = c->naive;
	const bool followed = is_followed(c), ttl_known = is_ttl_known(c);
	if (followed)
		naive.evict = NULL;
	struct steps s = {.c = c, .finding = finding};
	s.drive = drive_open(c->trace, &(struct drive_config){
	                                       .evict = c->evict_text,
	                                       .ttl = c->ttl_text,
	                                       .capacity_blocks = naive.capacity_blocks,
	                                       .leaf = naive.leaf,
	                                       .tail_cached = naive.tail_cached,
	                                       .object = naive.object,
	                                       .seed = naive.seed,
	                                       .token_ns = naive.token_ns,
	                                       .pair_ns = naive.pair_ns,
	                               });
	s.model = ttl_known && !(followed && naive.object) ? naive_open(&naive) : NULL;
	s.after = mem_alloc((size_t)c->trace->block_count + 1, 1);
	bool fine = true;
	for (uint32_t r = 0; r < c->trace->request_count && fine; r++)
		fine = step_request(&s, r);
	while (fine && s.held_count)
		fine = step_release(&s, 0);
	while (s.held_count)
		free(s.held[--s.held_count].path);
	free(s.after);
	drive_close(s.drive);
	if (s.model)
		naive_close(s.model);
	return fine;
}

/* --- the program --- */

static bool check_case(const struct fuzz_case *c, struct finding *finding)
{
	return check_run(c, finding) && check_steps(c, finding);
}

/* Leaves out requests one at a time for as long as something still fails. */
static void make_smaller(struct fuzz_case *c, struct finding *finding)
{
	bool smaller = true;
	while (smaller) {
		smaller = false;
		for (uint32_t r = c->trace->request_count; r-- > 0 && c->trace->request_count > 1;) {
			struct fuzz_case less = *c;
			struct finding other;
			less.trace = make_trace_without(c->trace, r);
			less.naive.trace = less.trace;
			if (check_case(&less, &other)) {
				make_trace_free(less.trace);
				continue;
			}
			make_trace_free(c->trace);
			*c = less;
			*finding = other;
			smaller = true;
		}
	}
}

static struct {
	uint64_t seed, number;
} current;

/* An assertion of the product says what broke; this says where. */
static void on_abort(int number)
{
	char text[128];
	const int length = snprintf(text, sizeof(text), "again: fuzz_model case %" PRIu64 " %" PRIu64 "\n", current.seed, current.number);
	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(2);
	signal(number, SIG_DFL);
	raise(number);
}

static int report_failure(struct fuzz_case *c, struct finding *finding, bool shrink)
{
	fprintf(stderr, "fuzz_model: %s\nagain: fuzz_model case %" PRIu64 " %" PRIu64 "\n", finding->text, current.seed, current.number);
	if (shrink) {
		make_smaller(c, finding);
		fprintf(stderr, "made smaller: %s\n", finding->text);
	}
	fuzz_case_print(c, stderr);
	fuzz_case_free(c);
	return 1;
}

static int fuzz_one(bool shrink, uint64_t *requests)
{
	struct fuzz_case c;
	struct finding finding;
	fuzz_case_draw(&c, current.seed, current.number);
	*requests = c.trace->request_count;
	if (!check_case(&c, &finding))
		return report_failure(&c, &finding, shrink);
	fuzz_case_free(&c);
	return 0;
}

static void print_twins(void)
{
	printf("compared with a naive twin:");
	for (size_t i = 0; i < registry_eviction_count; i++) {
		if (naive_policy_find(registry_evictions[i]->name, false))
			printf(" %s", registry_evictions[i]->name);
	}
	printf(";");
	for (size_t i = 0; i < registry_ttl_count; i++) {
		if (registry_ttls[i]->never || naive_ttl_find(registry_ttls[i]->name))
			printf(" %s", registry_ttls[i]->name);
	}
	printf("\ninvariants only:");
	for (size_t i = 0; i < registry_eviction_count; i++) {
		if (!naive_policy_find(registry_evictions[i]->name, false))
			printf(" %s", registry_evictions[i]->name);
	}
	printf(";");
	for (size_t i = 0; i < registry_ttl_count; i++) {
		if (!registry_ttls[i]->never && !naive_ttl_find(registry_ttls[i]->name))
			printf(" %s", registry_ttls[i]->name);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	uint64_t requests;
	signal(SIGABRT, on_abort);
	if (argc == 4 && strcmp(argv[1], "case") == 0) {
		current.seed = strtoull(argv[2], NULL, 10);
		current.number = strtoull(argv[3], NULL, 10);
		return fuzz_one(false, &requests);
	}
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "Usage: fuzz_model STEPS [SEED]\n       fuzz_model case SEED NUMBER\n");
		return 2;
	}
	const uint64_t steps = strtoull(argv[1], NULL, 10);
	uint64_t served = 0;
	current.seed = argc == 3 ? strtoull(argv[2], NULL, 10) : 1;
	print_twins();
	for (; served < steps; served += requests, current.number++) {
		if (fuzz_one(true, &requests) != 0)
			return 1;
	}
	printf("%" PRIu64 " requests in %" PRIu64 " cases, seed %" PRIu64 ": all as the naive model says.\n", served, current.number,
	       current.seed);
	return 0;
}
