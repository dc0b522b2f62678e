/* experiment_prefix_report.c - the prefix benchmark in words; every number in it comes from the run. */
#include "experiment_prefix.h"
#include "report.h"

#include <math.h>

typedef const struct experiment_prefix_point *point;

static const struct experiment_sum *measured(point of)
{
	return &of->experiment.sums[EXPERIMENT_MEASURED];
}

static const struct experiment_sum *predicted(point of)
{
	return &of->experiment.sums[EXPERIMENT_PREDICTED];
}

/* By how much caching shortens the mean TTFT, in %. */
static double gain(point off, point on, enum experiment_side side)
{
	const double without_s = off->experiment.sums[side].mean_ttft_s, with_s = on->experiment.sums[side].mean_ttft_s;
	return without_s > 0 ? 100 * (1 - with_s / without_s) : 0;
}

static double gib(const struct experiment_prefix *prefix, double tokens)
{
	return tokens * prefix->kv_bytes_per_token / 0x1p30;
}

static uint32_t longest(const struct experiment_prefix_grid *grid)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < grid->length_count; i++)
		most = grid->lengths[i] > most ? grid->lengths[i] : most;
	return most;
}

static double highest_reuse(const struct experiment_prefix_grid *grid)
{
	double most = 0;
	for (uint32_t i = 0; i < grid->reuse_count; i++)
		most = grid->reuses[i] > most ? grid->reuses[i] : most;
	return most;
}

static void print_what(const struct experiment_prefix *prefix, FILE *to)
{
	const struct experiment_prefix_grid *grid = &prefix->grid;
	fprintf(to,
		"# Prefix benchmark: %s on %s\n\n## What was tested\n\nPrompts of a prefix and a question of %u "
		"tokens, answers of %u "
		"tokens, in a closed loop. The prefix has",
		prefix->model, prefix->device, grid->question_tokens, grid->answer_tokens);
	for (uint32_t i = 0; i < grid->length_count; i++)
		fprintf(to, "%s %u", i ? "," : "", grid->lengths[i]);
	fputs(" tokens; at once there are", to);
	for (uint32_t i = 0; i < grid->concurrency_count; i++)
		fprintf(to, "%s %u", i ? "," : "", grid->concurrencies[i]);
	fputs(" requests; of all requests the shares", to);
	for (uint32_t i = 0; i < grid->reuse_count; i++)
		fprintf(to, "%s %g", i ? "," : "", grid->reuses[i]);
	fputs(" begin with one shared prefix, the others with one of their own of the same length. With the cache "
	      "\"off\" every request "
	      "has a prefix of its own: the engine, its blocks and its capacity are the same, and it finds nothing "
	      "to reuse. As many "
	      "requests as are served at once warm up first and do not count.\n\n",
	      to);
}

static void print_commands(const struct experiment_prefix *prefix, FILE *to)
{
	fprintf(to,
		"Measured: `%s`\n\nForecast (%s), a command for each of the %zu traces in %s/traces, such "
		"as\n\n",
		prefix->command, prefix->forecast, prefix->point_count, prefix->folder);
	const struct experiment *last = &prefix->points[prefix->point_count - 1].experiment;
	fprintf(to, "    kvcast run %s --model %s --calib %s ", last->trace->name, prefix->model, prefix->calibration);
	experiment_print_options(&last->config, to);
	fputs("\n\n", to);
}

