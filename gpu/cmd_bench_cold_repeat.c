/* cmd_bench_cold_repeat.c - kvcast-gpu bench cold-repeat: a manual read for the first time, and ever after. */
#include "cmd_bench_lab.h"
#include "experiment_repeat.h"
#include "gpu_cli.h"

enum { KEY_QUESTIONS = 0x500 };

static const struct argp_option option_table[] = {
    {"questions", KEY_QUESTIONS, "N", 0, "requests, by the agents in turn; default 24", 2},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct cmd_bench_lab *lab = state->input;
	switch (key) {
	case KEY_QUESTIONS:
		lab->manual.sessions = cmd_bench_lab_whole(state, "--questions", arg, 2, 10000);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = lab;
		state->child_inputs[1] = lab;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(struct cmd_bench_lab *lab, const struct experiment_manual_trace *made, struct err *err)
{
	struct experiment_repeat repeat = {
	    .experiment = {.trace = made->trace, .config = lab->options.config},
	    .manual_tokens = made->manual_tokens,
	    .command = lab->command,
	    .model = lab->model,
	    .calibration = lab->calibration,
	    .forecast = lab->forecast,
	    .folder = lab->folder,
	};
	const struct experiment *const experiment = &repeat.experiment;
	int failed =
	    cmd_bench_lab_open(lab, &experiment, 1, err) < 0 || experiment_repeat_run(&repeat, &lab->device, err) < 0;
	if (!failed) {
		experiment_repeat_report(&repeat, stdout);
		failed = experiment_repeat_check(&repeat, err) < 0;
	}
	experiment_free(&repeat.experiment);
	return failed ? -1 : 0;
}

int cmd_bench_cold_repeat(int argc, char **argv)
{
	static const struct argp_child children[] = {
	    {&cmd_bench_lab_manual_argp, 0, NULL, 0}, {&cmd_bench_lab_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
	    .options = option_table,
	    .parser = parse_option,
	    .doc = "Agents ask about one long manual, one after another; the first request reads it, all others find "
		   "it in the "
		   "cache. Says how long each waits for its first token, measured and predicted, and fails where a "
		   "repeat does not "
		   "hit the whole manual or TTFT does not fall by 70 %.\v"
		   "FOLDER gets trace.jsonl.gz, predicted.csv and measured.csv for kvcast compare, table.csv for "
		   "plots/cold_repeat.gp, and report.md, which is printed too.\n\n"
		   "Example: kvcast-gpu bench cold-repeat --model llama-3.1-8b -o out/cold-repeat",
	    .children = children,
	};
	struct cmd_bench_lab lab = {.manual = {.manual_tokens = 12000,
					       .agents = 12,
					       .sessions = 24,
					       .turns = 1,
					       .answer_tokens = 32,
					       .order = "manual,agent,question"}};
	struct experiment_manual_trace made = {.trace = NULL};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &lab) != 0)
		return 2;
	int status = 0;
	if (cmd_bench_lab_load(&lab, argc, argv, &err) < 0)
		status = gpu_cli_fail(&err);
	else if (gpu_cli_need_device())
		status = 1;
	else if (cmd_bench_lab_make_folder(lab.folder, &err) < 0 ||
		 experiment_manual_make(&made, &lab.manual, lab.folder, "trace.jsonl.gz", &err) < 0 ||
		 run(&lab, &made, &err) < 0)
		status = gpu_cli_fail(&err);
	else
		status = gpu_cli_finish_stdout();
	experiment_manual_free(&made);
	cmd_bench_lab_close(&lab);
	return status;
}
