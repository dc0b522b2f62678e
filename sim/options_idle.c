/* options_idle.c - what the command line says and this run has no use for; see options.h. */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *reason(const struct run_options *options, enum option_id id)
{
	const struct run_config *config = &options->config;
	const bool replays = config->engine == ENGINE_REPLAY;
	const bool has_archive = options->tier_count > 1 && options->tiers[options->tier_count - 1].is_archive;
	switch ((int)id) {
	case OPTION_STEP_TOKENS:
	case OPTION_MAX_RUNNING:
		return replays                           ? "--engine replay serves every request at once"
		       : config->engine == ENGINE_STATIC ? "--engine static takes one whole request at a time"
		                                         : NULL;
	case OPTION_ANSWERS:
		return replays ? "--engine replay knows prompts only" : NULL;
	case OPTION_LOAD:
	case OPTION_NO_OFFLOAD:
		return options->tier_count > 1 ? NULL : "there is no lower tier";
	case OPTION_ARCHIVE_EVERY:
	case OPTION_ARCHIVE_RATE:
		return has_archive ? NULL : "there is no tier of the name archive";
	case OPTION_ROUTER:
		return config->replicas > 1 ? NULL : "there is one replica";
	case OPTION_SESSIONS:
		return config->closed_loop ? NULL : "it counts for --arrivals closed only";
	default:
		return NULL;
	}
}

void options_idle(const struct run_options *options, void (*tell)(const char *sentence))
{
	char sentence[160];
	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *why = options->text[id] && !options->preset_lines[id] ? reason(options, (enum option_id)id) : NULL;
		if (!why)
			continue;
		snprintf(sentence, sizeof(sentence), "--%s has no effect here: %s.", options_name((enum option_id)id), why);
		tell(sentence);
	}
	const struct tier_config *first = &options->tiers[0];
	if (options->tier_count == 0 || (isinf(first->read_bytes_per_s) && isinf(first->write_bytes_per_s) && first->latency_ns == 0 &&
	                                 isinf(first->inflate_bytes_per_s) && first->compress_ratio == 1 &&
	                                 first->store == TIER_STORE_DEMOTE && first->promote == TIER_PROMOTE_ALWAYS))
		return;
	snprintf(sentence, sizeof(sentence), "--tier %s: the first tier has no link; of its keys evict, ttl, expired and price have an "
	                                     "effect.", first->name);
	tell(sentence);
}