static void print_table(const struct experiment_prefix *prefix, FILE *to)
{
	double worst = 0, sum = 0;
	fputs("## Results\n\n| mode | prefix | at once | mean TTFT s | forecast | mean E2E s | forecast | p95 E2E s "
	      "| forecast | tok/s | "
	      "forecast | hit % |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: "
	      "|\n",
	      to);
	for (size_t i = 0; i < prefix->point_count; i++) {
		point at = &prefix->points[i];
		const struct experiment_sum *m = measured(at), *p = predicted(at);
		if (at->cached)
			fprintf(to, "| on, reuse %g ", at->reuse);
		else
			fputs("| off ", to);
		fprintf(to,
			"| %u | %u | %.4f | %.4f | %.4f | %.4f | %.4f | %.4f | %.1f | %.1f | %.2f "
			"|\n",
			at->prefix_tokens, at->concurrency, m->mean_ttft_s, p->mean_ttft_s, m->mean_e2e_s,
			p->mean_e2e_s, m->p95_e2e_s, p->p95_e2e_s, m->tok_s, p->tok_s, 100 * experiment_hit_rate(m));
		const double error = fabs(experiment_error(p->mean_ttft_s, m->mean_ttft_s));
		worst = error > worst ? error : worst;
		sum += error;
	}
	fprintf(to,
		"\nThe forecast of mean TTFT is off by %.1f %% on average over the %zu rows, and by %.1f %% at "
		"worst.\n\n",
		100 * sum / (double)prefix->point_count, prefix->point_count, 100 * worst);
}

/* What caching takes off the mean TTFT: a row a length, a column a concurrency and reuse. */
static void print_growth(const struct experiment_prefix *prefix, FILE *to)
{
	const struct experiment_prefix_grid *grid = &prefix->grid;
	fputs("## How the benefit grows\n\nBy how much caching shortens mean TTFT, in % (in brackets what was "
	      "predicted); negative: it got "
	      "longer.\n\n| prefix tokens |",
	      to);
	for (uint32_t c = 0; c < grid->concurrency_count; c++) {
		for (uint32_t r = 0; r < grid->reuse_count; r++)
			fprintf(to, " %u at once, reuse %g |", grid->concurrencies[c], grid->reuses[r]);
	}
	fputs("\n| ---: |", to);
	for (uint32_t i = 0; i < grid->concurrency_count * grid->reuse_count; i++)
		fputs(" ---: |", to);
	for (uint32_t l = 0; l < grid->length_count; l++) {
		fprintf(to, "\n| %u |", grid->lengths[l]);
		for (uint32_t c = 0; c < grid->concurrency_count; c++) {
			for (uint32_t r = 0; r < grid->reuse_count; r++) {
				point off =
				    experiment_prefix_find(prefix, grid->lengths[l], grid->concurrencies[c], false, 0);
				point on = experiment_prefix_find(prefix, grid->lengths[l], grid->concurrencies[c],
								  true, grid->reuses[r]);
				fprintf(to,
					" %.1f (%.1f) "
					"|",
					gain(off, on, EXPERIMENT_MEASURED), gain(off, on, EXPERIMENT_PREDICTED));
			}
		}
	}
	fputs("\n\n", to);
}

static void print_memory(const struct experiment_prefix *prefix, FILE *to)
{
	point most = &prefix->points[0];
	for (size_t i = 1; i < prefix->point_count; i++)
		most = measured(&prefix->points[i])->mean_resident_blocks > measured(most)->mean_resident_blocks
			   ? &prefix->points[i]
			   : most;
	const double block_tokens = most->trace->block_tokens;
	fprintf(to,
		"## Memory\n\nA token's keys and values take %.0f bytes, so the longest shared prefix, %u "
		"tokens, holds %.3f GiB for as "
		"long as it is kept, however many requests use it; without caching each of the requests that "
		"run holds its own. "
		"The cache had %.2f GiB; at most %.2f GiB were held on average over a run (%s): blocks that "
		"nobody uses stay until room "
		"is needed.\n\n",
		prefix->kv_bytes_per_token, longest(&prefix->grid), gib(prefix, longest(&prefix->grid)),
		gib(prefix, prefix->capacity_blocks * block_tokens),
		gib(prefix, measured(most)->mean_resident_blocks * block_tokens), most->name);
}

