/* simulate.h - runs a configuration with the engine it names; times, where an engine models them, are predicted ones. */
#ifndef KVCAST_SIMULATE_H
#define KVCAST_SIMULATE_H

#include "run_config.h"

/* Says, without a run, whether the policies of `config` would be refused: 0, or -1 and the sentence. */
int simulate_check(const struct trace *trace, const struct run_config *config, struct err *err);
/* 0; or -1 and a sentence. simulate_free releases what a result holds. */
int simulate_run(const struct trace *trace, const struct run_config *config, struct run_result *result, struct err *err);
void simulate_free(struct run_result *result);

#endif
