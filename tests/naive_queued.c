/* naive_queued.c - the twins of the classics that keep queues; see naive_policies.c and naive_rows.h. */
#include "naive_rows.h"

#define MOST_ROWS 16

struct queued {
	struct naive_row row[MOST_ROWS];
	int8_t *in;  /* [block] row; -1: none */
	int8_t *known; /* [block] comes in with a ghost behind it: its row + 1; 0: does not */
	uint32_t room;
	uint32_t hand; /* sieve */
	double target; /* arc */
};

static void queued_open(struct naive *model)
{
	const uint32_t count = model->config.trace->block_count;
	struct queued *own = mem_alloc(1, sizeof(*own));
	for (uint32_t k = 0; k < MOST_ROWS; k++)
		own->row[k] = naive_row_open(count);
	own->in = mem_alloc(count, sizeof(*own->in));
	memset(own->in, -1, count);
	own->known = mem_alloc(count, sizeof(*own->known));
	own->room = model->config.capacity_blocks < count ? (uint32_t)model->config.capacity_blocks : count;
	model->own = own;
}

static void queued_close(struct naive *model)
{
	struct queued *own = model->own;
	for (uint32_t k = 0; k < MOST_ROWS; k++)
		naive_row_close(&own->row[k]);
	free(own->in);
	free(own->known);
	free(own);
}

static void take_from(struct queued *own, uint32_t k, block_id b)
{
	const uint32_t place = naive_row_take(&own->row[k], b);
	own->in[b] = -1;
	if (own->hand > place)
		own->hand--;
}

static void take(struct queued *own, block_id b)
{
	take_from(own, (uint32_t)own->in[b], b);
}

static void append(struct queued *own, uint32_t k, block_id b)
{
	naive_row_append(&own->row[k], b);
	own->in[b] = (int8_t)k;
}

static void join(struct naive *model, uint32_t k, block_id b)
{
	struct queued *own = model->own;
	naive_row_join(model, &own->row[k], b);
	own->in[b] = (int8_t)k;
}

static block_id first_idle(const struct naive *model, uint32_t k)
{
	return naive_row_first_idle(model, &((const struct queued *)model->own)->row[k]);
}

static void queued_left(struct naive *model, block_id b, enum naive_state why)
{
	if (why == NAIVE_EXPIRED)
		take(model->own, b);
}

static uint32_t share(const struct naive *model, const char *name)
{
	return (uint32_t)(((const struct queued *)model->own)->room * naive_real(&model->config.evict_values, name));
}

static uint64_t integer(const struct naive *model, const char *name)
{
	return (uint64_t)naive_integer(&model->config.evict_values, name);
}

/* --- clock and sieve: mark is the counter --- */

static void clock_insert(struct naive *model, block_id b)
{
	model->blocks[b].mark = 0;
	join(model, 0, b);
}

static void clock_hit(struct naive *model, block_id b)
{
	model->blocks[b].mark += model->blocks[b].mark + 1 < UINT64_C(1) << integer(model, "bits");
}

static block_id clock_choose(struct naive *model, block_id in)
{
	(void)in;
	for (block_id b; (b = first_idle(model, 0)) != BLOCK_NONE;) {
		take(model->own, b);
		if (model->blocks[b].mark == 0)
			return b;
		model->blocks[b].mark--;
		append(model->own, 0, b);
	}
	return BLOCK_NONE;
}

static void sieve_hit(struct naive *model, block_id b)
{
	model->blocks[b].mark = 1;
}

static void sieve_take(struct queued *own, block_id b)
{
	take(own, b);
	if (own->hand >= own->row[0].count)
		own->hand = 0;
}

static void sieve_left(struct naive *model, block_id b, enum naive_state why)
{
	if (why == NAIVE_EXPIRED)
		sieve_take(model->own, b);
}

