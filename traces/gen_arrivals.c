#include "gen_arrivals.h"

#include "spec.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#define RATE                                                                                                           \
	{                                                                                                              \
		.name = "rate", .kind = PARAM_REAL, .default_text = "0.5", .least = 1e-6, .most = 1e6                  \
	}
#define MEAN(which, usual)                                                                                             \
	{                                                                                                              \
		.name = (which), .kind = PARAM_DURATION, .default_text = (usual), .least = 1e6, .most = 365 * 86400e9  \
	}

struct gen_arrivals_family {
	const char *name;
	struct param params[4];
	double (*gap_s)(struct gen_arrivals *arrivals, gsl_rng *rng);
};

static double gen_arrivals_fixed(struct gen_arrivals *arrivals, gsl_rng *rng)
{
	(void)rng;
	return 1 / arrivals->rate;
}

static double gen_arrivals_poisson(struct gen_arrivals *arrivals, gsl_rng *rng)
{
	return gsl_ran_exponential(rng, 1 / arrivals->rate);
}

static double gen_arrivals_gamma(struct gen_arrivals *arrivals, gsl_rng *rng)
{
	double variance = arrivals->cv * arrivals->cv;
	return gsl_ran_gamma(rng, 1 / variance, variance / arrivals->rate);
}

static double gen_arrivals_onoff(struct gen_arrivals *arrivals, gsl_rng *rng)
{
	double at_s = arrivals->now_s;
	if (arrivals->burst_end_s < 0)
		arrivals->burst_end_s = gsl_ran_exponential(rng, arrivals->on_s);
	for (;;) {
		double next_s = at_s + gsl_ran_exponential(rng, 1 / arrivals->rate);
		if (next_s <= arrivals->burst_end_s)
			return next_s - arrivals->now_s;
		/* The gap has no memory: it may be drawn anew in the next burst. */
		at_s = arrivals->burst_end_s + gsl_ran_exponential(rng, arrivals->off_s);
		arrivals->burst_end_s = at_s + gsl_ran_exponential(rng, arrivals->on_s);
	}
}

static const struct gen_arrivals_family families[] = {
    {.name = "poisson", .params = {RATE}, .gap_s = gen_arrivals_poisson},
    {.name = "gamma",
     .params = {RATE, {.name = "cv", .kind = PARAM_REAL, .default_text = "2", .least = 0.001, .most = 1000}},
     .gap_s = gen_arrivals_gamma},
    {.name = "onoff", .params = {RATE, MEAN("on", "30s"), MEAN("off", "120s")}, .gap_s = gen_arrivals_onoff},
    {.name = "fixed", .params = {RATE}, .gap_s = gen_arrivals_fixed},
};

static int gen_arrivals_bind(struct gen_arrivals *arrivals, const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (strcmp(families[i].name, spec->name) == 0)
			arrivals->family = &families[i];
	if (!arrivals->family)
		return err_set(err, "there is no arrival process '%s'; there are: poisson, gamma, onoff, fixed.",
			       spec->name);
	union param_value values[COUNT_OF(families[0].params)];
	const struct param *const tables[] = {arrivals->family->params, NULL};
	union param_value *const bound[] = {values};
	if (spec_bind(spec, NULL, tables, bound, spec->name, err) < 0)
		return -1;
	arrivals->rate = values[0].real;
	if (arrivals->family->gap_s == gen_arrivals_gamma)
		arrivals->cv = values[1].real;
	if (arrivals->family->gap_s == gen_arrivals_onoff) {
		arrivals->on_s = (double)values[1].integer / (double)NS_PER_S;
		arrivals->off_s = (double)values[2].integer / (double)NS_PER_S;
	}
	return 0;
}

int gen_arrivals_parse(struct gen_arrivals *arrivals, const char *text, const char *what, struct err *err)
{
	*arrivals = (struct gen_arrivals){.burst_end_s = -1};
	struct spec spec;
	int status = spec_parse_plain(&spec, text, err);
	if (status == 0) {
		status = gen_arrivals_bind(arrivals, &spec, err);
		spec_free(&spec);
	}
	return status < 0 ? err_prefix(err, "%s: ", what) : 0;
}

int64_t gen_arrivals_next(struct gen_arrivals *arrivals, gsl_rng *rng)
{
	arrivals->now_s += arrivals->family->gap_s(arrivals, rng);
	return llround(fmin(arrivals->now_s * (double)NS_PER_S, (double)GEN_ARRIVALS_MOST_NS));
}
