#include "experiment_manual.h"

#include "experiment.h"
#include "gen.h"
#include "gen_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file to make a manual of; the caller frees the name. */
static char *one_file(const struct experiment_manual *manual, const char *folder, struct err *err)
{
	if (manual->path_count == 1)
		return mem_copy_text(manual->paths[0]);
	struct gen_text all = {0}, text = {0};
	int failed = 0;
	for (size_t i = 0; i < manual->path_count && !failed; i++) {
		failed = gen_text_read(&text, manual->paths[i], err);
		if (!failed) {
			gen_text_add(&all, text.text, text.length);
			gen_text_add_words(&all, "\n\n");
		}
		gen_text_free(&text);
		text = (struct gen_text){0};
	}
	char *path = experiment_path(folder, "manual.txt");
	struct output *output = failed ? NULL : output_open(path, err);
	if (output)
		output_write(output, all.text, all.length);
	if (!output || output_commit(output, err) < 0) {
		free(path);
		path = NULL;
	}
	gen_text_free(&all);
	return path;
}

/* Told piece by piece what prompts consist of. */
struct finder {
	uint64_t *manual_at;
	uint32_t count; /* requests begun */
	bool found;     /* in the last of them */
};

static void on_piece(void *context, uint32_t ordinal, const char *name, uint64_t tokens, const char *text,
		     size_t length)
{
	struct finder *finder = context;
	(void)text;
	(void)length;
	for (; finder->count <= ordinal; finder->count++) {
		finder->manual_at = mem_grow(finder->manual_at, finder->count + 1, sizeof(*finder->manual_at));
		finder->manual_at[finder->count] = 0;
		finder->found = false;
	}
	finder->found |= strncmp(name, "manual:", 7) == 0;
	if (!finder->found)
		finder->manual_at[ordinal] += tokens;
}

int experiment_manual_make(struct experiment_manual_trace *made, const struct experiment_manual *manual,
			   const char *folder, const char *name, struct err *err)
{
	char turns[32], answer[32];
	struct gen_summary summary;
	struct finder finder = {NULL, 0, false};
	char *manual_path = one_file(manual, folder, err), *path = experiment_path(folder, name);
	snprintf(turns, sizeof(turns), "%" PRIu64, manual->turns);
	snprintf(answer, sizeof(answer), "%" PRIu64, manual->answer_tokens);
	struct gen_options options = gen_defaults;
	options.manual_paths = (const char *const *)&manual_path;
	options.manual_count = 1;
	options.manual_tokens = manual->manual_tokens;
	options.agent_count = manual->agents;
	options.sessions = manual->sessions;
	options.turns = turns;
	options.answer = answer;
	options.think = "0s";
	options.arrivals = "fixed:rate=1";
	options.popularity = "rotate";
	options.order = manual->order;
	options.block_tokens = EXPERIMENT_BLOCK_TOKENS;
	options.seed = manual->seed;
	const struct trace_load_options load = {
	    .block_tokens = EXPERIMENT_BLOCK_TOKENS, .on_piece = on_piece, .on_piece_context = &finder};
	*made = (struct experiment_manual_trace){NULL, 0, NULL};
	if (manual_path && gen_write(&options, path, &summary, err) == 0)
		made->trace = trace_load(path, &load, err);
	made->manual_at = finder.manual_at;
	made->manual_tokens = made->trace ? summary.manual_tokens : 0;
	free(manual_path);
	free(path);
	if (made->trace)
		return 0;
	experiment_manual_free(made);
	return -1;
}

void experiment_manual_free(struct experiment_manual_trace *made)
{
	trace_free(made->trace);
	free(made->manual_at);
	*made = (struct experiment_manual_trace){NULL, 0, NULL};
}
