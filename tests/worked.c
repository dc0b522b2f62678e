#include "worked.h"

#include "cache.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS 26
#define SESSIONS 10
#define MOST_REQUESTS 256
#define MOST_TEXT 4096

/* What is known of the letters, and the one request being served. */
struct play {
	struct cache *cache;
	bool objects;
	block_id parent[LETTERS];
	uint32_t depth[LETTERS];
	const char *class_names[LETTERS];
	char class_texts[LETTERS][2];
	uint32_t turns[SESSIONS];
	struct trace_request requests[MOST_REQUESTS];
};

static _Noreturn void refuse(const char *what, const char *text)
{
	fprintf(stderr, "worked: %s: %s\n", what, text);
	exit(1);
}

static bool is_block(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Learns the forest from the words: a letter's parent is the one before it. */
static void learn_forest(struct play *play, const char *requests)
{
	bool known[LETTERS] = {false};
	for (const char *at = requests; *at; at++) {
		if (!is_block(*at))
			continue;
		const int letter = *at - 'A';
		const block_id parent = at > requests && is_block(at[-1]) ? (block_id)(at[-1] - 'A') : BLOCK_NONE;
		if (known[letter] && play->parent[letter] != parent)
			refuse("a letter after two different ones", at);
		known[letter] = true;
		play->parent[letter] = parent;
		play->depth[letter] = parent == BLOCK_NONE ? 0 : play->depth[parent] + 1;
	}
}

/* Which request is of which session; how many there are. */
static uint32_t learn_sessions(struct play *play, const char *requests)
{
	uint32_t count = 0;
	for (const char *word = requests; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL) {
		const char *sign = word + strcspn(word, "# ");
		if (count == MOST_REQUESTS)
			refuse("too many requests", requests);
		play->requests[count++].session = *sign == '#' ? (uint32_t)(sign[-1] - '0') : TRACE_NO_SESSION;
	}
	return count;
}

/* For offline policies: which request is the next to have each of this one's letters. */
static void show_future(struct play *play, const char *word, uint64_t seq)
{
	const char *others = strchr(word, ' ');
	for (const char *at = word; *at && *at != ' '; at++) {
		uint32_t found = UINT32_MAX;
		uint64_t next = seq;
		for (const char *later = others; later && *later && found == UINT32_MAX; later++) {
			next += *later == ' ';
			if (*later == *at)
				found = (uint32_t)next;
		}
		if (is_block(*at))
			cache_next_use(play->cache)[*at - 'A'] = found;
	}
}

static void serve(struct play *play, const char *word, uint32_t index)
{
	struct policy_now *now = cache_now(play->cache);
	struct trace_run runs[LETTERS];
	struct path path = {runs, 0};
	uint32_t prompt_tokens = 0, prefix_tokens = UINT32_MAX, output_tokens = 1, class_id = TRACE_NO_CLASS;
	uint32_t session = TRACE_NO_SESSION, turn = 1;
	int32_t priority = INT32_MIN;
	double expected_reuse = NAN;
	char *rest = (char *)(uintptr_t)word;
	if (*rest == '@') {
		cache_advance(play->cache, (int64_t)(strtod(rest + 1, &rest) * (double)NS_PER_S));
		if (*rest++ != ':')
			refuse("no colon after the time", word);
	}
	if (rest[0] >= '0' && rest[0] <= '9' && rest[1] == '#') {
		session = (uint32_t)(rest[0] - '0');
		turn = ++play->turns[session];
		rest += 2;
	}
	if (rest[0] >= 'a' && rest[0] <= 'z' && rest[1] == '.') {
		class_id = (uint32_t)(rest[0] - 'a');
		rest += 2;
	}
	for (; is_block(*rest); rest++)
		runs[prompt_tokens++] = (struct trace_run){(block_id)(*rest - 'A'), 1};
	if (*rest == '!')
		priority = (int32_t)strtol(rest + 1, &rest, 10);
	if (*rest == '?')
		expected_reuse = strtod(rest + 1, &rest);
	if (*rest == '/')
		prefix_tokens = (uint32_t)strtoul(rest + 1, &rest, 10);
	if (*rest == '+')
		output_tokens = (uint32_t)strtoul(rest + 1, &rest, 10);
	if (*rest != ' ' && *rest != '\0')
		refuse("not understood", rest);
	path.block_count = prompt_tokens;
	*now = (struct policy_now){.seq = now->seq, .now_ns = now->now_ns, .request = index, .ordinal = index,
	                           .session = session, .turn = turn, .class_id = class_id, .workload = TRACE_NO_CLASS,
	                           .prompt_tokens = prompt_tokens, .output_tokens = output_tokens, .prefix_tokens = prefix_tokens,
	                           .priority = priority, .think_ns = -1, .cost = NAN, .expected_reuse = expected_reuse,
	                           .perplexity = NAN, .time_variance = NAN};
	if (play->objects) {
		for (uint32_t i = 0; i < prompt_tokens; i++) {
			uint8_t hit;
			cache_objects(play->cache, &runs[i].first, NULL, 1, &hit);
		}
		return;
	}
	uint32_t missed[BLOCK_STATES] = {0};
	now->seq++;
	if (cache_needs_future(play->cache))
		show_future(play, word, now->seq);
	const uint32_t hit = cache_lookup(play->cache, path);
	cache_release(play->cache, path, cache_acquire(play->cache, path, hit, missed));
}

static double recompute_ns(const void *cost, uint32_t depth)
{
	(void)cost;
	return 1e6 * (depth + 1);
}

const char *worked(const char *evict, uint64_t capacity_blocks, enum worked_scope scope, const char *requests)
{
	return worked_ttl(evict, "none", capacity_blocks, scope, requests);
}

const char *worked_ttl(const char *evict, const char *ttl, uint64_t capacity_blocks, enum worked_scope scope,
                       const char *requests)
{
	static char result[MOST_TEXT];
	struct play play = {.objects = scope == WORKED_OBJECT};
	struct err err;
	struct spec specs[2];
	if (spec_parse(&specs[0], evict, &err) < 0 || spec_parse(&specs[1], ttl, &err) < 0)
		refuse(evict, err.text);
	learn_forest(&play, requests);
	for (int i = 0; i < LETTERS; i++) {
		play.class_texts[i][0] = (char)('a' + i);
		play.class_names[i] = play.class_texts[i];
	}
	const struct trace trace = {.block_tokens = 1, .tail_listed = true, .block_count = LETTERS, .parent = play.parent,
	                            .depth = play.depth, .class_count = LETTERS, .class_names = play.class_names,
	                            .request_count = learn_sessions(&play, requests), .requests = play.requests,
	                            .session_count = strchr(requests, '#') ? SESSIONS : 0};
	const struct cache_config config = {.evict = &specs[0], .ttl = &specs[1], .capacity_blocks = capacity_blocks,
	                                    .leaf = scope == WORKED_LEAF, .objects = play.objects, .seed = 1,
	                                    .block_bytes = NAN, .recompute_ns = recompute_ns};
	play.cache = cache_open(&trace, &config, &err);
	if (!play.cache)
		refuse(evict, err.text);
	size_t length = 0;
	uint32_t index = 0;
	for (const char *word = requests; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL) {
		serve(&play, word, index++);
		const size_t start = length;
		for (block_id b = 0; b < LETTERS; b++) {
			if (cache_block_state(play.cache, b) == BLOCK_RESIDENT)
				result[length++] = (char)('A' + b);
		}
		if (length == start)
			result[length++] = '-';
		result[length++] = ' ';
		if (length + LETTERS + 2 > MOST_TEXT)
			refuse("too many requests", requests);
	}
	result[length - 1] = '\0';
	cache_close(play.cache);
	spec_free(&specs[0]);
	spec_free(&specs[1]);
	return result;
}
