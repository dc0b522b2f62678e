/* evict_lhd.c - least hit density: the fewest hits to be expected per time that the block would still stay, of a sample.
 *
 * Blocks are sorted into HIT_CLASSES by how soon they were hit the last two times. For each class the ages at which stays
 * ended, by a hit or without one, are counted; from these follows, for a block of age a, how many hits a stay of at least
 * a brings and how long it lasts from then on. Their quotient is the hit density, and of `samples` blocks drawn at random
 * the one with the least goes; of equals the one used longest ago, then the deeper. Every `every` uses the counts are
 * multiplied by `decay` and the densities computed anew; until then, (class + `prior`) / (age + 1) stands for them. A trace of
 * fewer uses is judged by that alone.
 *
 * Age is measured in uses of blocks, one value for the whole path of a request, in steps of a power of two: the least
 * that is 1/200 of the room, so that the table reaches a hundred times farther than a block can expect to stay. Who is older
 * goes first. One use in 32 makes a block an explorer, which others go before, for at most `explorers` of the room: so that
 * ages are seen at which nothing would be left otherwise. The last `admissions` blocks that came with a density below the usual
 * victim's are in every sample. A block that expires counts as gone without a hit.
 *
 * The reference counts classes through all applications; libCacheSim's only one has number 1, hence the prior of 17. It starts
 * with steps of 1,024 and takes 8 samples, and explorers, until its 50th time, to shorten warming up; with these two its
 * miss ratios in E7 come out within .0005, without them within .005.
 * Source: Beckmann, Chen, Cidon, NSDI 2018; libCacheSim lhd.cpp, POLICIES C, E7.
 */
#include "lottery.h"

#define HIT_CLASSES 16
#define AGES        20000 /* the last one stands for all beyond */

#define EXPLORER_ODDS 32

#define VICTIM_DECAY 0.9

enum { KEY_SAMPLES, KEY_ADMISSIONS, KEY_EVERY, KEY_DECAY, KEY_EXPLORERS, KEY_PRIOR };

/* How stays of a class ended, by age, and what follows. */
struct outlook {
	float hits[AGES], losses[AGES], density[AGES];
};

/* A ticket's note: the age at the last hit, the class (bits 16 on), and whether it explores (bit 31); since: the clock at
 * its last use. */
#define NOTE_CLASS_BIT 16
#define NOTE_AGE       ((1u << NOTE_CLASS_BIT) - 1)
#define NOTE_EXPLORES  (1u << 31)

struct lhd {
	struct lottery lottery;
	struct outlook *outlooks; /* [HIT_CLASSES] */
	uint64_t uses, clock;     /* of blocks so far; when the request being served came */
	uint64_t clock_seq;       /* that request */
	uint64_t every, until;    /* uses from one time to the next; to the next */
	uint32_t samples, age_bits;
	float decay;
	double victim_density; /* of late */
	int64_t explorers_left;
	block_id *admitted; /* ring */
	uint32_t admissions, admitted_next;
};

static const struct param lhd_params[] = {
        [KEY_SAMPLES] = {"samples", PARAM_INT, "32", 1, 1e6, NULL, "blocks compared for an eviction"},
        [KEY_ADMISSIONS] = {"admissions", PARAM_INT, "8", 0, 1e6, NULL, "newcomers of little promise compared as well"},
        [KEY_EVERY] = {"every", PARAM_INT, "1048576", 64, 1e12, NULL, "uses after which densities are computed anew"},
        [KEY_DECAY] = {"decay", PARAM_REAL, "0.9", 0, 1, NULL, "what older counts are multiplied by then"},
        [KEY_EXPLORERS] = {"explorers", PARAM_REAL, "0.01", 0, 1, NULL, "share of the room for blocks kept to see their ages"},
        [KEY_PRIOR] = {"prior", PARAM_REAL, "17", 0.001, 1e6, NULL, "what blocks never hit start from: 1 gives those hit soon 16 times as much"},
        {.name = NULL},
};

