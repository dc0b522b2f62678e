/* blocks_csv.h - the blocks as a run leaves them: one row for every resident block of every tier, for --dump-blocks.
 *
 * block,inserted_at,ttl_s,deadline,last_accessed,access_count,score,tier
 *
 *   block          its number, as they first appear in the trace file, from 0
 *   inserted_at    ms of the run's clock, as timestamps of the trace; so are the other times. The present stay's
 *   ttl_s          the TTL it was last given; empty without a limit
 *   deadline       when its time is over as things stand, coherence included (a parent's may lie beyond its own TTL); empty
 *                  if never. One before the last event belongs to a block in use, or kept past its pin by expire=unpin
 *   last_accessed  its last hit, or its insertion
 *   access_count   hits since it was inserted
 *   score          what the eviction policy ranks it by; empty where that is no single number
 *   tier           which one holds it; a block that several hold has a row for each
 *
 * Rows stand by tier, then by block. Blocks that have left are not in it: the ledger and --requests tell of those.
 * All calls but open accept NULL and then do nothing.
 */
#ifndef KVCAST_BLOCKS_CSV_H
#define KVCAST_BLOCKS_CSV_H

#include "cache.h"
#include "output.h"

struct blocks_csv;

struct blocks_csv *blocks_csv_open(const char *path, struct err *err);
/* The cache was opened with config.history. */
void blocks_csv_rows(struct blocks_csv *csv, const char *tier, const struct cache *cache);
/* Both free it. -1 and a sentence where the rows did not reach the disk. */
int blocks_csv_commit(struct blocks_csv *csv, struct err *err);
void blocks_csv_abort(struct blocks_csv *csv);

#endif