/* From which length on caching takes a tenth off, and what it costs where nothing is shared. */
static void print_when(const struct experiment_prefix *prefix, FILE *to)
{
	const struct experiment_prefix_grid *grid = &prefix->grid;
	fputs("## When to turn it on\n\n", to);
	for (uint32_t c = 0; c < grid->concurrency_count; c++) {
		for (uint32_t r = 0; r < grid->reuse_count; r++) {
			uint32_t from = 0;
			double most = -INFINITY, least = INFINITY;
			for (uint32_t l = 0; l < grid->length_count; l++) {
				point off =
				    experiment_prefix_find(prefix, grid->lengths[l], grid->concurrencies[c], false, 0);
				point on = experiment_prefix_find(prefix, grid->lengths[l], grid->concurrencies[c],
								  true, grid->reuses[r]);
				const double percent = gain(off, on, EXPERIMENT_MEASURED);
				most = percent > most ? percent : most;
				least = percent < least ? percent : least;
				if (percent >= 10 && (from == 0 || grid->lengths[l] < from))
					from = grid->lengths[l];
			}
			fprintf(to,
				"- %u at once, reuse %g: mean TTFT falls by %.1f to %.1f "
				"%%",
				grid->concurrencies[c], grid->reuses[r], least, most);
			if (from)
				fprintf(to, "; a tenth or more is first gained at a prefix of %u tokens.\n", from);
			else
				fputs("; nowhere a tenth.\n", to);
		}
	}
	fputs("\nTurn it on where requests share a prefix of that length, and expect the row of reuse 0, if there "
	      "is one, where they "
	      "share nothing.\n\n",
	      to);
}

/* How to see it, a caveat, and two sentences: of the longest prefix, the highest reuse and the first concurrency. */
static void print_rest(const struct experiment_prefix *prefix, FILE *to)
{
	const struct experiment_prefix_grid *grid = &prefix->grid;
	const uint32_t concurrency = grid->concurrencies[0], length = longest(grid);
	const double reuse = highest_reuse(grid);
	point off = experiment_prefix_find(prefix, length, concurrency, false, 0);
	point on = experiment_prefix_find(prefix, length, concurrency, true, reuse);
	const double e2e = 100 * (1 - measured(on)->mean_e2e_s / measured(off)->mean_e2e_s);
	char tokens[32];
	fprintf(to,
		"## How to see that it works\n\nThe engine's count of cached prompt tokens rises (`hit_tokens` "
		"of requests.csv; a server's "
		"usage.prompt_tokens_details.cached_tokens): here %.2f %% of the prompt tokens at a prefix of "
		"%u tokens, reuse %g and %u at "
		"once, and %.2f %% with the cache off. TTFT of the same prompt asked twice falls; E2E falls by "
		"less.\n\n",
		100 * experiment_hit_rate(measured(on)), length, reuse, concurrency,
		100 * experiment_hit_rate(measured(off)));
	fprintf(to,
		"## A caveat\n\nOnly the prompt's part of the time is saved: there mean TTFT falls by %.1f %%, "
		"mean E2E by %.1f %%, with "
		"answers of %u tokens; longer answers make that less. Whoever reads the prefix first, here in "
		"the warm-up, pays for "
		"it in full.\n\n",
		gain(off, on, EXPERIMENT_MEASURED), e2e, grid->answer_tokens);
	fprintf(to,
		"## For a product audience\n\nWhen many requests begin with the same %s tokens, such as a "
		"manual or instructions, the "
		"server can keep what it worked out about them, and the first word of an answer then comes "
		"after %.0f ms instead of "
		"%.0f ms. It costs %.3f GiB of the GPU's memory for as long as the text is kept, and the whole "
		"answer is there %.1f %% "
		"sooner.\n",
		report_count(length, tokens, sizeof(tokens)), 1e3 * measured(on)->mean_ttft_s,
		1e3 * measured(off)->mean_ttft_s, gib(prefix, length), e2e);
}

void experiment_prefix_report(const void *context, FILE *to)
{
	const struct experiment_prefix *prefix = context;
	print_what(prefix, to);
	print_commands(prefix, to);
	print_table(prefix, to);
	if (prefix->grid.cache_on && prefix->grid.cache_off) {
		print_growth(prefix, to);
		print_when(prefix, to);
		print_memory(prefix, to);
		print_rest(prefix, to);
	} else {
		fputs("What caching is worth was not measured: that takes --cache off,on.\n\n", to);
		print_memory(prefix, to);
	}
}