static block_id sieve_choose(struct naive *model, block_id in)
{
	(void)in;
	struct queued *own = model->own;
	if (first_idle(model, 0) == BLOCK_NONE)
		return BLOCK_NONE;
	for (uint32_t i = own->hand;; i++) {
		const block_id b = own->row[0].at[i %= own->row[0].count];
		if (!naive_idle(model, b))
			continue;
		own->hand = i + 1;
		if (model->blocks[b].mark == 0) {
			sieve_take(own, b);
			return b;
		}
		model->blocks[b].mark = 0;
	}
}

/* --- slru: row = segment --- */

static uint32_t slru_share(const struct naive *model, uint32_t k)
{
	const struct queued *own = model->own;
	const uint32_t segments = (uint32_t)integer(model, "segments"), each = own->room / segments;
	return k ? each : own->room - each * (segments - 1);
}

static void slru_hit(struct naive *model, block_id b)
{
	struct queued *own = model->own;
	uint32_t k = (uint32_t)own->in[b];
	take(own, b);
	k += k + 1 < integer(model, "segments");
	join(model, k, b);
	for (; k > 0 && own->row[k].count > slru_share(model, k); k--) {
		const block_id down = own->row[k].at[0];
		take(own, down);
		append(own, k - 1, down);
	}
}

static void slru_insert(struct naive *model, block_id b)
{
	const struct queued *own = model->own;
	uint32_t to = 0;
	for (uint32_t k = (uint32_t)integer(model, "segments"); integer(model, "fill") == 0 && k-- > 0;) {
		if (own->row[k].count < slru_share(model, k))
			to = k;
	}
	join(model, to, b);
}

static block_id slru_choose(struct naive *model, block_id in)
{
	(void)in;
	block_id b = BLOCK_NONE;
	for (uint32_t k = 0; k < MOST_ROWS && b == BLOCK_NONE; k++)
		b = first_idle(model, k);
	if (b != BLOCK_NONE)
		take(model->own, b);
	return b;
}

/* --- 2q: A1in, Am, A1out; s3fifo: small, main, ghosts --- */

enum { NEW, MAIN, GHOST };

/* Whether b has a ghost, which then goes. */
static bool had_ghost(struct queued *own, block_id b, int8_t first, int8_t last)
{
	if (own->in[b] >= first && own->in[b] <= last) {
		own->known[b] = (int8_t)(own->in[b] + 1);
		take(own, b);
	}
	return own->known[b] != 0;
}

static void ghost_insert(struct naive *model, block_id b)
{
	struct queued *own = model->own;
	const bool known = had_ghost(own, b, GHOST, GHOST);
	own->known[b] = 0;
	model->blocks[b].mark = 0;
	join(model, known ? MAIN : NEW, b);
}

static void remember(struct queued *own, uint32_t k, block_id b, uint32_t most)
{
	append(own, k, b);
	if (own->row[k].count > most)
		take(own, own->row[k].at[0]);
}

static void twoq_hit(struct naive *model, block_id b)
{
	struct queued *own = model->own;
	if (own->in[b] == MAIN) {
		take(own, b);
		join(model, MAIN, b);
	}
}

static block_id twoq_choose(struct naive *model, block_id in)
{
	struct queued *own = model->own;
	had_ghost(own, in, GHOST, GHOST);
	const uint32_t order = own->row[NEW].count > share(model, "in") ? NEW : MAIN;
	block_id b = first_idle(model, order);
	if (b == BLOCK_NONE)
		b = first_idle(model, NEW + MAIN - order);
	if (b == BLOCK_NONE)
		return b;
	const bool is_new = own->in[b] == NEW;
	take(own, b);
	if (is_new)
		remember(own, GHOST, b, share(model, "out"));
	return b;
}

static void s3fifo_hit(struct naive *model, block_id b)
{
	model->blocks[b].mark += model->blocks[b].mark < 3;
}

