#include "golden_kinds.h"

#include "bill.h"
#include "curve.h"
#include "replay.h"
#include "surface.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Costs that grow with the place in the prompt, for policies that weigh them; nothing else here is about time. */
static const struct calibration calibration = {
        .terms = {[TERM_ROWS] = CALIBRATION_LINE(23270), [TERM_PAIRS] = CALIBRATION_LINE(1.165)}};

static uint64_t rounded(double value, double parts)
{
	return (uint64_t)llround(value * parts);
}

static int word(bool *is, const char *cell, const char *yes, const char *no, struct err *err)
{
	*is = strcmp(cell, yes) == 0;
	if (!*is && strcmp(cell, no) != 0)
		return err_set(err, "%s: expected %s or %s.", cell, yes, no);
	return 0;
}

static uint64_t capacity(const char *cell)
{
	return strcmp(cell, "inf") == 0 ? UINT64_MAX : strtoull(cell, NULL, 10);
}

/* --- runs --- */

enum {
	RUN_TRACE,
	RUN_SEMANTICS,
	RUN_SCOPE,
	RUN_EVICT,
	RUN_TTL,
	RUN_CAPACITY,
	RUN_PARTIAL_TAIL,
	RUN_RECOMPUTE_LAST,
	RUN_KEYS,
	RUN_BLOCKS = RUN_KEYS,
	RUN_HIT_BLOCKS,
	RUN_MISS_BLOCKS,
	RUN_BLOCK_HIT_E6, /* rates in millionths, rounded */
	RUN_HIT_TOKENS,
	RUN_TOKEN_HIT_E6,
	RUN_EVICTED_BLOCKS,
	RUN_EXPIRED_BLOCKS,
	RUN_FULL_HIT_REQUESTS,
	RUN_RESIDENT_E1, /* time mean of resident blocks in tenths, rounded */
	RUN_COLUMNS = RUN_RESIDENT_E1 + 2,
};

static int run(const struct trace *trace, char *const *cells, uint64_t *got, struct err *err)
{
	bool object, recompute_last;
	struct spec evict, ttl;
	struct run_config config = {
	        .evict = &evict,
	        .ttl = &ttl,
	        .capacity_blocks = capacity(cells[RUN_CAPACITY]),
	        .speed = 1,
	        .seed = 1,
	        .calibration = &calibration,
	};
	struct run_result result;
	if (word(&object, cells[RUN_SEMANTICS], "object", "prefix", err) < 0 ||
	    word(&config.leaf, cells[RUN_SCOPE], "leaf", "flat", err) < 0 ||
	    word(&config.tail_cached, cells[RUN_PARTIAL_TAIL], "cache", "skip", err) < 0 ||
	    word(&recompute_last, cells[RUN_RECOMPUTE_LAST], "1", "0", err) < 0 || spec_parse(&evict, cells[RUN_EVICT], err) < 0)
		return -1;
	config.semantics = object ? SEMANTICS_OBJECT : SEMANTICS_PREFIX;
	config.recompute_last = recompute_last;
	if (spec_parse(&ttl, cells[RUN_TTL], err) < 0 || replay_run(trace, &config, &result, err) < 0)
		return -1;
	const struct metrics_group *total = metrics_total(result.metrics);
	got[RUN_BLOCKS] = total->blocks;
	got[RUN_HIT_BLOCKS] = total->hit_blocks;
	got[RUN_MISS_BLOCKS] = total->blocks - total->hit_blocks;
	got[RUN_BLOCK_HIT_E6] = rounded(metrics_block_hit_rate(total), 1e6);
	got[RUN_HIT_TOKENS] = total->ledger.hit_tokens;
	got[RUN_TOKEN_HIT_E6] = rounded(metrics_token_hit_rate(total), 1e6);
	got[RUN_EVICTED_BLOCKS] = result.counts.evicted_blocks;
	got[RUN_EXPIRED_BLOCKS] = result.counts.expired_blocks;
	got[RUN_FULL_HIT_REQUESTS] = total->full_hit_requests;
	got[RUN_RESIDENT_E1] = rounded(result.mean_resident_blocks, 10);
	replay_free(&result);
	spec_free(&evict);
	spec_free(&ttl);
	return 0;
}

/* --- points of curves --- */

enum {
	CURVE_TRACE,
	CURVE_TTL_AT,
	CURVE_CAPACITY_AT,
	CURVE_KEYS,
	CURVE_BLOCKS = CURVE_KEYS,
	CURVE_HIT_BLOCKS,
	CURVE_BLOCK_HIT_E6,
	CURVE_HIT_TOKENS,
	CURVE_RESIDENT_E1,
	CURVE_COLUMNS = CURVE_RESIDENT_E1 + 2,
};

/* The hits of the last point at or below `at`. */
static struct curve_point on_curve(const struct reuse *reuse, enum curve_axis axis, uint64_t at, uint64_t *blocks)
{
	struct curve *curve = curve_open(reuse, axis, (struct curve_group){CURVE_ALL, 0});
	struct curve_point point = {0}, next;
	while (curve_next(curve, &next) && next.at <= at)
		point = next;
	*blocks = curve_totals(curve)->blocks;
	curve_close(curve);
	return point;
}

