/* ttl_reuse.c - keep for as long as a reuse is likely enough to pay for the memory (hazard rule).
 *
 * Requests fall into categories (class, turn). In each, a request is followed by another with probability p after an
 * exponential gap of mean `gap`; the TTL is where the hazard of that law falls below the rent (gap_law.h). Every `window` of
 * simulated time all categories are fitted anew to what was seen in the one before: p = requests followed / requests, gap =
 * mean of the gaps that ended. A category with fewer than `least` requests takes the fit of all together; before the first
 * fit everything gets `ttl`. law=empirical takes no law for the gaps but the last `samples` that were seen, and the TTL that
 * would have cost least. With p and gap given nothing is learned.
 *
 * Which request follows which: lineage.h. `breakeven` is c/s, what computing again costs in seconds of rent; its default is a
 * choice of ours (rule `breakeven` shows where it comes from). Turns from `turns` on are one category.
 * Sources: POLICIES C2 (known gap law, empirical), F (reuse); categories and refit: "KVCache Cache in the Wild", arXiv
 * 2506.02634 (POLICIES B3).
 */
#include "gap_law.h"
#include "kinds.h"
#include "lineage.h"
#include "ttl.h"
#include "window.h"

#include <stdlib.h>
#include <string.h>

struct tally {
	uint64_t requests, followed;
	double gap_sum_s;
};

struct ttl_reuse_state {
	const struct evict_env *env;
	struct lineage lineage;
	struct window window; /* law=empirical; the last series is that of all together */
	double p, gap_s, breakeven_s;
	int64_t ttl_ns, window_ns, most_ns;
	uint64_t least;
	uint32_t turns, categories;
	bool learns, empirical;
	struct tally *tallies; /* [categories + 1], of the window being watched */
	int64_t *fitted_ns;    /* [categories] */
	int64_t next_fit_ns;   /* -1: nothing was seen yet */
};

enum {
	REUSE_BREAKEVEN,
	REUSE_P,
	REUSE_GAP,
	REUSE_TTL,
	REUSE_WINDOW,
	REUSE_LEAST,
	REUSE_TURNS,
	REUSE_LAW,
	REUSE_SAMPLES,
	REUSE_MAX,
};

static const struct param ttl_reuse_params[] = {
        [REUSE_BREAKEVEN] = {"breakeven", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "cost of a miss in time of rent, c/s"},
        [REUSE_P] = {"p", PARAM_REAL, "0", 0, 1, NULL, "probability of a reuse; 0: learned"},
        [REUSE_GAP] = {"gap", PARAM_DURATION, "0s", 0, 9.3e18, NULL, "mean gap; 0: learned"},
        [REUSE_TTL] = {"ttl", PARAM_DURATION, "300s", 0, 9.3e18, NULL, "until the first fit"},
        [REUSE_WINDOW] = {"window", PARAM_DURATION, "600s", 1e6, 9.3e18, NULL, "time between fits"},
        [REUSE_LEAST] = {"least", PARAM_INT, "20", 1, 1e9, NULL, "requests that a category needs for a fit of its own"},
        [REUSE_TURNS] = {"turns", PARAM_INT, "8", 1, 1000, NULL, "turns that are told apart"},
        [REUSE_LAW] = {"law", PARAM_CHOICE, "exponential", 0, 0, "exponential|empirical", "of the gaps"},
        [REUSE_SAMPLES] = {"samples", PARAM_INT, "200", 1, 1e6, NULL, "law=empirical: gaps kept for each category"},
        [REUSE_MAX] = {"max", PARAM_DURATION, "1h", 0, 9.3e18, NULL, "no longer"},
        {.name = NULL},
};

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static void *ttl_reuse_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	const bool given_p = values[REUSE_P].real > 0, given_gap = values[REUSE_GAP].integer > 0;
	if (given_p != given_gap) {
		err_set(err, "--ttl reuse: p and gap are given both or not at all.");
		return NULL;
	}
	struct ttl_reuse_state *p = mem_alloc(1, sizeof(*p));
	*p = (struct ttl_reuse_state){
	        .env = env,
	        .p = values[REUSE_P].real,
	        .gap_s = seconds(values[REUSE_GAP].integer),
	        .breakeven_s = seconds(values[REUSE_BREAKEVEN].integer),
	        .ttl_ns = values[REUSE_TTL].integer,
	        .window_ns = values[REUSE_WINDOW].integer,
	        .most_ns = values[REUSE_MAX].integer,
	        .least = (uint64_t)values[REUSE_LEAST].integer,
	        .turns = (uint32_t)values[REUSE_TURNS].integer,
	        .learns = !given_p,
	        .empirical = values[REUSE_LAW].integer == 1,
	        .next_fit_ns = -1,
	};
	p->categories = kinds_count(env) * p->turns;
	p->tallies = mem_alloc((size_t)p->categories + 1, sizeof(*p->tallies));
	p->fitted_ns = mem_alloc(p->categories, sizeof(*p->fitted_ns));
	lineage_open(&p->lineage, env);
	window_open(&p->window, p->empirical ? p->categories + 1 : 0, (uint32_t)values[REUSE_SAMPLES].integer);
	if (!p->learns)
		p->ttl_ns = ttl_clamp_ns(gap_law_exponential_s(p->p, p->gap_s, p->breakeven_s) * (double)NS_PER_S, 0, p->most_ns);
	for (uint32_t k = 0; k < p->categories; k++)
		p->fitted_ns[k] = p->ttl_ns;
	return p;
}

