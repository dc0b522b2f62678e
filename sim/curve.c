#include "curve.h"

#include "replay.h"
#include "stack.h"

#include <math.h>
#include <stdlib.h>

/* What hits gain at each of `length` values of the axis from `at` on. */
struct piece {
	uint64_t at, length;
	struct reuse_weight gain; /* whole numbers of blocks and tokens, unless the reuses are a sample's */
};

struct mark {
	uint64_t at;
	uint64_t what; /* index of a piece, or a number of blocks */
};

struct marks {
	struct mark *all;
	size_t count, room, next;
};

struct curve {
	enum curve_axis axis;
	struct curve_totals totals;
	struct piece *pieces; /* by `at` */
	size_t count, room;
	struct marks ends;    /* of pieces */
	/* Residency is linear between these: what[] blocks stay longer, or come to stay, from `at` on; and no longer. */
	struct marks stays, leaves;
	int64_t span_ns;

	/* The walk. */
	size_t next_piece;
	struct piece active; /* sums of those that hold */
	struct curve_point point;
	struct reuse_weight hits; /* its */
	u128 resident;
	uint64_t staying;
	bool started;
};

/* What grows with C under lru: the time that the cache has had so many distinct blocks to hold. */
struct growth {
	int64_t first_ns, last_ns; /* counted */
	struct curve *curve;
	uint64_t blocks;
};

static void add_mark(struct marks *marks, uint64_t at, uint64_t what)
{
	if (marks->count == marks->room) {
		marks->room = marks->room ? marks->room * 2 : 1024;
		marks->all = mem_grow(marks->all, marks->room, sizeof(*marks->all));
	}
	marks->all[marks->count++] = (struct mark){at, what};
}

static void add_piece(struct curve *curve, const struct piece *piece)
{
	if (curve->count == curve->room) {
		curve->room = curve->room ? curve->room * 2 : 1024;
		curve->pieces = mem_grow(curve->pieces, curve->room, sizeof(*curve->pieces));
	}
	curve->pieces[curve->count++] = *piece;
}