/* A curve where one of TTL and capacity has no limit, and the surface, which has to agree, everywhere. */
static int run_curve(const struct trace *trace, char *const *cells, uint64_t *got, struct err *err)
{
	const struct run_config config = {.leaf = true, .tail_cached = true, .speed = 1, .calibration = &calibration};
	const uint64_t capacity_blocks = capacity(cells[CURVE_CAPACITY_AT]);
	int64_t ttl_ns;
	if (units_duration(cells[CURVE_TTL_AT], &ttl_ns, err) < 0)
		return -1;
	struct reuse *reuse = reuse_open(trace, &config, NULL);
	struct surface_point surface;
	surface_points(reuse, &ttl_ns, 1, &capacity_blocks, 1, &surface);
	const bool over_ttl = capacity_blocks == UINT64_MAX, over_capacity = ttl_ns == TIME_NEVER_NS;
	struct curve_point point = surface.hits, other = surface.hits;
	got[CURVE_BLOCKS] = replay_references(trace, true);
	if (over_ttl)
		point = on_curve(reuse, CURVE_TTL, (uint64_t)ttl_ns, &got[CURVE_BLOCKS]);
	if (over_capacity)
		other = on_curve(reuse, CURVE_CAPACITY, capacity_blocks, &got[CURVE_BLOCKS]);
	reuse_close(reuse);
	if (over_capacity && !over_ttl)
		point = other;
	if (point.hit_blocks != surface.hits.hit_blocks || point.hit_tokens != surface.hits.hit_tokens ||
	    other.hit_blocks != surface.hits.hit_blocks)
		return err_set(err, "the curve and the surface disagree at %s, %s.", cells[CURVE_TTL_AT], cells[CURVE_CAPACITY_AT]);
	got[CURVE_HIT_BLOCKS] = point.hit_blocks;
	got[CURVE_BLOCK_HIT_E6] = rounded((double)point.hit_blocks / (double)got[CURVE_BLOCKS], 1e6);
	got[CURVE_HIT_TOKENS] = point.hit_tokens;
	got[CURVE_RESIDENT_E1] = rounded(surface.hits.mean_resident_blocks, 10);
	return 0;
}

/* --- bills --- */

enum {
	BILL_TRACE,
	BILL_PROVIDER,
	BILL_KEYS,
	BILL_READ_TOKENS = BILL_KEYS,
	BILL_WRITTEN_TOKENS,
	BILL_PLAIN_TOKENS,
	BILL_INPUT_E4, /* dollars in hundredths of a cent, rounded; input is all but answers */
	BILL_OUTPUT_E4,
	BILL_UNCACHED_INPUT_E4,
	BILL_COLUMNS = BILL_UNCACHED_INPUT_E4 + 2,
};

static int run_bill(const struct trace *trace, char *const *cells, uint64_t *got, struct err *err)
{
	const struct run_config config = {.leaf = true, .tail_cached = true, .speed = 1, .calibration = &calibration};
	struct spec spec;
	struct provider provider;
	struct bill bill;
	if (spec_parse(&spec, cells[BILL_PROVIDER], err) < 0 || provider_load(&provider, &spec, err) < 0 ||
	    bill_make(trace, &config, &provider, &bill, err) < 0)
		return -1;
	provider_free(&provider);
	spec_free(&spec);
	got[BILL_READ_TOKENS] = bill.read_tokens;
	got[BILL_WRITTEN_TOKENS] = bill.written_tokens;
	got[BILL_PLAIN_TOKENS] = bill.plain_tokens;
	got[BILL_INPUT_E4] = rounded(bill_input_dollars(&bill), 1e4);
	got[BILL_OUTPUT_E4] = rounded(bill.output_dollars, 1e4);
	got[BILL_UNCACHED_INPUT_E4] = rounded(bill.uncached_input_dollars, 1e4);
	return 0;
}

const struct golden_kind golden_kinds[] = {
        {"trace,semantics,scope,evict,ttl,capacity_blocks,partial_tail,recompute_last,blocks,hit_blocks,miss_blocks,"
         "block_hit_e6,hit_tokens,token_hit_e6,evicted_blocks,expired_blocks,full_hit_requests,resident_e1,source",
         RUN_KEYS, RUN_COLUMNS, run},
        {"trace,curve_ttl,curve_capacity_blocks,blocks,hit_blocks,block_hit_e6,hit_tokens,resident_e1,source", CURVE_KEYS,
         CURVE_COLUMNS, run_curve},
        {"trace,provider,read_tokens,written_tokens,plain_tokens,input_e4,output_e4,uncached_input_e4,source", BILL_KEYS,
         BILL_COLUMNS, run_bill},
};
const size_t golden_kind_count = COUNT_OF(golden_kinds);
