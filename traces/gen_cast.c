#include "gen_cast.h"

#include "spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exponent of the popularity; 0 is uniform, and NAN is that nothing is drawn. */
static int parse_popularity(const char *text, double *exponent, struct err *err)
{
	static const struct param zipf[] = {
	    {.name = "s", .kind = PARAM_REAL, .default_text = "1", .least = 0, .most = 10},
	    {.name = NULL},
	};
	static const struct param none[] = {{.name = NULL}};
	struct spec spec;
	if (spec_parse_plain(&spec, text, err) < 0)
		return err_prefix(err, "--popularity: ");
	bool is_zipf = strcmp(spec.name, "zipf") == 0, is_rotate = strcmp(spec.name, "rotate") == 0;
	const struct param *const tables[] = {is_zipf ? zipf : none, NULL};
	union param_value value = {.real = 0};
	union param_value *const values[] = {&value};
	int status = is_zipf || is_rotate || strcmp(spec.name, "uniform") == 0
			 ? spec_bind(&spec, NULL, tables, values, spec.name, err)
			 : err_set(err, "there is no popularity '%s'; there are: zipf, uniform, rotate.", spec.name);
	*exponent = is_rotate ? (double)NAN : value.real;
	spec_free(&spec);
	return status < 0 ? err_prefix(err, "--popularity: ") : 0;
}

static gsl_ran_discrete_t *ranked_weights(size_t count, double exponent)
{
	double *weights = mem_alloc(count, sizeof(*weights));
	for (size_t i = 0; i < count; i++)
		weights[i] = pow((double)(i + 1), -exponent);
	gsl_ran_discrete_t *popularity = gsl_ran_discrete_preproc(count, weights);
	free(weights);
	return popularity;
}

static char *name_manual(const struct gen_cast *cast, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	if (strcmp(path, "-") == 0)
		base = "stdin";
	size_t size = strlen(base) + 24;
	char *name = mem_alloc(size, 1);
	snprintf(name, size, "%s", base);
	/* A file may have any name; a trace is UTF-8. */
	for (char *at = name; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '_';
	char *bare = mem_copy_text(name);
	for (size_t number = 2, i = 0; i < cast->manual_count; i++) {
		if (strcmp(cast->manual_names[i], name) != 0)
			continue;
		snprintf(name, size, "%s-%zu", bare, number++);
		i = SIZE_MAX; /* look through all of them for the new name */
	}
	free(bare);
	return name;
}

static int load_manuals(struct gen_cast *cast, const struct gen_options *options, struct err *err)
{
	ASSERT(options->manual_count > 0);
	cast->manuals = mem_alloc(options->manual_count, sizeof(*cast->manuals));
	cast->manual_names = mem_alloc(options->manual_count, sizeof(*cast->manual_names));
	for (size_t i = 0; i < options->manual_count; i++) {
		const char *path = options->manual_paths[i];
		if (gen_manual_load(&cast->manuals[i], path, options->manual_tokens, err) < 0)
			return -1;
		cast->manual_names[i] = name_manual(cast, path);
		cast->manual_count++;
	}
	return 0;
}

int gen_cast_load(struct gen_cast *cast, const struct gen_options *options, struct err *err)
{
	*cast = (struct gen_cast){0};
	double exponent = 0;
	int status = parse_popularity(options->popularity, &exponent, err);
	if (status == 0 && options->agents_path)
		status = gen_agents_read(&cast->agents, options->agents_path, options->agent_count, err);
	else if (status == 0)
		gen_agents_built_in(&cast->agents, options->agent_count ? options->agent_count : GEN_AGENTS_BUILT_IN);
	if (status == 0)
		status = load_manuals(cast, options, err);
	if (status < 0) {
		gen_cast_free(cast);
		return -1;
	}
	if (isnan(exponent))
		return 0;
	cast->manual_popularity = ranked_weights(cast->manual_count, exponent);
	cast->agent_popularity = ranked_weights(cast->agents.count, exponent);
	return 0;
}

void gen_cast_draw(const struct gen_cast *cast, const gsl_rng *rng, size_t session, size_t *manual, size_t *agent)
{
	if (!cast->agent_popularity) {
		*manual = session / cast->agents.count % cast->manual_count;
		*agent = session % cast->agents.count;
		return;
	}
	*manual = gsl_ran_discrete(rng, cast->manual_popularity);
	*agent = gsl_ran_discrete(rng, cast->agent_popularity);
}

void gen_cast_free(struct gen_cast *cast)
{
	for (size_t i = 0; i < cast->manual_count; i++) {
		gen_manual_free(&cast->manuals[i]);
		free(cast->manual_names[i]);
	}
	free(cast->manuals);
	free(cast->manual_names);
	gen_agents_free(&cast->agents);
	if (cast->manual_popularity)
		gsl_ran_discrete_free(cast->manual_popularity);
	if (cast->agent_popularity)
		gsl_ran_discrete_free(cast->agent_popularity);
	*cast = (struct gen_cast){0};
}
