/* cmd_curve.c - kvcast curve TRACE: hit rates at every capacity, or at every TTL, or over both, from one pass. */
#include "cli.h"
#include "curve_table.h"
#include "ranks.h"
#include "report.h"
#include "share.h"
#include "units.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TTL = 0x200, KEY_SURFACE, KEY_BY, KEY_TTLS, KEY_RENT, KEY_SAMPLE, KEY_CSV, KEY_JSON, KEY_SHARED };

struct curve_command {
	struct run_options options;
	const char *trace_path, *by, *ttls, *rent, *sample;
	bool over_ttl, over_both;
	double sample_rate;
	struct curve_grid grid;
	struct curve_table table;
	int rank; /* of those that a launcher of MPI started and that share a surface; -1: alone */
	const struct reuse *reuse;
	struct surface_point *points; /* of the surface, in the first rank */
	size_t taken;
};

/* Options that other commands have too. */
static const enum option_id shared_ids[] = {OPTION_CAPACITY, OPTION_SEMANTICS, OPTION_PARTIAL_TAIL, OPTION_BLOCK, OPTION_SPEED,
                                            OPTION_WARMUP, OPTION_MAX_PROMPT, OPTION_MODEL, OPTION_CALIB, OPTION_PRICE, OPTION_SEED};

