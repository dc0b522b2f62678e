/* engine.h - requests that take time: arrivals, queueing, batched steps, loads from lower tiers, answers.
 *
 * Model (continuous batching as in vLLM v1; POLICIES A1, A3). A step computes at most `step_tokens` tokens for at most
 * `most_running` sequences: first those that run, in order of admission (one token each that decodes, a chunk each whose
 * prompt is not done), then waiting ones, first come, first served. A sequence is admitted when all that is known of it
 * (its prompt; after a preemption the answer so far as well) has room beside its prefix hit, which it pins; it gets blocks
 * as its tokens are computed. When blocks run out, the last in line that has memory already gives up all of it, or else the
 * latest admitted sequence that runs, which waits in its old place to be computed again; nobody is admitted in that step.
 * The step that completes a prompt gives the first token.
 * Sources: vLLM scheduler.py and kv_cache_manager.py (scheduler_reserve_full_isl, PR #37307; before it the first chunk was
 * all that had to fit; SGLang asks for the whole prompt too), with its default watermark of 0. SGLang besides
 * keeps room back for the answers of those that run (new_token_ratio), and preempts the one with the shortest answer so far
 * (schedule_batch.py, retract_decode); neither is modelled.
 *
 * A hit that continues in lower tiers is loaded first, if that is decided to be worth it (run_config.load); meanwhile
 * others run. Its memory is taken at once, out of what those that have begun do not need to get to their first token. A
 * loaded sequence goes on from there.
 *
 * Only full blocks are kept; of a prompt at most floor((prompt - 1) / B) blocks hit. Where the trace shows which blocks an
 * answer fills (its tokens, or the next turn's ids) they are kept too, from the end of the answer on.
 *
 * Stretches in which only decodes run are one event: as many steps as fit before anything else can happen. Memory is got,
 * and blocks expire and move, at the same times as step by step.
 *
 * Time. Events of equal time are handled in order: recorded arrivals, then by when they were put in; a step starts after
 * all of them. Little's law (integral of requests in the system = sum of their stays) is asserted on every run.
 *
 * Who found no room is tried again when something has happened that could have made some: an arrival, a load's end, a chunk
 * of a prompt, an answer's end, a preemption, a round of the archive's worker; and where shielded blocks (hard=1) are all
 * that stands in the way, when a shield ends. Growing answers make no room, so a stretch of them stays one event.
 *
 * Several replicas (run_config.replicas) are as many such schedulers, each with its tiers but for those that are shared
 * (tiers.h), under one clock. A request goes to one of them at arrival (router.h) and stays there; closed loop, a session's next
 * turn is routed anew. Events of one time are handled by replica number, then requests that come of them, in the order in which
 * they were put in. Replicas that share nothing come to what each would come to alone with its requests. One replica is no
 * fleet: it does what is said above and nothing else.
 *
 * A request whose prompt and answer do not fit the first tier is rejected, at arrival or when it is found that shields which
 * never end leave no room: counted, and in no other figure.
 */
#ifndef KVCAST_ENGINE_H
#define KVCAST_ENGINE_H

#include "backend.h"
#include "run_config.h"

/* Whether a policy would be refused: 0, or -1 and the sentence. */
int engine_check(const struct trace *trace, const struct run_config *config, struct err *err);
/* 0; or -1 and a sentence, also for a run that gets past TRACE_TIME_MOST_NS. The backend's durations make the clock;
 * one that keeps keys and values has one replica. */
int engine_run(const struct trace *trace, const struct run_config *config, const struct backend_ops *ops, void *backend,
               struct run_result *result, struct err *err);

#endif
