#include "step_compare.h"

#include "cost_model.h"
#include "csv.h"
#include "output.h"

#include <ctype.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS_MOST 1000000000u /* of a number in `parts` */
#define WHOLE_MOST  UINT64_C(1000000000000000)
#define LOG_MS_MOST 1e12        /* of a whole log: whole ns, and room for a slow forecast after it */

enum column { STEP, TOOK, REST, SEQUENCES, NEW, DISTINCT, PARTS, COLUMNS };

static const char *const column_names[COLUMNS] = {"step",       "took_ms",       "rest_ms", "sequences",
                                                  "new_tokens", "distinct_keys", "parts"};

static const struct step_compare_class size_classes[STEP_COMPARE_CLASSES] = {
        {.name = "1-8", .most_new_tokens = 8},
        {.name = "9-64", .most_new_tokens = 64},
        {.name = "65-256", .most_new_tokens = 256},
        {.name = "257-1024", .most_new_tokens = 1024},
        {.name = "1025-4096", .most_new_tokens = 4096},
        {.name = "more", .most_new_tokens = UINT64_MAX},
        {.name = "all", .most_new_tokens = UINT64_MAX},
};

/* The log, and the device as its rows left it. */
struct log {
	struct csv *csv;
	size_t at[COLUMNS];
	struct step_part *parts; /* of the row being read */
	uint32_t part_count, part_room;
	uint64_t new_tokens, context_tokens; /* theirs */
	uint64_t decode_context_tokens;
	size_t repeated_at; /* the column repeated_keys */
	bool has_repeated;
	uint64_t last_step;
	double ms; /* its length so far */
	int64_t now_ns;
	struct device_history history;
};

static int open_log(struct log *log, const char *path, const struct calibration *calibration, struct err *err)
{
	*log = (struct log){.csv = csv_load(path, err)};
	if (!log->csv)
		return -1;
	for (size_t c = 0; c < COLUMNS; c++) {
		if (csv_find(log->csv, column_names[c], &log->at[c], err) < 0)
			return -1;
	}
	const char *model = csv_note(log->csv, "model");
	if (model && strcmp(model, calibration->model) != 0)
		return err_set(err, "%s: it is of the model %s, but the calibration %s of %s.", csv_name(log->csv), model, calibration->name,
		               calibration->model);
	log->has_repeated = csv_has(log->csv, "repeated_keys", &log->repeated_at);
	return csv_rows(log->csv) ? 0 : err_set(err, "%s: there is no step in it.", csv_name(log->csv));
}

static void close_log(struct log *log)
{
	csv_free(log->csv);
	free(log->parts);
}

static int read_whole(const struct log *log, size_t row, enum column column, uint64_t *whole, struct err *err)
{
	return csv_whole(log->csv, row, log->at[column], WHOLE_MOST, whole, err);
}

/* Of the row whose parts are read. */
static int read_repeated(const struct log *log, size_t row, uint64_t distinct_keys, uint64_t *repeated, struct err *err)
{
	*repeated = log->context_tokens - distinct_keys;
	if (!log->has_repeated)
		return 0;
	if (csv_whole(log->csv, row, log->repeated_at, WHOLE_MOST, repeated, err) < 0)
		return -1;
	if (*repeated <= log->decode_context_tokens)
		return 0;
	err_set(err, "field \"repeated_keys\" is %" PRIu64 "; expected at most %" PRIu64 ", the tokens that decodes come after.", *repeated,
	        log->decode_context_tokens);
	return csv_blame(log->csv, row, err);
}

static int read_ms(struct log *log, size_t row, enum column column, int64_t *ns, struct err *err)
{
	double ms;
	if (csv_number(log->csv, row, log->at[column], &ms, err) < 0)
		return -1;
	log->ms += ms;
	if (!(log->ms <= LOG_MS_MOST)) {
		err_set(err, "with field \"%s\" the log is longer than %g ms.", column_names[column], LOG_MS_MOST);
		return csv_blame(log->csv, row, err);
	}
	*ns = llround(ms * (double)NS_PER_MS);
	return 0;
}

/* Digits that make a number from `least` to TOKENS_MOST; leaves `text` behind them. */
static bool take_tokens(const char **text, uint64_t least, uint64_t *tokens)
{
	char *end;
	if (!isdigit((unsigned char)**text))
		return false;
	*tokens = strtoull(*text, &end, 10);
	*text = end;
	return *tokens >= least && *tokens <= TOKENS_MOST;
}

