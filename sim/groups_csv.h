/* groups_csv.h - a run by class, by turn and by session: a CSV with a row for every group (--groups).
 *
 * kind (class, turn, session), name, requests, prompt_tokens, hit_tokens, token_hit_rate, hit_<tier>_tokens...,
 * output_tokens, ttft_ms_{mean,p50,p90,p95,p99,max}, queue_ms_mean, load_ms_mean, prefill_ms_mean,
 * e2e_ms_{mean,p50,p90,p95,p99,max}
 *
 * A request of no class is in no row of that kind, one of no session in no turn's or session's either. Late turns share a
 * row, "20+". Groups nobody was counted in have no row. Percentiles as in metrics.h.
 */
#ifndef KVCAST_GROUPS_CSV_H
#define KVCAST_GROUPS_CSV_H

#include "output.h"
#include "run_config.h"

#define GROUPS_CSV_LAST_TURN 20 /* this one and all after it are one group */

struct groups_csv;

/* `config` names the tiers; it and the trace must outlive the file. */
struct groups_csv *groups_csv_open(const char *path, const struct trace *trace, const struct run_config *config,
                                   struct err *err);
/* Has the signature of run_config.on_request. */
void groups_csv_row(void *csv, const struct trace_request *request, int64_t arrival_ns,
                    const struct request_outcome *outcome);
/* Both free it, and accept NULL. -1 and a sentence where the rows did not reach the disk. */
int groups_csv_commit(struct groups_csv *csv, struct err *err);
void groups_csv_abort(struct groups_csv *csv);

#endif
