/* cmd_bench_layout.c - kvcast-gpu bench layout: an agent's instructions after the manual, or before it. */
#include "cmd_bench_lab.h"
#include "experiment_layout.h"
#include "gpu_cli.h"

enum { KEY_TURNS = 0x500 };

static const struct argp_option option_table[] = {
    {"turns", KEY_TURNS, "N", 0, "questions an agent asks before the next one's turn comes; default 2", 2},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct cmd_bench_lab *lab = state->input;
	switch (key) {
	case KEY_TURNS:
		lab->manual.turns = cmd_bench_lab_whole(state, "--turns", arg, 2, 100);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = lab;
		state->child_inputs[1] = lab;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(struct cmd_bench_lab *lab, const struct experiment_manual_trace made[EXPERIMENT_ORDERS], struct err *err)
{
	struct experiment_layout layout = {
	    .manual_tokens = made[0].manual_tokens,
	    .command = lab->command,
	    .model = lab->model,
	    .calibration = lab->calibration,
	    .forecast = lab->forecast,
	    .folder = lab->folder,
	};
	const struct experiment *experiments[EXPERIMENT_ORDERS];
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++) {
		layout.experiments[i] = (struct experiment){.trace = made[i].trace, .config = lab->options.config};
		layout.manual_at[i] = made[i].manual_at;
		experiments[i] = &layout.experiments[i];
	}
	int failed = cmd_bench_lab_open(lab, experiments, EXPERIMENT_ORDERS, err) < 0 ||
		     experiment_layout_run(&layout, &lab->device, err) < 0;
	if (!failed) {
		experiment_layout_report(&layout, stdout);
		failed = experiment_layout_check(&layout, err) < 0;
	}
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++)
		experiment_free(&layout.experiments[i]);
	return failed ? -1 : 0;
}

static int make_traces(struct cmd_bench_lab *lab, struct experiment_manual_trace made[EXPERIMENT_ORDERS],
		       struct err *err)
{
	static const char *const files[EXPERIMENT_ORDERS] = {"after.jsonl.gz", "before.jsonl.gz"};
	if (cmd_bench_lab_make_folder(lab->folder, err) < 0)
		return -1;
	lab->manual.sessions = lab->manual.agents;
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++) {
		lab->manual.order = experiment_layout_orders[i];
		if (experiment_manual_make(&made[i], &lab->manual, lab->folder, files[i], err) < 0)
			return -1;
	}
	return 0;
}

int cmd_bench_layout(int argc, char **argv)
{
	static const struct argp_child children[] = {
	    {&cmd_bench_lab_manual_argp, 0, NULL, 0}, {&cmd_bench_lab_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .options = option_table,
	    .parser = parse_option,
	    .doc = "Agents ask about one long manual in turn: once with their instructions behind it, once in front of "
		   "it. Says what of "
		   "the manual a change of agent hits and how long it waits for the first token, measured and "
		   "predicted, and fails "
		   "unless that is all of it behind, and nothing in front.\v"
		   "FOLDER gets after.jsonl.gz and before.jsonl.gz, predicted and measured requests of both for kvcast "
		   "compare, "
		   "table.csv, and report.md, which is printed too. `kvcast trace layout FOLDER/before.jsonl.gz` finds "
		   "the same "
		   "without a GPU.\n\n"
		   "Example: kvcast-gpu bench layout --model llama-3.1-8b -o out/layout",
	    .children = children,
	};
	struct cmd_bench_lab lab = {.manual = {.manual_tokens = 12000, .agents = 12, .turns = 2, .answer_tokens = 32}};
	struct experiment_manual_trace made[EXPERIMENT_ORDERS] = {{.trace = NULL}};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &lab) != 0)
		return 2;
	int status = 0;
	if (cmd_bench_lab_load(&lab, argc, argv, &err) < 0)
		status = gpu_cli_fail(&err);
	else if (gpu_cli_need_device())
		status = 1;
	else if (make_traces(&lab, made, &err) < 0 || run(&lab, made, &err) < 0)
		status = gpu_cli_fail(&err);
	else
		status = gpu_cli_finish_stdout();
	for (size_t i = 0; i < EXPERIMENT_ORDERS; i++)
		experiment_manual_free(&made[i]);
	cmd_bench_lab_close(&lab);
	return status;
}
