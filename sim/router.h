/* router.h - which replica of a fleet a request goes to: --router NAME[:alpha=A].
 *
 *   round-robin    the replicas in turn
 *   least-loaded   the one with the fewest requests in flight (waiting, loading or running)
 *   session        a session's requests always go to one replica, by a hash of the session's id; without a session as
 *                  least-loaded
 *   prefix         the one whose first tier holds the longest prefix of the prompt
 *   prefix-load    the one with the lowest  new tokens + alpha x tokens in flight;  alpha=1
 *
 * Ties go to the replica with fewer requests in flight, then to the lower number.
 *
 * What a router knows. The number and the prompt lengths of the requests that it has sent and that have not left; for the
 * last two also, exactly and at once, which blocks each replica's first tier holds at arrival (a real one follows the
 * engines' events, a little late). It knows nothing of lower tiers, of answers' lengths, or of how far a request has come.
 * Load is counted in requests since that is what a router sees without asking an engine. New tokens are those of the prompt
 * behind its prefix; tokens in flight are the whole prompts of those in flight, each for itself although they may share.
 * A decision is final: a request that waits is not sent elsewhere.
 *
 * Sources. round-robin, session (a hash ring over session ids), and load as requests in flight: vLLM production-stack, "Router
 * Logic" and "Load Aware Routing"; least-loaded: shortest queue in SGLang's router. prefix: SGLang's cache_aware without its
 * thresholds (cache-threshold 0.3; shortest queue once one is 64 and 1.5 times longer). prefix-load: NVIDIA Dynamo's KV router,
 * whose cost is overlap weight x prefill blocks + decode blocks, lowest first; alpha is one over that weight (default 1), and
 * as in its default answers do not count. Its prefill term also has the prompts that others there still wait for; here these
 * are in the load only.
 */
#ifndef KVCAST_ROUTER_H
#define KVCAST_ROUTER_H

#include "base.h"
#include "err.h"

#define ROUTER_REPLICAS_MOST 4096

enum router_kind { ROUTER_ROUND_ROBIN, ROUTER_LEAST_LOADED, ROUTER_SESSION, ROUTER_PREFIX, ROUTER_PREFIX_LOAD };

struct router_config {
	enum router_kind kind;
	double alpha;
	char text[64]; /* as written */
};

/* A replica as a router sees it. */
struct router_view {
	uint32_t requests;      /* in flight */
	uint64_t prompt_tokens; /* theirs */
	uint64_t hit_tokens;    /* of the request that is routed; only where router_wants_hits() */
};

/* 0, or -1 and a sentence; `text` is what follows --router. */
int router_parse(struct router_config *router, const char *text, struct err *err);
bool router_wants_hits(const struct router_config *router);
/* The replica for a request. `turn` is how many were routed before; `session` its id, NULL without one. */
uint32_t router_pick(const struct router_config *router, const struct router_view *views, uint32_t replicas, uint64_t turn,
                     const char *session, uint64_t prompt_tokens);

#endif