static const struct argp_option option_table[] = {
        {0, 0, 0, 0, "Which curve (default: lru over capacity):", 1},
        {"ttl", KEY_TTL, 0, 0, "a sliding TTL in memory without limit, over the TTL", 0},
        {"surface", KEY_SURFACE, 0, 0, "lru with a sliding TTL, over both", 0},
        {"by", KEY_BY, "class|turn", 0, "with --csv or --json: a curve for each class or turn", 0},
        {"capacity", KEY_SHARED + 0, "LIST", 0, "capacities of a table or surface; default round ones", 0},
        {"ttls", KEY_TTLS, "LIST", 0, "TTLs of a table or surface; default round ones", 0},
        {"sample", KEY_SAMPLE, "RATE", 0, "with --csv or --json: look at this share of the trace only, such as 0.01, drawn by whole prefix trees, since a prefix that lost a part would end there; blocks that more than a request in a hundred uses are all looked at. The columns token_hit_rate_low and _high give a 95 % interval of the estimate", 0},
        {"seed", KEY_SHARED + 10, "N", 0, "which trees are drawn; default 1", 0},
        {0, 0, 0, 0, "The cache and the traffic:", 2},
        {"semantics", KEY_SHARED + 1, "prefix|object", 0, "prefix (default): a block hits if all before it hit; object: every block for itself (capacity only)", 0},
        {"partial-tail", KEY_SHARED + 2, "cache|skip", 0, "whether a last block that is not full is cached; default cache", 0},
        {"block", KEY_SHARED + 3, "TOKENS", 0, "block size of token, text and segment traces; default: the trace's own", 0},
        {"speed", KEY_SHARED + 4, "X", 0, "requests arrive X times faster; default 1", 0},
        {"warmup", KEY_SHARED + 5, "FRACTION", 0, "serve this first part of the requests without counting it; default 0", 0},
        {"max-prompt", KEY_SHARED + 6, "N", 0, "shorten prompts to N tokens", 0},
        {0, 0, 0, 0, "Bytes, time and money:", 3},
        {"model", KEY_SHARED + 7, "NAME|FILE", 0, "gives the bytes of KV a token: a preset or a Hugging Face config.json", 0},
        {"calib", KEY_SHARED + 8, "NAME|FILE", 0, "gives the times: a calibration file or the name of a built-in one", 0},
        {"price", KEY_SHARED + 9, "gpu=DOLLARS/hour", 0, "what a GPU hour costs; default 3", 0},
        {"rent", KEY_RENT, "DOLLARS/GB-hour", 0, "what a GB-hour (GB = 10^9 bytes) of the memory that holds costs; default 0.02", 0},
        {0, 0, 0, 0, "Output:", 4},
        {"csv", KEY_CSV, 0, 0, "one row wherever the curve changes, or a point of the surface", 0},
        {"json", KEY_JSON, 0, 0, "the same as a JSON array", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct curve_command *command = state->input;
	if (key >= KEY_SHARED && key < KEY_SHARED + (int)COUNT_OF(shared_ids)) {
		command->options.text[shared_ids[key - KEY_SHARED]] = arg;
		return 0;
	}
	switch (key) {
	case KEY_TTL:
		command->over_ttl = true;
		return 0;
	case KEY_SURFACE:
		command->over_both = true;
		return 0;
	case KEY_BY:
		if (strcmp(arg, "class") != 0 && strcmp(arg, "turn") != 0)
			argp_error(state, "--by %s: expected class or turn", arg);
		command->by = arg;
		return 0;
	case KEY_TTLS:
		command->ttls = arg;
		return 0;
	case KEY_RENT:
		command->rent = arg;
		return 0;
	case KEY_SAMPLE:
		command->sample = arg;
		return 0;
	case KEY_CSV:
		command->table.form = CURVE_FORM_CSV;
		return 0;
	case KEY_JSON:
		command->table.form = CURVE_FORM_JSON;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one trace at a time");
		command->trace_path = arg;
		return 0;
	case ARGP_KEY_INIT:
		if (command->rank > 0) /* the first one says it */
			state->out_stream = state->err_stream = fopen("/dev/null", "w");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a trace is missing: a file, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int check(struct curve_command *command, struct err *err)
{
	const bool objects = command->options.config.semantics == SEMANTICS_OBJECT;
	if (command->over_ttl && command->over_both)
		return err_set(err, "--ttl and --surface are two curves: expected one of them.");
	if (objects && (command->over_ttl || command->over_both || command->by))
		return err_set(err, "--semantics object: only the curve over capacity, of all requests together, is known for it.");
	if (command->sample && (units_real(command->sample, &command->sample_rate, err) < 0 || !(command->sample_rate > 0) ||
	                        command->sample_rate > 1))
		return err_set(err, "--sample %s: expected a share of the trace above 0 and at most 1, such as 0.01.", command->sample);
	if (command->sample && (command->table.form == CURVE_FORM_TABLE || command->over_both || command->by || objects))
		return err_set(err, "--sample: expected --csv or --json, and a curve over capacity or TTL, of all requests together, under "
		                    "prefix semantics.");
	if (command->options.text[OPTION_SEED] && !command->sample)
		return err_set(err, "--seed says which trees are drawn; expected --sample beside it.");
	if (command->by && (command->table.form == CURVE_FORM_TABLE || command->over_both))
		return err_set(err, "--by %s: expected --csv or --json, and a curve over capacity or TTL.", command->by);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static int read_capacities(struct curve_command *command, const struct trace *trace, const char *text, struct err *err)
{
	char *list = mem_copy_text(text), *rest = list;
	int failed = 0;
	for (struct curve_grid *grid = &command->grid; rest && !failed;) {
		if (grid->capacity_count == CURVE_TABLE_MOST)
			failed = err_set(err, "--capacity: more than %d capacities.", CURVE_TABLE_MOST);
		else
			failed = options_capacity(&command->options, trace, "--capacity", strsep(&rest, ","),
			                          &grid->capacities[grid->capacity_count++], err);
	}
	qsort(command->grid.capacities, command->grid.capacity_count, sizeof(uint64_t), by_value);
	free(list);
	return failed;
}

static int read_ttls(struct curve_command *command, struct err *err)
{
	char *list = mem_copy_text(command->ttls), *rest = list;
	int failed = 0;
	for (struct curve_grid *grid = &command->grid; rest && !failed;) {
		if (grid->ttl_count == CURVE_TABLE_MOST)
			failed = err_set(err, "--ttls: more than %d TTLs.", CURVE_TABLE_MOST);
		else if (units_duration(strsep(&rest, ","), &grid->ttls_ns[grid->ttl_count++], err) < 0)
			failed = err_prefix(err, "--ttls: ");
	}
	/* No TTL is negative, so their order is that of unsigned numbers. */
	qsort(command->grid.ttls_ns, command->grid.ttl_count, sizeof(uint64_t), by_value);
	free(list);
	return failed;
}

/* The value at which a curve has all its hits. */
static uint64_t last_value(struct curve *curve)
{
	struct curve_point point = {0};
	while (curve_next(curve, &point))
		continue;
	curve_rewind(curve);
	return point.at;
}

static void print_groups(struct curve_command *command, const struct reuse *reuse, enum curve_axis axis)
{
	const struct trace *trace = command->table.trace;
	const bool classes = strcmp(command->by, "class") == 0;
	uint32_t count = trace->class_count;
	for (uint32_t r = 0; !classes && r < trace->request_count; r++)
		count = trace->requests[r].turn >= count ? trace->requests[r].turn + 1 : count;
	for (uint32_t which = 0; which < count; which++) {
		char turn[16];
		struct curve *curve = curve_open(reuse, axis, (struct curve_group){classes ? CURVE_CLASS : CURVE_TURN, which});
		snprintf(turn, sizeof(turn), "%u", which);
		if (curve_totals(curve)->requests)
			curve_table_rows(&command->table, axis, curve, classes ? trace->class_names[which] : turn);
		curve_close(curve);
	}
}

/* The values of tables and surfaces: as asked for, else round ones. */
static int make_grid(struct curve_command *command, const struct reuse *reuse, struct err *err)
{
	const struct curve_group all = {CURVE_ALL, 0};
	const char *capacities = command->options.text[OPTION_CAPACITY];
	if (capacities && read_capacities(command, command->table.trace, capacities, err) < 0)
		return -1;
	if (command->ttls && read_ttls(command, err) < 0)
		return -1;
	if (!capacities && !command->over_ttl) {
		struct curve *curve = reuse ? curve_open(reuse, CURVE_CAPACITY, all)
		                            : curve_open_objects(command->table.trace, &command->options.config);
		curve_table_round_capacities(last_value(curve), &command->grid);
		curve_close(curve);
	}
	if (!command->ttls && (command->over_ttl || command->over_both)) {
		struct curve *curve = curve_open(reuse, CURVE_TTL, all);
		curve_table_round_ttls((int64_t)last_value(curve), &command->grid);
		curve_close(curve);
	}
	return 0;
}

/* A part of the surface: what all capacities come to with one TTL. */
static char *make_row(void *context, size_t part, struct err *err)
{
	const struct curve_command *command = context;
	const struct curve_grid *grid = &command->grid;
	struct surface_point points[CURVE_TABLE_MOST];
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	(void)err;
	if (!to)
		panic_memory(BUFSIZ, __FILE__, __LINE__);
	surface_points(command->reuse, &grid->ttls_ns[part], 1, grid->capacities, grid->capacity_count, points);
	for (size_t c = 0; c < grid->capacity_count; c++)
		surface_write(&points[c], to);
	if (fclose(to) != 0)
		panic_memory(size, __FILE__, __LINE__);
	return text;
}

static void take_row(void *context, const char *text)
{
	struct curve_command *command = context;
	for (size_t c = 0; c < command->grid.capacity_count; c++)
		text = surface_read(&command->points[command->taken++], text);
}

static int print_surface(struct curve_command *command, const struct curve *curve, struct err *err)
{
	const struct curve_grid *grid = &command->grid;
	const struct share_work work = {grid->ttl_count, make_row, take_row, command};
	command->points = mem_alloc(grid->ttl_count * grid->capacity_count, sizeof(*command->points));
	const int failed = share_out(&work, err);
	if (!failed && ranks_is_first()) {
		if (command->table.form == CURVE_FORM_TABLE)
			curve_table_surface(&command->table, command->points, curve, grid);
		else
			curve_table_surface_rows(&command->table, command->points, curve, grid);
		curve_table_end(&command->table);
	}
	free(command->points);
	return failed;
}

/* `reuse` is NULL under object semantics. */
static int print(struct curve_command *command, const struct reuse *reuse, struct err *err)
{
	struct curve_table *table = &command->table;
	const enum curve_axis axis = command->over_ttl ? CURVE_TTL : CURVE_CAPACITY;
	const bool rows = table->form != CURVE_FORM_TABLE;
	if ((command->over_both || !rows) && make_grid(command, reuse, err) < 0)
		return -1;
	struct curve *curve = reuse ? curve_open(reuse, axis, (struct curve_group){CURVE_ALL, 0})
	                            : curve_open_objects(table->trace, &command->options.config);
	if (command->over_both) {
		const int failed = print_surface(command, curve, err);
		curve_close(curve);
		return failed;
	}
	if (command->by)
		print_groups(command, reuse, axis);
	else if (rows)
		curve_table_rows(table, axis, curve, NULL);
	else if (axis == CURVE_TTL)
		curve_table_ttl(table, reuse, curve, &command->grid);
	else
		curve_table_capacity(table, reuse, curve, &command->grid);
	curve_table_end(table);
	curve_close(curve);
	return 0;
}

static int print_sample(struct curve_command *command, struct err *err)
{
	struct curve_table *table = &command->table;
	const enum curve_axis axis = command->over_ttl ? CURVE_TTL : CURVE_CAPACITY;
	const struct run_config *config = &command->options.config;
	struct sampled *sampled = sampled_open(table->trace, config, axis, command->sample_rate, config->seed, err);
	if (!sampled)
		return err_prefix(err, "--sample %s: ", command->sample);
	char drawn[32], trees[32], begin[32], note[160];
	int length = snprintf(note, sizeof(note), "%s of %s prefix trees were looked at", report_count(sampled_drawn_trees(sampled), drawn, sizeof(drawn)),
	         report_count(sampled_trees(sampled), trees, sizeof(trees)));
	if (sampled_begin(sampled))
		length += snprintf(note + length, sizeof(note) - (size_t)length, "; the estimate begins at %s blocks",
		                   report_count(sampled_begin(sampled), begin, sizeof(begin)));
	snprintf(note + length, sizeof(note) - (size_t)length, ".");
	cli_note(note);
	curve_table_sampled_rows(table, axis, sampled);
	curve_table_end(table);
	sampled_close(sampled);
	return 0;
}

static int curve_trace(struct curve_command *command, const struct trace *trace, struct err *err)
{
	const struct run_config *config = &command->options.config;
	if (check(command, err) < 0 || options_rent(command->rent, &command->table.rent_per_gb_hour, err) < 0)
		return -1;
	command->table.trace = trace;
	command->table.options = &command->options;
	command->table.to = stdout;
	if (command->sample)
		return print_sample(command, err);
	struct reuse *reuse = config->semantics == SEMANTICS_PREFIX ? reuse_open(trace, config, NULL) : NULL;
	command->reuse = reuse;
	const int failed = print(command, reuse, err);
	reuse_close(reuse);
	return failed;
}

/* With several ranks, the first one prints; all have the same exit code. */
static int curve_with_ranks(struct curve_command *command)
{
	struct err err;
	const int failed_start = command->rank >= 0 && command->over_both ? ranks_start(&err) : 0;
	struct trace *trace = failed_start ? NULL : share_load(&command->options, command->trace_path, false, &err);
	const int failed = trace ? curve_trace(command, trace, &err) : -1;
	if (trace)
		ranks_unshare(trace);
	options_free(&command->options);
	const int code = cli_end(command->rank <= 0, failed, &err);
	ranks_finish();
	return code;
}

int cmd_curve(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "TRACE",
	        .doc = "Says what lru would hit at every capacity, or a sliding TTL at every TTL, exactly and from one pass.\v"
	               "The same figures as `kvcast sweep` (engine replay), at every value instead of a few. Under mpirun the ranks share the TTLs of --surface; the "
	               "other curves, which take a moment, are the first one's. Examples:\n"
	               "  kvcast curve trace.jsonl.gz --model llama-3.1-8b\n"
	               "  kvcast curve trace.jsonl.gz --ttl --csv > ttl.csv\n"
	               "  kvcast curve trace.jsonl.gz --surface --ttls 1m,5m --capacity 1e4,inf",
	};
	struct curve_command command = {.rank = share_rank()};
	if (argp_parse(&argp, argc, argv, command.rank > 0 ? ARGP_NO_ERRS : 0, NULL, &command) != 0)
		return 2;
	if (command.rank > 0 && !command.over_both)
		return 0;
	return curve_with_ranks(&command);
}
