/* tier_config.h - one level of the cache as the user describes it: --tier NAME:SIZE[,key=value...].
 *
 *   evict=SPEC ttl=SPEC                policies of this tier; defaults lru and none
 *   read=RATE write=RATE latency=TIME  the link to it, shared by both directions; defaults: what the calibration measured for a
 *                                      tier of that name, else inf, inf, 0
 *   store=demote|through|second        what is written to it: victims of the tier above (default); every block that is
 *                                      computed, or loaded from further down; or blocks on their second use
 *   promote=always|second|never        whether a hit here brings the block to the first tier for good, for good on its
 *                                      second hit, or for the request only
 *   expired=drop|demote                whether a block past its TTL leaves for the tier below
 *   compress=RATIO inflate=RATE        size of what is stored over the block's own, and how fast it is unpacked
 *   price=DOLLARS/GB-month             what holding costs, for --price
 *   shared=0|1                         1: one for all replicas (--replicas), with one size, one link and one policy; those
 *                                      below it are shared then, too. Each replica has its own otherwise
 *
 * A tier named `archive` is an object store: nothing is evicted into it; a worker writes to it (tiers.h).
 */
#ifndef KVCAST_TIER_CONFIG_H
#define KVCAST_TIER_CONFIG_H

#include "calibration.h"
#include "spec.h"

#define TIER_MOST 8 /* tiers a chain may have */

enum tier_store { TIER_STORE_DEMOTE, TIER_STORE_THROUGH, TIER_STORE_SECOND };
enum tier_promote { TIER_PROMOTE_ALWAYS, TIER_PROMOTE_SECOND, TIER_PROMOTE_NEVER };

struct tier_config {
	char name[24];
	char *capacity; /* as written: blocks, a size in bytes, or inf */
	uint64_t capacity_blocks; /* set once the block size is known */
	struct spec evict, ttl;
	bool evict_given, read_given, write_given, latency_given;
	double read_bytes_per_s, write_bytes_per_s, inflate_bytes_per_s;
	int64_t latency_ns;
	enum tier_store store;
	enum tier_promote promote;
	bool demotes_expired, is_archive, shared;
	double compress_ratio;
	double price_per_gb_month; /* dollars, GB = 10^9 bytes */
};

/* 0, or -1 and a sentence; `text` is what follows --tier. */
int tier_config_parse(struct tier_config *tier, const char *text, struct err *err);
/* Whether all tiers below a shared one are shared, and the first is not: 0, or -1 and a sentence. */
int tier_config_check_shared(const struct tier_config *tiers, uint32_t count, struct err *err);
void tier_config_free(struct tier_config *tier);
/* Gives a link what was measured, where it was not told. */
void tier_config_measured(struct tier_config *tier, const struct calibration *calibration);

#endif
