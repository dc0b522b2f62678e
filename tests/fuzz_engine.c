/* fuzz_engine.c - random engines with random tiers over random traces: whatever they are told, what they say adds up.
 *
 *   fuzz_engine RUNS [SEED]          so many cases
 *   fuzz_engine case SEED NUMBER     one of them, told in full
 *
 * Each case is run with stretches of decode steps as one event and then step by step, by a backend that keeps keys and
 * values in slots and looks whether they are the right ones (slots.h). Both must come to the same: every request's times
 * and ledger, every count, and the event log but for its step lines. A third run has steps and transfers of random durations
 * and loads that fail. A third of the cases have several replicas, some with tiers that they share; these are run by the
 * cost model both ways. And each must be right in itself: ledgers and times add up, each request is answered or rejected,
 * blocks and bytes are neither lost nor made - also by the log, block by block -, no time goes back. Policies and rules take
 * turns as in fuzz_case.h; what they do is looked at by fuzz_model.
 */
#include "fuzz_case.h"
#include "slots.h"
#include "timed.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT 2048

struct engine_case {
	struct fuzz_case base; /* the trace and the first tier's policies */
	struct timed_setup setup;
	char tiers[TIER_MOST][TEXT];
};

static struct {
	uint64_t seed, number;
	char log[2][64];
} current;

static void add(char *text, const char *format, const char *value)
{
	const size_t used = strlen(text);
	ASSERT(snprintf(text + used, TEXT - used, format, value) < (int)(TEXT - used));
}

static void draw_tier(struct make_rng *rng, const char *name, char *text)
{
	static const char *const reads[] = {"inf", "1MB/s", "20MB/s", "1GB/s"}, *const latencies[] = {"0s", "10us", "30ms", "1s"};
	static const char *const stores[] = {"demote", "through", "second"}, *const promotes[] = {"always", "second", "never"};
	struct fuzz_case other;
	char capacity[32];
	do {
		fuzz_case_draw(&other, make_random(rng, UINT64_MAX), make_random(rng, 1000));
		fuzz_case_free(&other);
	} while (other.evict->needs_future || strstr(other.ttl_text, ";class="));
	snprintf(capacity, sizeof(capacity), "%" PRIu64, 1 + make_random(rng, 40));
	*text = '\0';
	add(text, "%s:", name);
	add(text, "%s", make_chance(rng, 20) ? "inf" : capacity);
	add(text, ",evict={%s}", other.evict_text);
	if (make_chance(rng, 50))
		add(text, ",ttl={%s}", other.ttl_text);
	add(text, ",read=%s", reads[make_random(rng, COUNT_OF(reads))]);
	add(text, ",write=%s", reads[make_random(rng, COUNT_OF(reads))]);
	add(text, ",latency=%s", latencies[make_random(rng, COUNT_OF(latencies))]);
	add(text, ",store=%s", stores[make_random(rng, COUNT_OF(stores))]);
	add(text, ",promote=%s", promotes[make_random(rng, COUNT_OF(promotes))]);
	add(text, ",expired=%s", make_chance(rng, 50) ? "drop" : "demote");
	if (make_chance(rng, 30))
		add(text, ",compress=%s", "0.7,inflate=50MB/s");
}

static void draw_faults(struct make_rng *rng, uint32_t tier_count, struct fault *faults)
{
	for (uint32_t f = 0; f < TIMED_FAULTS && make_chance(rng, 60); f++) {
		faults[f].tier = 1 + (uint32_t)make_random(rng, tier_count);
		if (make_chance(rng, 50)) {
			faults[f].load_failure = (double)make_random(rng, 5) / 4;
		} else {
			faults[f].from_ns = (int64_t)make_random(rng, 30) * NS_PER_S;
			faults[f].until_ns = faults[f].from_ns + (int64_t)make_random(rng, 30) * NS_PER_S;
		}
	}
}

/* Several replicas, which share their tiers from some one on. */
static void draw_fleet(struct make_rng *rng, struct engine_case *c, uint32_t tier_count)
{
	static const char *const routers[] = {"round-robin", "least-loaded", "session", "prefix", "prefix-load:alpha=0.3"};
	c->setup.replicas = 2 + (uint32_t)make_random(rng, 3);
	c->setup.router = routers[make_random(rng, COUNT_OF(routers))];
	for (uint32_t t = (uint32_t)make_random(rng, tier_count + 1); t < tier_count; t++)
		add(c->tiers[t], ",shared=%s", "1");
}

