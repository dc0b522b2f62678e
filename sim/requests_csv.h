/* requests_csv.h - the per-request CSV: one row for every counted request, in order of service.
 *
 * The columns are the same whatever produced them (prediction or measurement), so that two files can be compared:
 * request,arrival_ms,session,turn,class,prompt_tokens,output_tokens,hit_tokens,hit_<tier>_tokens...,queue_ms,load_ms,
 * prefill_ms,ttft_ms,e2e_ms,run. `request` is the place in the trace file, from 0. Times in ms to the nanosecond. `run` says
 * in the first row what ran, so that what cannot be compared is not, and is empty in all others:
 * source=predicted|trace=NAME|checksum=...|block=16|capacity=...|kv_bytes=...|engine=...|evict=...|ttl=...|...
 * With several replicas a last column, replica, says which one served the request.
 */
#ifndef KVCAST_REQUESTS_CSV_H
#define KVCAST_REQUESTS_CSV_H

#include "output.h"
#include "run_config.h"

struct requests_csv;

/* `config` names the tiers; it and the trace must outlive the file. */
struct requests_csv *requests_csv_open(const char *path, const struct trace *trace, const struct run_config *config,
                                       struct err *err);
/* Has the signature of run_config.on_request. */
void requests_csv_row(void *csv, const struct trace_request *request, int64_t arrival_ns,
                      const struct request_outcome *outcome);
/* Both free it, and accept NULL. -1 and a sentence where the rows did not reach the disk. */
int requests_csv_commit(struct requests_csv *csv, struct err *err);
void requests_csv_abort(struct requests_csv *csv);

#endif
