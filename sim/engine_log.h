/* engine_log.h - the event log of --events: one JSON object a line, in order of time, enough to follow every request. With
 * several replicas every line ends with whose it is: "replica": 0.
 *
 *   {"ms": 12.5, "event": "admit", "request": 3, "tokens": 2048, "took_ms": 4.5}
 *
 * event     tokens                          took_ms
 * arrive    prompt                          -
 * admit     hit in the first tier           waited since arrival
 * load      coming from lower tiers         until they are there
 * loaded    in memory now                   -
 * step      computed in it                  its duration (with "sequences" that ran and "steps", not "request")
 * first     prompt                          since arrival (TTFT)
 * finish    answer                          since arrival (E2E)
 * preempt   lost                            -
 * reject    prompt                          -
 * archive   blocks uploaded, as "tokens"    -   ("request" is -1)
 * cut       in what is left of the step     its duration so far (as "step"; only with several replicas: the stretch of steps
 *                                           under way there is to end after "steps" of them, in all)
 * and for blocks of lower tiers, with "tier", "block", "count": store, demote, archive, load, drop
 *
 * All calls accept a NULL log and then do nothing.
 */
#ifndef KVCAST_ENGINE_LOG_H
#define KVCAST_ENGINE_LOG_H

#include "base.h"
#include "err.h"

struct engine_log;

struct engine_log *engine_log_open(const char *path, struct err *err);
void engine_log_event(struct engine_log *log, int64_t now_ns, const char *event, int64_t request, uint64_t tokens,
                      int64_t took_ns);
void engine_log_step(struct engine_log *log, int64_t now_ns, uint32_t sequences, uint64_t steps, uint64_t tokens,
                     int64_t took_ns);
void engine_log_blocks(struct engine_log *log, int64_t now_ns, const char *event, const char *tier, uint32_t block,
                       uint32_t count);
/* The same of a stretch that ends early. */
void engine_log_cut(struct engine_log *log, int64_t now_ns, uint32_t sequences, uint64_t steps, uint64_t tokens,
                    int64_t took_ns);
/* The lines that follow are about this replica. */
void engine_log_replica(struct engine_log *log, uint32_t replica);
/* Both free it. */
int engine_log_commit(struct engine_log *log, struct err *err);
void engine_log_abort(struct engine_log *log);

#endif