static void draw(struct engine_case *c)
{
	struct make_rng rng = {current.seed * UINT64_C(7919) + current.number};
	static const char *const names[] = {"host", "disk", "far", "archive"};
	static const enum engine_kind engines[] = {ENGINE_VLLM, ENGINE_VLLM, ENGINE_SGLANG, ENGINE_STATIC};
	static const enum load_rule loads[] = {LOAD_FASTER, LOAD_ALWAYS, LOAD_ALWAYS, LOAD_NEVER};
	uint64_t base_number = current.number;
	*c = (struct engine_case){0};
	fuzz_case_draw(&c->base, current.seed, base_number);
	while (c->base.evict->needs_future) {
		fuzz_case_free(&c->base);
		fuzz_case_draw(&c->base, current.seed, ++base_number);
	}
	timed_dress(c->base.trace, &rng, make_chance(&rng, 20) ? 600 : 40, make_chance(&rng, 50) ? 5 * NS_PER_S : 0);
	const uint64_t room = make_chance(&rng, 60) ? 12 : 60;
	c->setup = (struct timed_setup){
	        .engine = engines[make_random(&rng, COUNT_OF(engines))],
	        .evict = c->base.evict_text,
	        .ttl = c->base.ttl_text,
	        .capacity_blocks = make_chance(&rng, 10) ? 0 : 2 + make_random(&rng, room),
	        .load = loads[make_random(&rng, COUNT_OF(loads))],
	        .flat = make_chance(&rng, 50),
	        .closed_loop = make_chance(&rng, 40),
	        .drop_answers = make_chance(&rng, 30),
	        .no_offload = make_chance(&rng, 5),
	        .sessions = 1 + (uint32_t)make_random(&rng, 4),
	        .step_tokens = make_chance(&rng, 50) ? 0 : 1 + (uint32_t)make_random(&rng, 60),
	        .most_running = 1 + (uint32_t)make_random(&rng, 9),
	        .archive_every_ns = (int64_t)(1 + make_random(&rng, 8)) * NS_PER_S,
	        .archive_bytes_per_s = make_chance(&rng, 50) ? 0 : 1000 * (double)(1 + make_random(&rng, 30)),
	        .speed = c->base.naive.speed,
	        .warmup = make_chance(&rng, 80) ? 0 : c->base.naive.warmup,
	        .seed = current.number,
	        .calibration = current.number % 2 ? &timed_curved_calibration : &timed_calibration,
	};
	uint32_t tier_count = 0;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!make_chance(&rng, 45))
			continue;
		draw_tier(&rng, names[i], c->tiers[tier_count]);
		c->setup.tiers[tier_count] = c->tiers[tier_count];
		tier_count++;
	}
	if (tier_count > 0)
		draw_faults(&rng, tier_count, c->setup.faults);
	if (make_chance(&rng, 35))
		draw_fleet(&rng, c, tier_count);
}

static void tell(const struct engine_case *c)
{
	const struct timed_setup *s = &c->setup;
	static const char *const engines[] = {"replay", "static", "vllm", "sglang"}, *const loads[] = {"faster", "always", "never"};
	fprintf(stderr, "again: fuzz_engine case %" PRIu64 " %" PRIu64 "\n", current.seed, current.number);
	fprintf(stderr, "--engine %s --capacity %" PRIu64 " --evict '%s' --ttl '%s' --scope %s --load %s\n", engines[s->engine],
	        s->capacity_blocks, s->evict, s->ttl, s->flat ? "flat" : "leaf", loads[s->load]);
	fprintf(stderr, "--arrivals %s --sessions %u --step-tokens %u --max-running %u --answers %s --speed %g --warmup %g%s\n",
	        s->closed_loop ? "closed" : "open", s->sessions, s->step_tokens, s->most_running, s->drop_answers ? "drop" : "keep",
	        s->speed, s->warmup, s->no_offload ? " --no-offload" : "");
	for (size_t i = 0; i < TIER_MOST && s->tiers[i]; i++)
		fprintf(stderr, "--tier %s\n", s->tiers[i]);
	if (s->replicas > 1)
		fprintf(stderr, "--replicas %u --router %s\n", s->replicas, s->router);
	fprintf(stderr, "--archive-every %" PRId64 "s --archive-rate %g\n", s->archive_every_ns / NS_PER_S, s->archive_bytes_per_s);
	for (size_t i = 0; i < TIMED_FAULTS && s->faults[i].tier; i++)
		fprintf(stderr, "--fail tier %u @%" PRId64 "s..%" PRId64 "s p=%g\n", s->faults[i].tier,
		        s->faults[i].from_ns / NS_PER_S, s->faults[i].until_ns / NS_PER_S, s->faults[i].load_failure);
	const struct trace *trace = c->base.trace;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *q = &trace->requests[r];
		fprintf(stderr, "request %u at %g s, session %d, think %g s, %u + %u tokens, blocks", r,
		        (double)q->arrival_ns / (double)NS_PER_S, (int)q->session, (double)q->think_ns / (double)NS_PER_S,
		        q->prompt_tokens, q->output_tokens);
		TRACE_EACH_RUN(trace, q, run)
			fprintf(stderr, " %u+%u", run->first, run->count);
		fputc('\n', stderr);
	}
}

