/* prompts.h - prompts as token ids, a line each, from a text file. Lines may be of any length; empty ones are skipped. */
#ifndef KVCAST_PROMPTS_H
#define KVCAST_PROMPTS_H

#include "base.h"
#include "err.h"

struct prompts_one {
	uint32_t *ids, length;
};

struct prompts {
	struct prompts_one *list;
	uint32_t count;
};

/* -1 and a sentence for what cannot be read, is no number below `vocabulary`, has more than `longest` ids on a line, or
 * holds no prompt. prompts_free() releases them. */
int prompts_load(struct prompts *prompts, const char *path, uint32_t vocabulary, uint32_t longest, struct err *err);
void prompts_free(struct prompts *prompts);

#endif
