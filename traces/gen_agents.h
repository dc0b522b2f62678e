/* gen_agents.h - the roles of generated agents: a short name and a prompt each.
 *
 * There are GEN_AGENTS_BUILT_IN built-in roles that read a manual from different sides. More agents than that are the
 * same roles in further teams ("You are the Compliance Auditor of team 2. ..."), named with the team's number. Prompts
 * end with a blank line.
 */
#ifndef KVCAST_GEN_AGENTS_H
#define KVCAST_GEN_AGENTS_H

#include "gen_text.h"

#define GEN_AGENTS_BUILT_IN 12

struct gen_agent {
	char *name; /* "compliance-auditor"; no two are equal */
	struct gen_text prompt;
	uint32_t *tokens;
	size_t token_count, token_capacity;
};

struct gen_agents {
	struct gen_agent *agents;
	size_t count;
};

void gen_agents_built_in(struct gen_agents *agents, size_t count);

/* One prompt a paragraph; a file without a blank line has one a line. `count` 0 takes all of them. An agent's name is
 * made of the words after "You are the|a|an" up to a mark, four at most; without such words it is "agent". -1 and a
 * sentence that names the file where it cannot be read or has fewer than `count`. */
int gen_agents_read(struct gen_agents *agents, const char *path, size_t count, struct err *err);

void gen_agents_free(struct gen_agents *agents);

#endif
