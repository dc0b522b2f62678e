#include "simulate.h"

#include "cost_model.h"
#include "engine.h"
#include "replay.h"

int simulate_check(const struct trace *trace, const struct run_config *config, struct err *err)
{
	return config->engine == ENGINE_REPLAY ? replay_check(trace, config, err) : engine_check(trace, config, err);
}

int simulate_run(const struct trace *trace, const struct run_config *config, struct run_result *result, struct err *err)
{
	if (config->engine == ENGINE_REPLAY)
		return replay_run(trace, config, result, err);
	struct cost_model model = cost_model_scaled(config->calibration, config->step_factor > 0 ? config->step_factor : 1);
	model.error = config->step_error;
	return engine_run(trace, config, &cost_model_backend, &model, result, err);
}

void simulate_free(struct run_result *result)
{
	replay_free(result);
}