/* NEW@CONTEXT; leaves `text` behind it. */
static bool take_part(const char **text, struct step_part *part)
{
	uint64_t new_tokens, context_tokens;
	if (!take_tokens(text, 1, &new_tokens) || *(*text)++ != '@' || !take_tokens(text, 0, &context_tokens))
		return false;
	*part = (struct step_part){.new_tokens = (uint32_t)new_tokens, .context_tokens = context_tokens, .decode = new_tokens == 1};
	return **text == '\0' || **text == ' ';
}

static int read_parts(struct log *log, size_t row, struct err *err)
{
	const char *at = csv_text(log->csv, row, log->at[PARTS]);
	bool more;
	log->part_count = 0;
	log->new_tokens = log->context_tokens = log->decode_context_tokens = 0;
	do {
		const int length = (int)strcspn(at, " ");
		const char *part_text = at;
		if (log->part_count == log->part_room) {
			log->part_room = log->part_room ? 2 * log->part_room : 64;
			log->parts = mem_grow(log->parts, log->part_room, sizeof(*log->parts));
		}
		struct step_part *part = &log->parts[log->part_count++];
		if (!take_part(&at, part)) {
			err_set(err, "field \"parts\", part %u is \"%.*s\"; expected NEW@CONTEXT, such as 512@16384, whole numbers "
			             "of tokens up to %u, with one space between parts.", log->part_count, length, part_text,
			        TOKENS_MOST);
			return csv_blame(log->csv, row, err);
		}
		log->new_tokens += part->new_tokens;
		log->context_tokens += part->context_tokens;
		log->decode_context_tokens += part->decode ? part->context_tokens : 0;
		more = *at == ' ';
		at += more;
	} while (more);
	return 0;
}

/* What a row says twice has to be the same. */
static int check_row(const struct log *log, size_t row, uint64_t step, uint64_t distinct_keys, struct err *err)
{
	uint64_t sequences, new_tokens;
	if (read_whole(log, row, SEQUENCES, &sequences, err) < 0 || read_whole(log, row, NEW, &new_tokens, err) < 0)
		return -1;
	if (row > 0 && step != log->last_step + 1)
		err_set(err, "field \"step\" is %" PRIu64 "; expected %" PRIu64 ", as a step depends on those before it.", step,
		        log->last_step + 1);
	else if (sequences != log->part_count)
		err_set(err, "field \"sequences\" is %" PRIu64 "; expected %u, as many as \"parts\" has.", sequences,
		        log->part_count);
	else if (new_tokens != log->new_tokens)
		err_set(err, "field \"new_tokens\" is %" PRIu64 "; expected %" PRIu64 ", as many as \"parts\" has.", new_tokens,
		        log->new_tokens);
	else if (distinct_keys > log->context_tokens)
		err_set(err, "field \"distinct_keys\" is %" PRIu64 "; expected at most %" PRIu64 ", the tokens that \"parts\" come "
		             "after.", distinct_keys, log->context_tokens);
	else
		return 0;
	return csv_blame(log->csv, row, err);
}

/* The clock takes the measured time, whatever the forecast: prompts, which are what moves the history, end with the step. */
static int64_t predict(struct log *log, struct cost_model *model, uint64_t repeated_tokens, int64_t took_ns)
{
	const struct step step = {.parts = log->parts, .count = log->part_count, .repeated_tokens = repeated_tokens,
	                          .start_ns = log->now_ns, .history = &log->history};
	const int64_t predicted_ns = cost_model_backend.step_ns(model, &step);
	log->now_ns += took_ns;
	if (log->history.until_ns > step.start_ns)
		log->history.until_ns = log->now_ns;
	return predicted_ns;
}

static int read_step(struct log *log, size_t row, struct cost_model *model, struct step_compare_step *step, struct err *err)
{
	uint64_t number, distinct_keys, repeated;
	int64_t took_ns = 0, rest_ns = 0;
	if (read_whole(log, row, STEP, &number, err) < 0 || read_ms(log, row, REST, &rest_ns, err) < 0 ||
	    read_ms(log, row, TOOK, &took_ns, err) < 0 || read_whole(log, row, DISTINCT, &distinct_keys, err) < 0 ||
	    read_parts(log, row, err) < 0 || check_row(log, row, number, distinct_keys, err) < 0 ||
	    read_repeated(log, row, distinct_keys, &repeated, err) < 0)
		return -1;
	if (took_ns <= 0) {
		err_set(err, "field \"took_ms\" is \"%s\"; expected more than 0, which has no relative error.",
		        csv_text(log->csv, row, log->at[TOOK]));
		return csv_blame(log->csv, row, err);
	}
	log->last_step = number;
	log->now_ns += rest_ns;
	*step = (struct step_compare_step){
	        .step = number,
	        .new_tokens = log->new_tokens,
	        .sequences = log->part_count,
	        .measured_ns = took_ns,
	        .predicted_ns = predict(log, model, repeated, took_ns),
	};
	return 0;
}

