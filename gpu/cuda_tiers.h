/* cuda_tiers.h - the tiers below the GPU as what they are: host memory, a disk, an archive.
 *
 * Model. A tier's name says what it is: `host` is pinned memory, `disk` a file in one folder, `archive` objects in another.
 * Tier 0 is the model's pool. Blocks are known by their keys (prompt_tokens.h). Between pool and host memory a block goes over
 * the bus as it is; between the pool and a disk or an archive it passes through pinned buffers, loads in two halves, so that
 * one is read while the other is copied. A call returns when all is done, but for stores.
 *
 * Stores from the pool to host memory are only begun, so that a prompt's many victims cross the bus in one stream. They are
 * waited for by the next load, by whatever reads or writes host memory, and before the next step (cuda_tiers_settle), which
 * may write the blocks that they come from.
 *
 * Stores to a disk or an archive return when the block has left where it comes from: it is written from memory of its own
 * (tier_queue.h), so that a medium that is fast only with many blocks at a time gets as many, and steps are computed meanwhile.
 * Such a store takes as long as a copy, and where the queue is full as long as a write at the medium's full speed. What is done
 * with a block that is still on its way waits for it, and a load may find the medium busy with others.
 *
 * So what a store does not say of its time, a load that follows at once does: the engine, which books both on one link
 * (backend.h), misses nothing but what was written while nobody waited, and what a step that follows at once waits for before it
 * begins, which no clock counts. Neither does it see as the link's busy time.
 *
 * What a medium refuses - damaged, short, expired, foreign, no space - is not there: a load says so, and the engine computes.
 */
#ifndef KVCAST_CUDA_TIERS_H
#define KVCAST_CUDA_TIERS_H

#include "llama.h"
#include "tier_archive.h"
#include "tier_config.h"

struct cuda_tiers;

struct cuda_tiers_options {
	const struct tier_config *tiers; /* [0] is the pool's */
	uint32_t tier_count;
	uint32_t most_blocks; /* no tier will hold more */
	const char *disk_folder, *archive_folder; /* NULL where there is no such tier */
	const char *weights; /* says which model and weights, for the archive's sidecars */
	uint32_t block_tokens;
	int64_t (*date_ns)(void); /* the clock that all who share the archive have */
};

/* 0; or -1 and a sentence for a tier of another name, or one without its folder. Needs no device. */
int cuda_tiers_check(const struct cuda_tiers_options *options, struct err *err);
/* NULL and a sentence for memory, a folder or space that is not to be had. The model outlives it. */
struct cuda_tiers *cuda_tiers_open(const struct llama *llama, const struct cuda_tiers_options *options, struct err *err);
/* Waits for what is still being written. */
void cuda_tiers_close(struct cuda_tiers *tiers);

/* `slot` is the block's in the pool, where it comes from there. */
void cuda_tiers_store(struct cuda_tiers *tiers, uint32_t from_tier, uint32_t tier, struct tier_io_key key, uint32_t slot);
/* False where not all of them came whole. */
bool cuda_tiers_load(struct cuda_tiers *tiers, uint32_t tier, const struct tier_io_key *keys, const uint32_t *slots,
                     uint32_t count);
void cuda_tiers_drop(struct cuda_tiers *tiers, uint32_t tier, struct tier_io_key key);
/* Before a step: returns when no block of the pool is being read. */
void cuda_tiers_settle(struct cuda_tiers *tiers);
/* The engine's clock skips `ns`: what is on its way gets on as it would have in that time, or a block further. */
void cuda_tiers_skip(struct cuda_tiers *tiers, int64_t ns);

#endif