/* The next line of a log that tells of no step, nor that it was cut, and its time; false at the end. */
static bool next_line(FILE *log, char *line, size_t size, double *ms)
{
	while (fgets(line, (int)size, log)) {
		if (strstr(line, "\"event\": \"step\"") || strstr(line, "\"event\": \"cut\""))
			continue;
		if (sscanf(line, "{\"ms\": %lf", ms) != 1)
			*ms = -1;
		return true;
	}
	return false;
}

static const char *compare_logs(const char *a_name, const char *b_name)
{
	char a_line[512], b_line[512];
	double a_ms = 0, b_ms = 0, last_ms = 0;
	const char *wrong = NULL;
	FILE *a = fopen(a_name, "r"), *b = fopen(b_name, "r");
	ASSERT(a && b);
	for (bool more = true; more && !wrong; last_ms = a_ms) {
		more = next_line(a, a_line, sizeof(a_line), &a_ms);
		if (next_line(b, b_line, sizeof(b_line), &b_ms) != more || (more && strcmp(a_line, b_line) != 0)) {
			fprintf(stderr, "as one event: %sstep by step: %s", a_line, b_line);
			wrong = "the event logs differ";
		} else if (more && a_ms < last_ms) {
			fprintf(stderr, "%s", a_line);
			wrong = "time goes back in the event log";
		}
	}
	fclose(a);
	fclose(b);
	return wrong;
}

/* What the lower tiers hold by what the log says of blocks: none comes twice, goes or is loaded where it is not, and in
 * the end there are as many as the run says. */
static const char *follow_blocks(const char *log_name, const struct engine_case *c, const struct run_result *run)
{
	const char *wrong = NULL;
	const uint32_t block_count = c->base.trace->block_count;
	const uint32_t replicas = c->setup.replicas ? c->setup.replicas : 1;
	uint8_t *held = mem_alloc((size_t)block_count * TIER_MOST * replicas, 1);
	uint64_t count[TIER_MOST] = {0};
	char line[512], event[16], tier[24];
	uint32_t first, blocks;
	FILE *log = fopen(log_name, "r");
	ASSERT(log);
	while (!wrong && fgets(line, sizeof(line), log)) {
		const char *at = strstr(line, "\"event\"");
		if (sscanf(at, "\"event\": \"%15[a-z]\", \"tier\": \"%23[a-z]\", \"block\": %u, \"count\": %u", event, tier, &first,
		           &blocks) != 4)
			continue;
		uint32_t t = 0;
		while (c->setup.tiers[t] && strncmp(c->setup.tiers[t], tier, strlen(tier)) != 0)
			t++;
		if (!c->setup.tiers[t])
			continue; /* the first tier */
		uint32_t replica = 0;
		at = strstr(line, "\"replica\": ");
		if (at && !strstr(c->setup.tiers[t], ",shared=1"))
			ASSERT(sscanf(at, "\"replica\": %u", &replica) == 1 && replica < replicas);
		const bool comes = strcmp(event, "drop") != 0 && strcmp(event, "load") != 0;
		for (uint32_t b = first; b < first + blocks; b++) {
			uint8_t *here = &held[((size_t)replica * TIER_MOST + t) * block_count + b];
			if (*here == comes)
				wrong = comes ? "a block comes that is there" : "a block goes or is loaded that is not there";
			*here = strcmp(event, "drop") != 0;
			count[t] += comes;
			count[t] -= !*here;
		}
		if (wrong)
			fprintf(stderr, "%s", line);
	}
	for (uint32_t t = 0; c->setup.tiers[t] && !wrong; t++)
		wrong = count[t] == run->tiers[t + 1].resident_blocks ? NULL : "a tier holds other blocks than the log says";
	fclose(log);
	free(held);
	return wrong;
}