static void *lhd_open(const struct evict_env *env, const union param_value *values, struct err *err)
{
	(void)err;
	struct lhd *p = mem_alloc(1, sizeof(*p));
	*p = (struct lhd){.samples = (uint32_t)values[KEY_SAMPLES].integer,
	                  .every = (uint64_t)values[KEY_EVERY].integer,
	                  .decay = (float)values[KEY_DECAY].real,
	                  .explorers_left = (int64_t)(values[KEY_EXPLORERS].real * env->capacity_blocks),
	                  .admissions = (uint32_t)values[KEY_ADMISSIONS].integer};
	lottery_open(&p->lottery, env);
	p->until = p->every;
	while ((UINT64_C(200) << p->age_bits) < env->capacity_blocks)
		p->age_bits++;
	p->admitted = mem_alloc(p->admissions, sizeof(*p->admitted));
	for (uint32_t i = 0; i < p->admissions; i++)
		p->admitted[i] = BLOCK_NONE;
	p->outlooks = mem_alloc(HIT_CLASSES, sizeof(*p->outlooks));
	for (uint32_t k = 0; k < HIT_CLASSES; k++) {
		for (uint32_t age = 0; age < AGES; age++)
			p->outlooks[k].density[age] = ((float)k + (float)values[KEY_PRIOR].real) / (float)(age + 1);
	}
	return p;
}

static void lhd_close(void *state)
{
	struct lhd *p = state;
	lottery_close(&p->lottery);
	free(p->admitted);
	free(p->outlooks);
	free(p);
}

/* From the greatest age down: `lasting` sums, over the stays that reached this age, the time from then to their end. */
static void compute_density(struct outlook *outlook, float decay)
{
	float hits = 0, stays = 0, lasting = 0;
	for (uint32_t age = AGES; age-- > 0;) {
		outlook->hits[age] *= decay;
		outlook->losses[age] *= decay;
		hits += outlook->hits[age];
		stays += outlook->hits[age] + outlook->losses[age];
		lasting += stays;
		outlook->density[age] = stays > 1e-5f ? hits / lasting : 0;
	}
}

/* How many times the sum of its last two ages at a hit can be doubled within the table: more, the sooner it was hit. */
static inline uint32_t hit_class(uint32_t ages)
{
	uint32_t k = 0;
	while (k < HIT_CLASSES - 1 && ages << k < AGES)
		k++;
	return k;
}

static inline void watch_clock(struct lhd *p)
{
	if (p->clock_seq != p->lottery.env->now->seq) {
		p->clock_seq = p->lottery.env->now->seq;
		p->clock = p->uses;
	}
}

static inline uint32_t age_of(const struct lhd *p, const struct lottery_ticket *ticket)
{
	const uint64_t age = (p->clock - ticket->since) >> p->age_bits;
	return age < AGES ? (uint32_t)age : AGES - 1;
}

static inline struct outlook *outlook_of(const struct lhd *p, const struct lottery_ticket *ticket)
{
	return &p->outlooks[(ticket->note & ~NOTE_EXPLORES) >> NOTE_CLASS_BIT];
}

static inline float density_of(const struct lhd *p, const struct lottery_ticket *ticket)
{
	const uint32_t age = age_of(p, ticket);
	if (age == AGES - 1)
		return -1;
	return outlook_of(p, ticket)->density[age] + (float)((ticket->note & NOTE_EXPLORES) != 0);
}

static inline void end_exploring(struct lhd *p, struct lottery_ticket *ticket)
{
	p->explorers_left += (ticket->note & NOTE_EXPLORES) != 0;
	ticket->note &= ~NOTE_EXPLORES;
}

static inline void use(struct lhd *p, struct lottery_ticket *ticket)
{
	ticket->since = p->clock;
	if (p->explorers_left > 0 && gsl_rng_get(p->lottery.rng) % EXPLORER_ODDS == 0) {
		ticket->note |= NOTE_EXPLORES;
		p->explorers_left--;
	}
	p->uses++;
	if (--p->until == 0) {
		p->until = p->every;
		for (uint32_t k = 0; k < HIT_CLASSES; k++)
			compute_density(&p->outlooks[k], p->decay);
	}
}

static inline void lhd_hit(struct lhd *p, block_id b)
{
	watch_clock(p);
	struct lottery_ticket *ticket = lottery_of(&p->lottery, b);
	const uint32_t age = age_of(p, ticket);
	outlook_of(p, ticket)->hits[age]++;
	end_exploring(p, ticket);
	ticket->note = age | hit_class(age + (ticket->note & NOTE_AGE)) << NOTE_CLASS_BIT;
	use(p, ticket);
}

