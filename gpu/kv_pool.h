/* kv_pool.h - which slot of the pool holds what: blocks of tier 0, and what sequences have beside them.
 *
 * Model. The pool has `slots` places of one block each. A slot is free, or a resident block's, or private: one sequence's, for
 * a block that is not full yet, an answer, or what is not to be kept. The engine (backend.h) says whose blocks are whose;
 * this gives them places.
 *
 *   hold      a block that is resident already: the sequence's table shows its slot, and a private one it had there is free
 *             else the private slot the sequence has there becomes the block's, with all that is in it
 *             else the block gets a free slot, to be computed in
 *   place     where the sequence's block is; a private slot is taken where there is none
 *   release   private slots are free; blocks keep theirs
 *   drop      the block's slot is free
 *
 * Invariant: every slot has one owner. The engine reserves what sequences need beside resident blocks, so a slot is always
 * to be had; that there is none is a bug, and asserted.
 */
#ifndef KVCAST_KV_POOL_H
#define KVCAST_KV_POOL_H

#include "path.h"

#define KV_POOL_NONE UINT32_MAX

struct kv_pool;

/* Requests and blocks are the trace's. */
struct kv_pool *kv_pool_open(uint32_t slots, uint32_t block_count, uint32_t request_count);
void kv_pool_close(struct kv_pool *pool);

void kv_pool_hold(struct kv_pool *pool, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place);
uint32_t kv_pool_place(struct kv_pool *pool, uint32_t request, uint32_t place);
/* Private slots from block `place` on are free. */
void kv_pool_trim(struct kv_pool *pool, uint32_t request, uint32_t place);
void kv_pool_release(struct kv_pool *pool, uint32_t request);
void kv_pool_drop(struct kv_pool *pool, block_id b);

/* KV_POOL_NONE where b is not resident. */
uint32_t kv_pool_slot(const struct kv_pool *pool, block_id b);
/* Slots in use. */
uint32_t kv_pool_used(const struct kv_pool *pool);
/* Asserts that every slot has exactly one owner; used[slot]: whether that is a block or a sequence. Walks over everything:
 * for tests. */
void kv_pool_check(const struct kv_pool *pool, bool *used);

#endif
