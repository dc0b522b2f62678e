/* step_log.h - every step of a replay as a row of a CSV, to see where a forecast of steps is off, and after what.
 *
 *   step,start_ms,took_ms,rest_ms,sequences,new_tokens,distinct_keys,repeated_keys,parts
 *
 * start_ms is the engine's clock. rest_ms is the true time between the end of the step before and the beginning of this one, which
 * a replay that skips idle gaps makes shorter than the engine's clock says; 0 for the first. distinct_keys counts the tokens in
 * memory that the step's parts attend to, those of shared blocks once; repeated_keys those that its decodes attend to, for each decode
 * that does, less once. `parts` lists the sequences: "512@16384 1@9000" computes 512
 * new tokens after 16,384, and one after 9,000.
 */
#ifndef KVCAST_STEP_LOG_H
#define KVCAST_STEP_LOG_H

#include "err.h"
#include "step_batch.h"

struct step_log;

/* `slots`: how many the pool has; `model`: its name, for the note "# model: llama-3.1-8b" above the header. NULL and a sentence. */
struct step_log *step_log_open(const char *path, const char *model, uint32_t slots, uint32_t block_tokens, struct err *err);
/* Accepts NULL. begin_ns and end_ns are of one clock that never goes back. */
void step_log_add(struct step_log *log, const struct step_batch *batch, int64_t engine_ns, int64_t begin_ns, int64_t end_ns);
/* Both free it, and accept NULL. */
int step_log_commit(struct step_log *log, struct err *err);
void step_log_abort(struct step_log *log);

#endif