static int by_piece_at(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

static int by_mark_at(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

static void sort_marks(struct marks *marks)
{
	if (marks->count)
		qsort(marks->all, marks->count, sizeof(*marks->all), by_mark_at);
}

static void sort(struct curve *curve)
{
	if (curve->count)
		qsort(curve->pieces, curve->count, sizeof(*curve->pieces), by_piece_at);
	for (size_t i = 0; i < curve->count; i++)
		add_mark(&curve->ends, curve->pieces[i].at + curve->pieces[i].length, i);
	sort_marks(&curve->ends);
	sort_marks(&curve->stays);
	sort_marks(&curve->leaves);
}

static struct reuse_weight weigh(struct reuse_gain gain)
{
	return (struct reuse_weight){(double)gain.blocks, (double)gain.tokens, gain.share};
}

/* What hits on these blocks of the stretch stand for. */
static struct reuse_weight gain_of(const struct reuse *reuse, const struct reuse_stretch *stretch, uint32_t depth, uint32_t count)
{
	struct reuse_weight gain = weigh(reuse_gain(reuse->trace, stretch->request, depth, count));
	if (stretch->in_tree) {
		gain.blocks *= reuse->sample->weight.blocks;
		gain.tokens *= reuse->sample->weight.tokens;
		gain.share *= reuse->sample->weight.share;
	}
	return gain;
}

/* In ranks: a gain at every capacity from rank + 1 on; a partial tail stands for itself. */
static void add_ranks(struct curve *curve, const struct reuse *reuse, const struct reuse_stretch *stretch)
{
	const struct trace *trace = reuse->trace;
	const uint64_t end = (stretch->depth + (uint64_t)stretch->count) * trace->block_tokens;
	const uint32_t partial = end > trace->requests[stretch->request].prompt_tokens;
	const uint32_t whole = stretch->count - partial;
	if (whole)
		add_piece(curve, &(struct piece){stretch->rank + 1, whole, gain_of(reuse, stretch, stretch->depth, 1)});
	if (partial)
		add_piece(curve, &(struct piece){stretch->rank + stretch->count, 1, gain_of(reuse, stretch, stretch->depth + whole, 1)});
}

static bool belongs(const struct trace *trace, const struct curve_group *group, uint32_t request)
{
	switch (group->kind) {
	case CURVE_ALL:
		break;
	case CURVE_CLASS:
		return trace->requests[request].class_id == group->which;
	case CURVE_TURN:
		return trace->requests[request].turn == group->which;
	}
	return true;
}

static void count_request(struct curve_totals *totals, const struct trace_request *request, uint32_t path_blocks)
{
	totals->requests++;
	totals->blocks += path_blocks;
	totals->prompt_tokens += request->prompt_tokens;
}

/* The `new_blocks` blocks that a request brings are what a cache with room for more than all before holds besides. */
static void grow(struct growth *growth, int64_t now_ns, uint64_t new_blocks)
{
	const int64_t from_ns = now_ns > growth->first_ns ? now_ns : growth->first_ns;
	const uint64_t held_ns = (uint64_t)(growth->last_ns - from_ns);
	if (new_blocks == 0)
		return;
	/* Marks of the capacity axis count time, not blocks. */
	add_mark(&growth->curve->stays, growth->blocks, held_ns);
	growth->blocks += new_blocks;
	add_mark(&growth->curve->leaves, growth->blocks, held_ns);
}

static void add_stay(struct curve *curve, int64_t counted_from_ns, int64_t born_ns, int64_t stay_ns, uint64_t blocks)
{
	const int64_t skipped_ns = counted_from_ns > born_ns ? counted_from_ns - born_ns : 0;
	if (blocks == 0 || stay_ns <= skipped_ns)
		return;
	add_mark(&curve->stays, (uint64_t)skipped_ns, blocks);
	add_mark(&curve->leaves, (uint64_t)stay_ns, blocks);
}

/* How long blocks would be there, by TTL: from each use to the next, or to the end. */
static void add_stays(struct curve *curve, const struct reuse *reuse, int64_t first_ns, int64_t last_ns)
{
	for (size_t i = 0; i < reuse->count; i++) {
		const struct reuse_stretch *stretch = &reuse->stretches[i];
		add_stay(curve, first_ns, reuse->arrival_ns[stretch->from], stretch->gap_ns,
		         reuse_stand_for(reuse, stretch->request, stretch->depth, stretch->depth + stretch->count));
	}
	for (uint32_t r = 0; r < reuse->trace->request_count; r++) {
		const uint32_t path_blocks = reuse->path_blocks[r];
		add_stay(curve, first_ns, reuse->arrival_ns[r], last_ns - reuse->arrival_ns[r],
		         reuse_stand_for(reuse, r, path_blocks - reuse->left_blocks[r], path_blocks));
	}
}

struct curve *curve_open(const struct reuse *reuse, enum curve_axis axis, struct curve_group group)
{
	const struct trace *trace = reuse->trace;
	struct curve *curve = mem_alloc(1, sizeof(*curve));
	const uint32_t first = reuse_first_counted(trace, reuse->config), count = trace->request_count;
	const int64_t last_ns = count ? reuse->arrival_ns[count - 1] : 0;
	const int64_t first_ns = first < count ? reuse->arrival_ns[first] : last_ns;
	struct growth growth = {first_ns, last_ns, curve, 0};
	curve->axis = axis;
	curve->span_ns = last_ns - first_ns;
	size_t at = 0;
	for (uint32_t r = 0; r < count; r++) {
		const bool counts = r >= first && belongs(trace, &group, r);
		const struct trace_request *request = &trace->requests[r];
		uint32_t known = 0;
		if (counts)
			count_request(&curve->totals, request, replay_path(trace, request, reuse->config->tail_cached).block_count);
		for (; at < reuse->count && reuse->stretches[at].request == r; at++) {
			const struct reuse_stretch *stretch = &reuse->stretches[at];
			known += stretch->count;
			if (counts && axis == CURVE_CAPACITY) {
				add_ranks(curve, reuse, stretch);
			} else if (counts) {
				const struct reuse_weight gain = gain_of(reuse, stretch, stretch->depth, stretch->count);
				add_piece(curve, &(struct piece){(uint64_t)stretch->gap_ns, 1, gain});
			}
		}
		if (axis == CURVE_CAPACITY)
			grow(&growth, reuse->arrival_ns[r], reuse_stand_for(reuse, r, known, reuse->path_blocks[r]));
	}
	if (axis == CURVE_TTL)
		add_stays(curve, reuse, first_ns, last_ns);
	sort(curve);
	curve_rewind(curve);
	return curve;
}

/* Gains are gathered by rank before they become pieces, as most ranks come up again and again. */
static void use_objects(struct stack *stack, const struct trace *trace, uint32_t request, struct path path, bool counts,
                        struct reuse_gain *gains, uint64_t *new_blocks)
{
	struct trace_run run;
	uint32_t depth = 0;
	for (struct path_walk walk = path_forward(path, 0); path_next(&walk, &run);) {
		for (uint32_t i = 0; i < run.count; i++, depth++) {
			const uint32_t rank = stack_use(stack, run.first + i);
			if (rank == STACK_NEVER) {
				++*new_blocks;
			} else if (counts) {
				const struct reuse_gain gain = reuse_gain(trace, request, depth, 1);
				gains[rank].blocks++;
				gains[rank].tokens += gain.tokens;
				gains[rank].share += gain.share;
			}
		}
	}
}

struct curve *curve_open_objects(const struct trace *trace, const struct run_config *config)
{
	struct curve *curve = mem_alloc(1, sizeof(*curve));
	const uint32_t first = reuse_first_counted(trace, config), count = trace->request_count;
	const int64_t last_ns = count ? replay_sped_up_ns(config, trace->requests[count - 1].arrival_ns) : 0;
	const int64_t first_ns = first < count ? replay_sped_up_ns(config, trace->requests[first].arrival_ns) : last_ns;
	struct growth growth = {first_ns, last_ns, curve, 0};
	struct reuse_gain *gains = mem_alloc(trace->block_count, sizeof(*gains));
	struct stack *stack = stack_open(trace->block_count);
	curve->axis = CURVE_CAPACITY;
	curve->span_ns = last_ns - first_ns;
	for (uint32_t r = 0; r < count; r++) {
		const struct path path = replay_path(trace, &trace->requests[r], config->tail_cached);
		uint64_t new_blocks = 0;
		if (r >= first)
			count_request(&curve->totals, &trace->requests[r], path.block_count);
		use_objects(stack, trace, r, path, r >= first, gains, &new_blocks);
		grow(&growth, replay_sped_up_ns(config, trace->requests[r].arrival_ns), new_blocks);
	}
	for (uint32_t rank = 0; rank < trace->block_count; rank++) {
		if (gains[rank].blocks)
			add_piece(curve, &(struct piece){(uint64_t)rank + 1, 1, weigh(gains[rank])});
	}
	stack_close(stack);
	free(gains);
	sort(curve);
	curve_rewind(curve);
	return curve;
}

void curve_close(struct curve *curve)
{
	if (!curve)
		return;
	free(curve->pieces);
	free(curve->ends.all);
	free(curve->stays.all);
	free(curve->leaves.all);
	free(curve);
}

const struct curve_totals *curve_totals(const struct curve *curve)
{
	return &curve->totals;
}

void curve_rewind(struct curve *curve)
{
	curve->next_piece = curve->ends.next = curve->stays.next = curve->leaves.next = 0;
	curve->active = (struct piece){0};
	curve->point = (struct curve_point){0};
	curve->hits = (struct reuse_weight){0};
	curve->resident = 0;
	curve->staying = 0;
	curve->started = false;
}

static uint64_t next_mark(const struct marks *marks)
{
	return marks->next < marks->count ? marks->all[marks->next].at : UINT64_MAX;
}

/* Brings the residency integral from the point before to `at`. */
static void stay_until(struct curve *curve, uint64_t at)
{
	uint64_t from = curve->point.at;
	while (from < at) {
		while (next_mark(&curve->stays) <= from)
			curve->staying += curve->stays.all[curve->stays.next++].what;
		while (next_mark(&curve->leaves) <= from)
			curve->staying -= curve->leaves.all[curve->leaves.next++].what;
		uint64_t to = smaller(at, next_mark(&curve->stays));
		to = smaller(to, next_mark(&curve->leaves));
		curve->resident += (u128)curve->staying * (to - from);
		from = to;
	}
}

/* A piece begins to hold, or holds no more; `length` of a sum counts pieces. */
static void sum_piece(struct piece *sum, const struct piece *piece, bool holds)
{
	const double sign = holds ? 1 : -1;
	sum->length += holds ? 1 : UINT64_MAX;
	sum->gain.blocks += sign * piece->gain.blocks;
	sum->gain.tokens += sign * piece->gain.tokens;
	sum->gain.share += sign * piece->gain.share;
}

bool curve_next(struct curve *curve, struct curve_point *point)
{
	const uint64_t first = curve->axis == CURVE_CAPACITY ? 1 : 0;
	uint64_t at = curve->started ? curve->point.at + 1 : first;
	for (;;) {
		for (; next_mark(&curve->ends) <= at; curve->ends.next++)
			sum_piece(&curve->active, &curve->pieces[curve->ends.all[curve->ends.next].what], false);
		for (; curve->next_piece < curve->count && curve->pieces[curve->next_piece].at == at; curve->next_piece++)
			sum_piece(&curve->active, &curve->pieces[curve->next_piece], true);
		if (curve->active.length > 0 || !curve->started)
			break;
		if (curve->next_piece == curve->count)
			return false;
		at = curve->pieces[curve->next_piece].at;
	}
	stay_until(curve, at);
	curve->started = true;
	curve->point.at = at;
	curve->hits.blocks += curve->active.gain.blocks;
	curve->hits.tokens += curve->active.gain.tokens;
	curve->hits.share += curve->active.gain.share;
	curve->point.hit_blocks = (uint64_t)llround(curve->hits.blocks);
	curve->point.hit_tokens = (uint64_t)llround(curve->hits.tokens);
	curve->point.request_hits = curve->hits.share;
	curve->point.mean_resident_blocks = curve->span_ns ? (double)curve->resident / (double)curve->span_ns : 0;
	*point = curve->point;
	return true;
}