static inline void lhd_insert(struct lhd *p, block_id b)
{
	watch_clock(p);
	lottery_join(&p->lottery, b, 0, p->clock);
	struct lottery_ticket *ticket = lottery_of(&p->lottery, b);
	use(p, ticket);
	if (p->admissions > 0 && !(ticket->note & NOTE_EXPLORES) && (double)density_of(p, ticket) < p->victim_density) {
		p->admitted[p->admitted_next] = b;
		p->admitted_next = p->admitted_next + 1 < p->admissions ? p->admitted_next + 1 : 0;
	}
}

static inline void lhd_busy(struct lhd *p, block_id b)
{
	lottery_set_busy(&p->lottery, b);
}

static inline void lhd_idle(struct lhd *p, block_id b)
{
	lottery_set_idle(&p->lottery, b);
}

static inline void lhd_remove(struct lhd *p, block_id b)
{
	watch_clock(p);
	struct lottery_ticket *ticket = lottery_of(&p->lottery, b);
	outlook_of(p, ticket)->losses[age_of(p, ticket)]++;
	end_exploring(p, ticket);
	lottery_leave(&p->lottery, b);
}

struct choice {
	const struct lottery_ticket *ticket;
	float density;
};

static inline void consider(const struct lhd *p, struct choice *choice, const struct lottery_ticket *ticket)
{
	const uint32_t *depth = p->lottery.env->depth;
	const float density = density_of(p, ticket);
	if (choice->ticket && density >= choice->density) {
		const struct lottery_ticket *other = choice->ticket;
		if (density > choice->density || ticket->since > other->since)
			return;
		if (ticket->since == other->since &&
		    (depth[ticket->block] < depth[other->block] ||
		     (depth[ticket->block] == depth[other->block] && ticket->block >= other->block)))
			return;
	}
	*choice = (struct choice){ticket, density};
}

static inline block_id lhd_evict(struct lhd *p, block_id in)
{
	(void)in;
	watch_clock(p);
	const struct evict_env *env = p->lottery.env;
	struct choice choice = {.ticket = NULL};
	struct lottery_walk walk = lottery_sample(&p->lottery, p->samples);
	for (uint32_t i = 0; i < walk.size; i++)
		consider(p, &choice, lottery_next(&p->lottery, &walk));
	for (uint32_t i = 0; i < p->admissions; i++) {
		const block_id b = p->admitted[i];
		if (b != BLOCK_NONE && (env->resident[b] & 1) && evict_idle(env, b))
			consider(p, &choice, lottery_of(&p->lottery, b));
	}
	if (!choice.ticket)
		return BLOCK_NONE;
	p->victim_density = VICTIM_DECAY * p->victim_density;
	if (choice.density > 0)
		p->victim_density += (1 - VICTIM_DECAY) * (double)choice.density;
	const block_id victim = choice.ticket->block;
	lhd_remove(p, victim);
	return victim;
}

static double lhd_score(const void *state, block_id b)
{
	const struct lhd *p = state;
	return (double)density_of(p, lottery_of(&p->lottery, b));
}

#define EVICT                    lhd
#define EVICT_PREFETCH(p, b)     __builtin_prefetch(&(p)->lottery.place[b], 1)
#define EVICT_PREFETCH_HIT(p, b) __builtin_prefetch(lottery_of(&(p)->lottery, b), 1)
#include "evict_hooks.h"

const struct evict_ops evict_lhd = {
        .name = "lhd",
        .rule = "the block with the fewest hits to expect per time that it would still stay, of a sample",
        .detail = "Before any densities are known a block of class c and age a has (c + 17) / (a + 1), ages being counted in uses. "
                  "With room for 3 blocks, requests A, A, B, C: A was hit at age 1 and is in class 15, B and C were never hit and are "
                  "in class 0. When D comes, A has 32 / 4, B 17 / 3 and C 17 / 2: B goes. When E comes, A has 32 / 5, C 17 / 3 and D "
                  "17 / 2: C goes.",
        .source = "Beckmann, Chen, Cidon, NSDI 2018; libCacheSim lhd.cpp",
        .cost = "O(samples) an eviction, else O(1)",
        .state_bytes = 20,
        .params = lhd_params,
        .open = lhd_open,
        .close = lhd_close,
        .hit = lhd_hit_run,
        .busy = lhd_busy_run,
        .idle = lhd_idle_run,
        .score = lhd_score,
        EVICT_HOOKS(lhd),
};