static block_id s3fifo_choose(struct naive *model, block_id in)
{
	struct queued *own = model->own;
	had_ghost(own, in, GHOST, GHOST);
	bool main_first = own->row[MAIN].count > own->room - share(model, "small");
	for (block_id b;;) {
		if (!main_first && (b = first_idle(model, NEW)) != BLOCK_NONE) {
			const bool used = model->blocks[b].mark >= integer(model, "threshold");
			take(own, b);
			if (!used) {
				remember(own, GHOST, b, share(model, "ghost"));
				return b;
			}
			model->blocks[b].mark = 0;
			append(own, MAIN, b);
			continue;
		}
		if ((b = first_idle(model, MAIN)) != BLOCK_NONE) {
			take(own, b);
			if (model->blocks[b].mark == 0)
				return b;
			model->blocks[b].mark--;
			append(own, MAIN, b);
			continue;
		}
		if (!main_first)
			return BLOCK_NONE;
		main_first = false;
	}
}

/* --- arc --- */

enum { T1, T2, B1, B2 };

static bool arc_recall(struct queued *own, block_id b)
{
	const double b1 = own->row[B1].count, b2 = own->row[B2].count;
	if (own->in[b] == B1)
		own->target += b2 > b1 ? b2 / b1 : 1;
	if (own->in[b] == B2)
		own->target -= b1 > b2 ? b1 / b2 : 1;
	if (own->target > own->room)
		own->target = own->room;
	if (own->target < 0)
		own->target = 0;
	return had_ghost(own, b, B1, B2);
}

static void arc_insert(struct naive *model, block_id b)
{
	struct queued *own = model->own;
	const bool known = arc_recall(own, b);
	own->known[b] = 0;
	join(model, known ? T2 : T1, b);
}

static void arc_hit(struct naive *model, block_id b)
{
	take(model->own, b);
	join(model, T2, b);
}

static block_id arc_choose(struct naive *model, block_id in)
{
	struct queued *own = model->own;
	const struct naive_row *row = own->row;
	bool ghost = true;
	if (!arc_recall(own, in)) {
		if (row[T1].count + row[B1].count >= own->room) {
			ghost = row[B1].count > 0;
			if (ghost)
				take(own, row[B1].at[0]);
		} else if (own->room + row[B1].count + row[B2].count >= 2 * own->room && row[B2].count > 0) {
			take(own, row[B2].at[0]);
		}
	}
	const double t1 = row[T1].count;
	const bool from_b2 = own->known[in] == B2 + 1;
	const bool first =
	    !ghost || row[T2].count == 0 || (t1 > 0 && (t1 > own->target || (t1 == own->target && from_b2)));
	block_id b = first_idle(model, first ? T1 : T2);
	if (b == BLOCK_NONE)
		b = first_idle(model, first ? T2 : T1);
	if (b == BLOCK_NONE)
		return b;
	const bool once = own->in[b] == T1;
	take(own, b);
	if (ghost)
		append(own, once ? B1 : B2, b);
	return b;
}

/* --- lirs: in[] is the row of the HIR queue or the ghosts; the stack is a row of its own --- */

enum { HIRS, GHOSTS, STACK };
enum { NO_KIND, IS_LIR, IS_HIR }; /* mark; a ghost is in[] GHOSTS */

static bool stacked(const struct queued *own, block_id b)
{
	for (uint32_t i = 0; i < own->row[STACK].count; i++) {
		if (own->row[STACK].at[i] == b)
			return true;
	}
	return false;
}

static void unstack(struct queued *own, block_id b)
{
	const int8_t in = own->in[b];
	take_from(own, STACK, b);
	own->in[b] = in;
}

static void stack(struct naive *model, block_id b)
{
	struct queued *own = model->own;
	const int8_t in = own->in[b];
	join(model, STACK, b);
	own->in[b] = in;
}

static void lirs_prune(struct naive *model)
{
	struct queued *own = model->own;
	const struct naive_row *row = &own->row[STACK];
	while (row->count > 0 && model->blocks[row->at[0]].mark != IS_LIR) {
		const block_id b = row->at[0];
		unstack(own, b);
		if (own->in[b] == GHOSTS)
			take(own, b);
	}
}

