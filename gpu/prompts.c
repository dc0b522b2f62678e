#include "prompts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ids of a line; the caller frees them, also after a failure. */
static int read_line(struct prompts_one *prompt, const char *line, uint32_t vocabulary, uint32_t longest, struct err *err)
{
	static const char spaces[] = " \t\r\n";
	uint32_t room = 0;
	for (const char *at = line + strspn(line, spaces); *at; at += strspn(at, spaces)) {
		char *end;
		errno = 0;
		const unsigned long id = strtoul(at, &end, 10);
		if (*at < '0' || *at > '9' || errno || id >= vocabulary || (*end && !strchr(spaces, *end)))
			return err_set(err, "\"%.*s\" is no token id; expected a whole number below %" PRIu32 ".", (int)strcspn(at, spaces), at,
			               vocabulary);
		if (prompt->length == longest)
			return err_set(err, "the prompt has more than %" PRIu32 " tokens, the most that the model takes here.", longest);
		if (prompt->length == room) {
			room = room ? 2 * room : 256;
			prompt->ids = mem_grow(prompt->ids, room, sizeof(*prompt->ids));
		}
		prompt->ids[prompt->length++] = (uint32_t)id;
		at = end;
	}
	return 0;
}

static int read_all(struct prompts *prompts, FILE *file, uint32_t vocabulary, uint32_t longest, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	int failed = 0;
	while (!failed && getline(&line, &size, file) >= 0) {
		struct prompts_one prompt = {NULL, 0};
		number++;
		failed = read_line(&prompt, line, vocabulary, longest, err);
		if (failed)
			err_prefix(err, "line %u: ", number);
		if (failed || prompt.length == 0) {
			free(prompt.ids);
			continue;
		}
		prompts->list = mem_grow(prompts->list, prompts->count + 1, sizeof(*prompts->list));
		prompts->list[prompts->count++] = prompt;
	}
	free(line);
	if (!failed && ferror(file))
		failed = err_set(err, "it cannot be read: %s.", strerror(errno));
	if (!failed && prompts->count == 0)
		failed = err_set(err, "it holds no prompt; expected lines of token ids.");
	return failed;
}

int prompts_load(struct prompts *prompts, const char *path, uint32_t vocabulary, uint32_t longest, struct err *err)
{
	FILE *file = fopen(path, "r");
	*prompts = (struct prompts){NULL, 0};
	if (!file)
		return err_set(err, "%s cannot be opened: %s.", path, strerror(errno));
	const int failed = read_all(prompts, file, vocabulary, longest, err);
	fclose(file);
	if (!failed)
		return 0;
	prompts_free(prompts);
	return err_prefix(err, "%s: ", path);
}

void prompts_free(struct prompts *prompts)
{
	for (uint32_t i = 0; i < prompts->count; i++)
		free(prompts->list[i].ids);
	free(prompts->list);
	*prompts = (struct prompts){NULL, 0};
}
