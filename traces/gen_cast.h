/* gen_cast.h - who and what sessions are drawn from: manuals and agents, with their popularity. */
#ifndef KVCAST_GEN_CAST_H
#define KVCAST_GEN_CAST_H

#include "gen.h"
#include "gen_agents.h"
#include "gen_manual.h"

#include <gsl/gsl_randist.h>

struct gen_cast {
	struct gen_manual *manuals;
	char **manual_names; /* the last part of the path; "-2" and so on behind it where it is taken */
	size_t manual_count;
	struct gen_agents agents;
	gsl_ran_discrete_t *manual_popularity, *agent_popularity; /* NULL: they take turns */
};

/* Loads what the options name. -1 and a sentence, then empty, on failure. */
int gen_cast_load(struct gen_cast *cast, const struct gen_options *options, struct err *err);
/* Who takes part in session number `session`, from 0. Where they take turns the agents do, and once all had theirs the next
 * manual's is come. */
void gen_cast_draw(const struct gen_cast *cast, const gsl_rng *rng, size_t session, size_t *manual, size_t *agent);
void gen_cast_free(struct gen_cast *cast);

#endif
