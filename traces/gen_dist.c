#include "gen_dist.h"

#include "spec.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Scales have the unit of what is drawn and must be given; a shape has none, and 1 as its default. */
struct gen_dist_family {
	const char *name;
	const char *scale, *scale_most, *shape;
	double shape_least;
	bool counts_only;
	double (*draw)(const struct gen_dist *dist, gsl_rng *rng);
};

static double gen_dist_fixed(const struct gen_dist *dist, gsl_rng *rng)
{
	(void)rng;
	return dist->scale;
}

static double gen_dist_uniform(const struct gen_dist *dist, gsl_rng *rng)
{
	/* Rounding a count gives the ends their full share only if half a unit is added to each. */
	double margin = dist->of == GEN_DIST_COUNT ? 0.5 : 0;
	return gsl_ran_flat(rng, dist->scale - margin, dist->scale_most + margin);
}

static double gen_dist_exponential(const struct gen_dist *dist, gsl_rng *rng)
{
	return gsl_ran_exponential(rng, dist->scale);
}

static double gen_dist_gamma(const struct gen_dist *dist, gsl_rng *rng)
{
	double variance = dist->shape * dist->shape;
	return gsl_ran_gamma(rng, 1 / variance, dist->scale * variance);
}

static double gen_dist_lognormal(const struct gen_dist *dist, gsl_rng *rng)
{
	return dist->scale * gsl_ran_lognormal(rng, 0, dist->shape);
}

static double gen_dist_geometric(const struct gen_dist *dist, gsl_rng *rng)
{
	return gsl_ran_geometric(rng, 1 / dist->scale);
}

static const struct gen_dist_family families[] = {
    {.name = "fixed", .scale = "value", .draw = gen_dist_fixed},
    {.name = "uniform", .scale = "least", .scale_most = "most", .draw = gen_dist_uniform},
    {.name = "exponential", .scale = "mean", .draw = gen_dist_exponential},
    {.name = "gamma", .scale = "mean", .shape = "cv", .shape_least = 0.001, .draw = gen_dist_gamma},
    {.name = "lognormal", .scale = "median", .shape = "sigma", .draw = gen_dist_lognormal},
    {.name = "geometric", .scale = "mean", .counts_only = true, .draw = gen_dist_geometric},
};

static int gen_dist_bind(struct gen_dist *dist, const struct spec *spec, struct err *err)
{
	const struct gen_dist_family *family = dist->family;
	const bool time = dist->of == GEN_DIST_TIME;
	struct param params[4] = {{.name = NULL}};
	union param_value values[4];
	size_t count = 0, scales = family->scale_most ? 2 : 1;
	for (; count < scales; count++)
		params[count] = (struct param){
		    .name = count == 0 ? family->scale : family->scale_most,
		    .kind = time ? PARAM_DURATION : PARAM_REAL,
		    .default_text = time ? "1s" : "1",
		    .least = time ? 0 : 1,
		    .most = time ? (double)GEN_DIST_TIME_MOST_NS : (double)GEN_DIST_COUNT_MOST,
		};
	if (family->shape)
		params[count++] = (struct param){.name = family->shape,
						 .kind = PARAM_REAL,
						 .default_text = "1",
						 .least = family->shape_least,
						 .most = 10};
	const struct param *const tables[] = {params, NULL};
	union param_value *const bound[] = {values};
	if (spec_bind(spec, NULL, tables, bound, spec->name, err) < 0)
		return -1;
	for (size_t i = 0; i < scales; i++) {
		bool given = false;
		for (size_t p = 0; p < spec->count; p++)
			given = given || strcmp(spec->pairs[p].key, params[i].name) == 0;
		if (!given)
			return err_set(err, "'%s' lacks %s, as in %s:%s=%s.", spec->text, params[i].name, spec->name,
				       params[i].name, time ? "20s" : "40");
	}
	dist->scale = time ? (double)values[0].integer : values[0].real;
	dist->scale_most = time ? (double)values[scales - 1].integer : values[scales - 1].real;
	dist->shape = family->shape ? values[scales].real : 0;
	if (dist->scale_most < dist->scale)
		return err_set(err, "'%s' has its most below its least.", spec->text);
	return 0;
}

static int gen_dist_find(struct gen_dist *dist, const struct spec *spec, struct err *err)
{
	char names[256] = "";
	for (size_t i = 0; i < COUNT_OF(families); i++) {
		if (families[i].counts_only && dist->of != GEN_DIST_COUNT)
			continue;
		if (strcmp(families[i].name, spec->name) == 0) {
			dist->family = &families[i];
			return 0;
		}
		strcat(names, i ? ", " : "");
		strcat(names, families[i].name);
	}
	return err_set(err, "there is no distribution '%s' here; there are: %s.", spec->name, names);
}

int gen_dist_parse(struct gen_dist *dist, enum gen_dist_of of, const char *text, const char *what, struct err *err)
{
	*dist = (struct gen_dist){.of = of};
	/* `fixed:4` and `4` are short for `fixed:value=4`. */
	static const char fixed[] = "fixed:";
	const char *value = strncmp(text, fixed, sizeof(fixed) - 1) == 0 ? text + sizeof(fixed) - 1 : text;
	bool is_short = *value >= '0' && *value <= '9';
	const char *begin = is_short ? "fixed:value=" : "", *rest = is_short ? value : text;
	size_t size = strlen(begin) + strlen(rest) + 1;
	char *full = mem_alloc(size, 1);
	snprintf(full, size, "%s%s", begin, rest);

	struct spec spec;
	int status = spec_parse_plain(&spec, full, err);
	if (status == 0) {
		status = gen_dist_find(dist, &spec, err);
		if (status == 0)
			status = gen_dist_bind(dist, &spec, err);
		spec_free(&spec);
	}
	free(full);
	return status < 0 ? err_prefix(err, "%s: ", what) : 0;
}

int64_t gen_dist_draw(const struct gen_dist *dist, gsl_rng *rng)
{
	bool time = dist->of == GEN_DIST_TIME;
	double most = time ? (double)GEN_DIST_TIME_MOST_NS : (double)GEN_DIST_COUNT_MOST;
	return llround(fmin(fmax(dist->family->draw(dist, rng), time ? 0 : 1), most));
}