static size_t class_of(const struct step_compare_step *step)
{
	size_t c = 0;
	while (step->new_tokens > size_classes[c].most_new_tokens)
		c++;
	return c;
}

/* `errors` has room for as many as there are steps. */
static void fill_class(struct step_compare *compare, size_t c, double *errors)
{
	struct step_compare_class *class = &compare->classes[c];
	for (size_t i = 0; i < compare->count; i++) {
		const struct step_compare_step *step = &compare->steps[i];
		if (c + 1 < STEP_COMPARE_CLASSES && class_of(step) != c)
			continue;
		const double error = (double)step->predicted_ns / (double)step->measured_ns - 1;
		class->measured_ms += (double)step->measured_ns / (double)NS_PER_MS;
		class->predicted_ms += (double)step->predicted_ns / (double)NS_PER_MS;
		class->mean_absolute += fabs(error);
		errors[class->steps++] = error;
	}
	if (class->steps == 0)
		return;
	gsl_sort(errors, 1, class->steps);
	class->sum_error = class->predicted_ms / class->measured_ms - 1;
	class->mean_absolute /= (double)class->steps;
	class->p5 = gsl_stats_quantile_from_sorted_data(errors, 1, class->steps, 0.05);
	class->p50 = gsl_stats_quantile_from_sorted_data(errors, 1, class->steps, 0.50);
	class->p95 = gsl_stats_quantile_from_sorted_data(errors, 1, class->steps, 0.95);
}

static void fill_classes(struct step_compare *compare)
{
	double *errors = mem_alloc(compare->count, sizeof(*errors));
	for (size_t c = 0; c < STEP_COMPARE_CLASSES; c++) {
		compare->classes[c] = size_classes[c];
		fill_class(compare, c, errors);
	}
	const double all_ms = compare->classes[STEP_COMPARE_CLASSES - 1].measured_ms;
	for (size_t c = 0; c < STEP_COMPARE_CLASSES; c++)
		compare->classes[c].time_share = compare->classes[c].measured_ms / all_ms;
	free(errors);
}

int step_compare_run(struct step_compare *compare, const char *path, const struct calibration *calibration, struct err *err)
{
	struct cost_model model = cost_model_of(calibration);
	struct log log;
	*compare = (struct step_compare){.count = 0};
	int failed = open_log(&log, path, calibration, err) < 0;
	if (!failed)
		compare->steps = mem_alloc(csv_rows(log.csv), sizeof(*compare->steps));
	for (size_t row = 0; !failed && row < csv_rows(log.csv); row++)
		failed = read_step(&log, row, &model, &compare->steps[compare->count++], err) < 0;
	if (failed)
		step_compare_free(compare);
	else
		fill_classes(compare);
	close_log(&log);
	return failed ? -1 : 0;
}

void step_compare_free(struct step_compare *compare)
{
	free(compare->steps);
	compare->steps = NULL;
}

static void put_ms(struct output *output, int64_t ns)
{
	output_printf(output, ",%" PRId64 ".%06" PRId64, ns / NS_PER_MS, ns % NS_PER_MS);
}

int step_compare_write_rows(const struct step_compare *compare, const char *path, struct err *err)
{
	struct output *output = output_open(path, err);
	if (!output)
		return -1;
	output_printf(output, "step,new_tokens,sequences,measured_ms,predicted_ms\n");
	for (size_t i = 0; i < compare->count; i++) {
		const struct step_compare_step *step = &compare->steps[i];
		output_printf(output, "%" PRIu64 ",%" PRIu64 ",%u", step->step, step->new_tokens, step->sequences);
		put_ms(output, step->measured_ns);
		put_ms(output, step->predicted_ns);
		output_printf(output, "\n");
	}
	return output_commit(output, err);
}