/* The next run is done by a backend that keeps keys and values. */
static struct slots *keep_slots(struct engine_case *c, bool erratic)
{
	const struct slots_config config = {
	        .capacity_blocks = c->setup.capacity_blocks,
	        .calibration = c->setup.calibration ? c->setup.calibration : &timed_calibration,
	        .erratic = erratic,
	        .seed = current.number,
	};
	c->setup.ops = &slots_backend;
	return c->setup.backend = slots_open(c->base.trace, &config);
}

/* Runs it with stretches as one event, then step by step; a single replica with a backend that keeps keys and values, and then
 * once more with one that errs. NULL, or what is wrong. */
static const char *check(struct engine_case *c, uint64_t *answered, uint64_t *steps)
{
	struct timed_result runs[3];
	const char *wrong = NULL;
	const bool fleet = c->setup.replicas > 1;
	const int count = fleet ? 2 : 3;
	for (int run = 0; run < count; run++) {
		struct slots *slots = run > 0 && !fleet ? keep_slots(c, run == 2) : NULL;
		c->setup.single_steps = run > 0 && fleet;
		c->setup.log = run < 2 ? current.log[run] : NULL;
		runs[run] = timed_run(c->base.trace, &c->setup);
		slots_close(slots);
		if (!wrong)
			wrong = timed_wrong(c->base.trace, &c->setup, &runs[run]);
	}
	if (!wrong)
		wrong = compare_logs(current.log[0], current.log[1]);
	if (!wrong && !c->setup.no_offload)
		wrong = follow_blocks(current.log[0], c, &runs[0].run);
	if (!wrong && !timed_equal(&runs[0], &runs[1]))
		wrong = "stepping through gives another result";
	*answered += runs[0].answered;
	*steps += runs[0].run.steps;
	for (int run = 0; run < count; run++)
		timed_free(&runs[run]);
	return wrong;
}

static void remove_logs(void)
{
	unlink(current.log[0]);
	unlink(current.log[1]);
}

/* An assertion of the product says what broke, an alarm that nothing comes to an end; this says where. */
static void on_signal(int number)
{
	char text[128];
	const int length = snprintf(text, sizeof(text), "again: fuzz_engine case %" PRIu64 " %" PRIu64 "\n", current.seed,
	                            current.number);
	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(2);
	remove_logs();
	signal(number, SIG_DFL);
	raise(number);
}

int main(int argc, char **argv)
{
	const bool one = argc == 4 && strcmp(argv[1], "case") == 0;
	if (!one && (argc < 2 || argc > 3)) {
		fprintf(stderr, "Usage: fuzz_engine RUNS [SEED]\n       fuzz_engine case SEED NUMBER\n");
		return 2;
	}
	const uint64_t runs = one ? 1 : strtoull(argv[1], NULL, 10);
	uint64_t answered = 0, steps = 0;
	current.seed = argc > 2 ? strtoull(argv[one ? 2 : 2], NULL, 10) : 1;
	current.number = one ? strtoull(argv[3], NULL, 10) : 0;
	/* A log that is written is flushed to its disk, which takes longer than the case. */
	const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ".";
	for (size_t i = 0; i < COUNT_OF(current.log); i++)
		snprintf(current.log[i], sizeof(current.log[i]), "%s/fuzz_engine.%ld.%zu.jsonl", folder, (long)getpid(), i);
	signal(SIGABRT, on_signal);
	signal(SIGALRM, on_signal);
	for (uint64_t i = 0; i < runs; i++, current.number++) {
		struct engine_case c;
		draw(&c);
		if (one)
			tell(&c);
		alarm(60); /* a case takes milliseconds */
		const char *wrong = check(&c, &answered, &steps);
		if (wrong && !one)
			tell(&c);
		fuzz_case_free(&c.base);
		if (wrong) {
			fprintf(stderr, "fuzz_engine: %s\n", wrong);
			if (!one)
				remove_logs();
			return 1;
		}
	}
	remove_logs();
	printf("%" PRIu64 " runs, seed %" PRIu64 ": %" PRIu64 " answers in %" PRIu64 " steps, the same as one event and step by step\n",
	       runs, current.seed, answered, steps);
	return 0;
}