static void ttl_reuse_close(void *state)
{
	struct ttl_reuse_state *p = state;
	lineage_close(&p->lineage);
	window_close(&p->window);
	free(p->tallies);
	free(p->fitted_ns);
	free(p);
}

static uint32_t category(const struct ttl_reuse_state *p)
{
	const struct policy_now *now = p->env->now;
	const uint32_t turn = now->turn == 0 ? 1 : now->turn < p->turns ? now->turn : p->turns;
	return kinds_of(p->env, now->class_id) * p->turns + turn - 1;
}

/* The TTL that fits category k, as the window has shown it. */
static int64_t fit(const struct ttl_reuse_state *p, uint32_t k)
{
	const struct tally *tally = &p->tallies[k];
	const double share = tally->followed >= tally->requests ? 1 : (double)tally->followed / (double)tally->requests;
	double keep_s;
	if (tally->followed == 0)
		return 0;
	if (p->empirical) {
		/* The last uses among so many that were followed. */
		const uint32_t count = window_count(&p->window, k);
		keep_s = gap_law_empirical_s(window_sorted(&p->window, k), count, count * (1 - share) / share, p->breakeven_s);
	} else {
		keep_s = gap_law_exponential_s(share, tally->gap_sum_s / (double)tally->followed, p->breakeven_s);
	}
	return ttl_clamp_ns(keep_s * (double)NS_PER_S, 0, p->most_ns);
}

static void fit_all(struct ttl_reuse_state *p)
{
	const int64_t together_ns = fit(p, p->categories);
	for (uint32_t k = 0; k < p->categories; k++)
		p->fitted_ns[k] = p->tallies[k].requests >= p->least ? fit(p, k) : together_ns;
	memset(p->tallies, 0, ((size_t)p->categories + 1) * sizeof(*p->tallies));
}

static void ttl_reuse_path(void *state, block_id first, uint32_t count)
{
	struct ttl_reuse_state *p = state;
	if (p->learns)
		lineage_path(&p->lineage, first, count);
}

/* A window without end is never over. */
static int64_t next_fit_ns(const struct ttl_reuse_state *p, int64_t now_ns)
{
	int64_t next_ns;
	return __builtin_add_overflow(now_ns, p->window_ns, &next_ns) ? TIME_NEVER_NS : next_ns;
}

static void ttl_reuse_observe(void *state, bool rules)
{
	struct ttl_reuse_state *p = state;
	const int64_t now_ns = p->env->now->now_ns;
	(void)rules;
	if (!p->learns)
		return;
	if (p->next_fit_ns < 0)
		p->next_fit_ns = next_fit_ns(p, now_ns);
	if (now_ns >= p->next_fit_ns) {
		fit_all(p);
		p->next_fit_ns = next_fit_ns(p, now_ns);
	}
	const uint32_t k = category(p);
	const struct lineage_step step = lineage_observe(&p->lineage, k);
	if (step.again)
		return;
	p->tallies[k].requests++;
	p->tallies[p->categories].requests++;
	if (!step.before)
		return;
	const uint32_t into[] = {step.before->key, p->categories};
	for (size_t i = 0; i < COUNT_OF(into); i++) {
		p->tallies[into[i]].followed++;
		p->tallies[into[i]].gap_sum_s += seconds(step.gap_ns);
		if (p->empirical)
			window_add(&p->window, into[i], seconds(step.gap_ns));
	}
}

static int64_t ttl_reuse_ttl_ns(void *state, block_id b, uint32_t hits)
{
	const struct ttl_reuse_state *p = state;
	(void)b, (void)hits;
	return p->fitted_ns[category(p)];
}

const struct ttl_ops ttl_reuse = {
        .name = "reuse",
        .rule = "as long as the chance of a reuse in the next moment pays the rent of that moment, as fitted to each class and turn",
        .detail = "If 80 % of the requests of a category are followed, after 60 s on average, and computing again costs as much as "
                  "300 s of rent, the TTL is 60 s x ln(0.8 x (300/60 - 1) / 0.2) = 166 s. If only 15 % are followed it is 0: even "
                  "at once the chance, 0.15/60 s, is below the rent, 1/300 s.",
        .source = "categories: arXiv 2506.02634 (B3)",
        .cost = "O(1); O(categories) a window; law=empirical O(samples)",
        .params = ttl_reuse_params,
        .uniform = true,
        .open = ttl_reuse_open,
        .close = ttl_reuse_close,
        .ttl_ns = ttl_reuse_ttl_ns,
        .path = ttl_reuse_path,
        .observe = ttl_reuse_observe,
};
