#include "router.h"

#include "spec.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const char *const names[] = {
        [ROUTER_ROUND_ROBIN] = "round-robin", [ROUTER_LEAST_LOADED] = "least-loaded", [ROUTER_SESSION] = "session",
        [ROUTER_PREFIX] = "prefix",           [ROUTER_PREFIX_LOAD] = "prefix-load",
};

static const struct param no_params[] = {{.name = NULL}};
static const struct param load_params[] = {
        {"alpha", PARAM_REAL, "1", 0, 1e9, NULL, "what a token in flight counts beside one to be computed"},
        {.name = NULL},
};

static int bind(struct router_config *router, const struct spec *spec, struct err *err)
{
	char what[64];
	size_t kind = 0;
	while (kind < COUNT_OF(names) && strcmp(names[kind], spec->name) != 0)
		kind++;
	if (kind == COUNT_OF(names))
		return err_set(err, "--router %s: expected round-robin, least-loaded, session, prefix or prefix-load[:alpha=A].",
		               spec->text);
	if (strlen(spec->text) >= sizeof(router->text))
		return err_set(err, "--router %s: expected at most %zu letters.", spec->text, sizeof(router->text) - 1);
	union param_value values[PARAM_MOST];
	const struct param *const tables[] = {kind == ROUTER_PREFIX_LOAD ? load_params : no_params, NULL};
	union param_value *const table_values[] = {values};
	snprintf(what, sizeof(what), "--router %s", names[kind]);
	if (spec_bind(spec, NULL, tables, table_values, what, err) < 0)
		return -1;
	*router = (struct router_config){.kind = (enum router_kind)kind,
	                                 .alpha = kind == ROUTER_PREFIX_LOAD ? values[0].real : 0};
	memcpy(router->text, spec->text, strlen(spec->text) + 1);
	return 0;
}

int router_parse(struct router_config *router, const char *text, struct err *err)
{
	struct spec spec;
	if (spec_parse_plain(&spec, text, err) < 0)
		return err_prefix(err, "--router: ");
	const int failed = bind(router, &spec, err);
	spec_free(&spec);
	return failed;
}

bool router_wants_hits(const struct router_config *router)
{
	return router->kind == ROUTER_PREFIX || router->kind == ROUTER_PREFIX_LOAD;
}

/* What the replica is to be ranked by, the lowest first, before the number of requests. */
static double score(const struct router_config *router, const struct router_view *view, uint64_t prompt_tokens)
{
	switch (router->kind) {
	case ROUTER_PREFIX:
		return -(double)view->hit_tokens;
	case ROUTER_PREFIX_LOAD:
		return (double)(prompt_tokens - view->hit_tokens) + router->alpha * (double)view->prompt_tokens;
	default:
		return 0;
	}
}

uint32_t router_pick(const struct router_config *router, const struct router_view *views, uint32_t replicas, uint64_t turn,
                     const char *session, uint64_t prompt_tokens)
{
	if (router->kind == ROUTER_ROUND_ROBIN)
		return (uint32_t)(turn % replicas);
	if (router->kind == ROUTER_SESSION && session)
		return (uint32_t)(XXH3_64bits(session, strlen(session)) % replicas);
	uint32_t best = 0;
	double best_score = score(router, &views[0], prompt_tokens);
	for (uint32_t r = 1; r < replicas; r++) {
		const double own = score(router, &views[r], prompt_tokens);
		if (own < best_score || (own == best_score && views[r].requests < views[best].requests)) {
			best = r;
			best_score = own;
		}
	}
	return best;
}