static uint32_t lirs_count(const struct naive *model)
{
	uint32_t count = 0;
	for (uint32_t b = 0; b < model->config.trace->block_count; b++)
		count += model->blocks[b].mark == IS_LIR;
	return count;
}

static uint32_t lirs_share(const struct naive *model)
{
	const uint32_t hirs = share(model, "hir");
	return ((const struct queued *)model->own)->room - (hirs > 0 ? hirs : 1);
}

static void lirs_settle(struct naive *model)
{
	struct queued *own = model->own;
	lirs_prune(model);
	while (lirs_count(model) > lirs_share(model)) {
		const block_id b = own->row[STACK].at[0];
		unstack(own, b);
		model->blocks[b].mark = IS_HIR;
		append(own, HIRS, b);
		lirs_prune(model);
	}
	while (own->row[STACK].count > share(model, "stack") && own->row[GHOSTS].count > 0) {
		const block_id b = own->row[GHOSTS].at[0];
		take(own, b);
		unstack(own, b);
	}
}

static void lirs_use(struct naive *model, block_id b, bool lir)
{
	struct queued *own = model->own;
	const bool was_stacked = stacked(own, b);
	if (was_stacked)
		unstack(own, b);
	if (own->in[b] >= 0)
		take(own, b);
	stack(model, b);
	model->blocks[b].mark = lir || was_stacked ? IS_LIR : IS_HIR;
	if (model->blocks[b].mark == IS_HIR)
		join(model, HIRS, b);
	lirs_settle(model);
}

static void lirs_hit(struct naive *model, block_id b)
{
	lirs_use(model, b, model->blocks[b].mark == IS_LIR);
}

static void lirs_insert(struct naive *model, block_id b)
{
	lirs_use(model, b, lirs_count(model) < lirs_share(model));
}

static block_id lirs_choose(struct naive *model, block_id in)
{
	(void)in;
	struct queued *own = model->own;
	block_id b = first_idle(model, HIRS);
	if (b != BLOCK_NONE)
		take(own, b);
	else
		b = first_idle(model, STACK);
	if (b == BLOCK_NONE)
		return b;
	model->blocks[b].mark = NO_KIND;
	if (stacked(own, b))
		append(own, GHOSTS, b);
	return b;
}

static void lirs_left(struct naive *model, block_id b, enum naive_state why)
{
	struct queued *own = model->own;
	if (why != NAIVE_EXPIRED)
		return;
	model->blocks[b].mark = NO_KIND;
	if (own->in[b] >= 0)
		take(own, b);
	if (stacked(own, b))
		unstack(own, b);
	lirs_prune(model);
}

#define QUEUED .open = queued_open, .close = queued_close

const struct naive_policy naive_queued[] = {
    {.name = "clock", QUEUED, .hit = clock_hit, .insert = clock_insert, .choose = clock_choose, .left = queued_left},
    {.name = "sieve", QUEUED, .hit = sieve_hit, .insert = clock_insert, .choose = sieve_choose, .left = sieve_left},
    {.name = "slru", QUEUED, .hit = slru_hit, .insert = slru_insert, .choose = slru_choose, .left = queued_left},
    {.name = "2q", QUEUED, .hit = twoq_hit, .insert = ghost_insert, .choose = twoq_choose, .left = queued_left},
    {.name = "s3fifo", QUEUED, .hit = s3fifo_hit, .insert = ghost_insert, .choose = s3fifo_choose, .left = queued_left},
    {.name = "arc", QUEUED, .hit = arc_hit, .insert = arc_insert, .choose = arc_choose, .left = queued_left},
    {.name = "lirs", QUEUED, .hit = lirs_hit, .insert = lirs_insert, .choose = lirs_choose, .left = lirs_left},
};
const size_t naive_queued_count = COUNT_OF(naive_queued);
