#include "made_samples.h"

#include "cost_model.h"
#include "test.h"

#include <gsl/gsl_randist.h>
#include <math.h>

struct sample made_step(uint32_t prompts, uint32_t new_tokens, uint64_t cached, uint32_t decodes, uint64_t context, uint64_t shared)
{
	return (struct sample){.kind = SAMPLE_STEP, .prompts = prompts, .new_tokens = prompts ? new_tokens : 0, .decodes = decodes,
	                       .cached_tokens = cached, .context_tokens = context, .shared_tokens = shared, .repeats = 5};
}

/* `s`, begun at `start_ns`. */
static int64_t time_at(struct cost_model *model, const struct sample *s, int64_t start_ns, struct device_history *history)
{
	struct step_part parts[MADE_CELLS_MOST];
	const uint32_t count = s->prompts + s->decodes;
	for (uint32_t i = 0; i < count; i++)
		parts[i] = i < s->prompts ? (struct step_part){i, s->new_tokens, s->cached_tokens, false}
		                          : (struct step_part){i, 1, s->context_tokens, true};
	return cost_model_backend.step_ns(model, &(struct step){parts, count, (count - 1) * s->shared_tokens, start_ns, history});
}

int64_t made_time_ns(const struct calibration *calibration, const struct sample *s, double *work_ns)
{
	struct cost_model model = cost_model_of(calibration);
	struct device_history history = {0};
	const struct sample work = made_step(1, s->work_tokens, s->work_cached, 0, 0, 0);
	int64_t now_ns = 0, worked_ns = 0;
	for (uint32_t round = 0; round < s->rounds; round++) {
		const int64_t start_ns = now_ns;
		int64_t took_ns = 0;
		do {
			took_ns = time_at(&model, &work, now_ns, &history);
			now_ns += took_ns;
		} while ((double)(now_ns - start_ns + took_ns / 2) < s->work_ns);
		worked_ns += now_ns - start_ns;
		now_ns += (int64_t)(s->rest_ns + s->idle_ns);
	}
	if (work_ns && s->rounds)
		*work_ns = (double)worked_ns / s->rounds;
	int64_t sum_ns = 0, times = 0;
	do {
		sum_ns += time_at(&model, s, now_ns + sum_ns, &history);
		times++;
	} while ((double)sum_ns < s->for_ns);
	return sum_ns / times;
}

void made_open(struct made *made)
{
	*made = (struct made){.samples = {.name = (char *)"made", .model = (char *)"m", .device = (char *)"d", .driver = (char *)"",
	                                  .commit = (char *)"", .conditions = (char *)"", .samples = made->cells}};
	made->rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(made->rng, 11);
}

void made_add(struct made *made, struct sample s)
{
	assert_true(made->samples.count < MADE_CELLS_MOST);
	made->cells[made->samples.count++] = s;
}

void made_add_grid(struct made *made)
{
	static const uint32_t news[] = {16, 64, 128, 192, 256, 384, 448, 512, 768, 1024, 2048, 4096, 8192}, decodes[] = {1, 3, 8, 11, 21, 64};
	static const uint64_t cached[] = {0, 512, 8192, 32768}, contexts[] = {100, 1024, 4000, 16384};
	for (size_t n = 0; n < COUNT_OF(news); n++) {
		for (size_t c = 0; c < COUNT_OF(cached); c++)
			made_add(made, made_step(c == 2 ? 2 : 1, news[n], cached[c], 0, 0, 0));
		made_add(made, made_step(1, news[n], 1000, 5 + (uint32_t)n, 2000, 0));
	}
	for (size_t d = 0; d < COUNT_OF(decodes); d++) {
		for (size_t c = 0; c < COUNT_OF(contexts); c++)
			made_add(made, made_step(0, 0, 0, decodes[d], contexts[c], 0));
	}
}

struct fit made_fit_folds(struct made *made, const struct calibration *truth, double noise, uint32_t folds)
{
	struct fit fit;
	struct err err;
	for (size_t i = 0; i < made->samples.count; i++) {
		struct sample *s = &made->cells[i];
		s->median_ns = (double)made_time_ns(truth, s, &s->work_ns) * (1 + gsl_ran_gaussian(made->rng, noise));
		s->least_ns = s->most_ns = s->median_ns;
	}
	gsl_rng_free(made->rng);
	if (fit_run(&fit, &made->samples, &(struct fit_options){.folds = folds, .bootstraps = 2, .seed = 1}, &err) < 0)
		fail_msg("%s", err.text);
	return fit;
}

struct fit made_fit(struct made *made, const struct calibration *truth, double noise)
{
	return made_fit_folds(made, truth, noise, 2);
}

double made_worst(const struct calibration *fitted, const struct calibration *truth, const struct sample *steps, size_t count)
{
	double worst = 0;
	for (size_t i = 0; i < count; i++)
		worst = fmax(worst, fabs((double)made_time_ns(fitted, &steps[i], NULL) / (double)made_time_ns(truth, &steps[i], NULL) - 1));
	return worst;
}
