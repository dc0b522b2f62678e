#include "layout.h"

#include "builder.h"
#include "content.h"
#include "tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters of a text that name its piece. */
#define NAME_MOST 40

/* A piece in a prompt: a segment may be used in part. */
struct use {
	uint32_t piece;
	uint64_t tokens;
};

struct piece_body {
	uint32_t *tokens; /* of a text; NULL: a segment */
	bool unnamed;
	uint32_t owner; /* the first session or request that used it */
	uint64_t last_request; /* 1 + the last that counted it */
};

struct layout {
	struct trace *trace;
	struct idmap map;
	struct layout_piece *pieces;
	struct piece_body *bodies;
	size_t piece_room;
	struct use *uses;
	size_t use_count, use_room;
	size_t *first_use; /* [request_count + 1], by place in the file */
	size_t first_room;
	uint32_t requests;
	uint64_t common_tokens;
	uint64_t unnamed;
	uint32_t *tokens; /* of the text being cut */
	size_t token_room;
};

static void *grow(void *array, size_t *room, size_t needed, size_t size)
{
	if (needed <= *room)
		return array;
	*room = needed > *room * 2 ? needed : *room * 2;
	return mem_grow(array, *room, size);
}

static void add_piece(struct layout *layout, uint32_t piece, const char *name, size_t name_length, const uint32_t *tokens,
                      uint64_t count)
{
	const size_t room = layout->piece_room;
	layout->pieces = grow(layout->pieces, &layout->piece_room, (size_t)piece + 1, sizeof(*layout->pieces));
	if (layout->piece_room != room)
		layout->bodies = mem_grow(layout->bodies, layout->piece_room, sizeof(*layout->bodies));
	layout->pieces[piece] = (struct layout_piece){.name = mem_alloc(name_length + 1, 1)};
	memcpy(layout->pieces[piece].name, name, name_length);
	layout->bodies[piece] = (struct piece_body){.owner = UINT32_MAX};
	if (tokens) {
		layout->bodies[piece].tokens = mem_alloc(count, sizeof(*tokens));
		memcpy(layout->bodies[piece].tokens, tokens, count * sizeof(*tokens));
	}
}

static void add_use(struct layout *layout, uint32_t piece, uint64_t tokens)
{
	layout->uses = grow(layout->uses, &layout->use_room, layout->use_count + 1, sizeof(*layout->uses));
	layout->uses[layout->use_count++] = (struct use){piece, tokens};
	if (tokens > layout->pieces[piece].tokens)
		layout->pieces[piece].tokens = tokens;
}

static void use_segment(struct layout *layout, const char *name, uint64_t tokens)
{
	char own[32];
	bool added;
	if (!name)
		snprintf(own, sizeof(own), "(unnamed %llu)", (unsigned long long)++layout->unnamed);
	struct idmap_key key = content_name(name ? name : own);
	/* A segment could be named like that. */
	key.high ^= name == NULL;
	const uint32_t piece = idmap_add(&layout->map, key, &added);
	if (added) {
		add_piece(layout, piece, name ? name : "(unnamed)", strlen(name ? name : "(unnamed)"), NULL, 0);
		layout->bodies[piece].unnamed = name == NULL;
	}
	add_use(layout, piece, tokens);
}

/* Where the paragraph at `text` ends, the empty lines after it included. */
static size_t paragraph_length(const char *text, size_t length)
{
	size_t at = 0;
	while (at + 1 < length && !(text[at] == '\n' && text[at + 1] == '\n'))
		at++;
	while (at < length && text[at] == '\n')
		at++;
	return at + 1 < length ? at : length;
}

static void use_text(struct layout *layout, const char *text, size_t length)
{
	for (size_t at = 0, end; at < length; at = end) {
		end = at + paragraph_length(text + at, length - at);
		bool added;
		char *paragraph = mem_alloc(end - at + 1, 1);
		memcpy(paragraph, text + at, end - at);
		const uint32_t piece = idmap_add(&layout->map, content_name(paragraph), &added);
		const size_t count = tokenizer_encode(paragraph, end - at, &layout->tokens, &layout->token_room);
		const size_t line = strcspn(paragraph, "\r\n");
		if (added)
			add_piece(layout, piece, paragraph, line < NAME_MOST ? line : NAME_MOST, layout->tokens, count);
		add_use(layout, piece, count);
		free(paragraph);
	}
}

static void on_piece(void *context, uint32_t ordinal, const char *name, uint64_t tokens, const char *text, size_t length)
{
	struct layout *layout = context;
	for (; layout->requests <= ordinal; layout->requests++) {
		layout->first_use = grow(layout->first_use, &layout->first_room, (size_t)layout->requests + 2, sizeof(size_t));
		layout->first_use[layout->requests] = layout->use_count;
	}
	if (text)
		use_text(layout, text, length);
	else
		use_segment(layout, name, tokens);
	layout->first_use[layout->requests] = layout->use_count;
}

/* What is shorter does not make two prompts share a block. */
static bool fills_a_block(const struct layout *layout, const struct use *use)
{
	return use->tokens >= layout->trace->block_tokens;
}

static void count_request(struct layout *layout, uint32_t ordinal, uint32_t owner)
{
	for (size_t u = layout->first_use[ordinal]; u < layout->first_use[ordinal + 1]; u++) {
		struct layout_piece *piece = &layout->pieces[layout->uses[u].piece];
		struct piece_body *body = &layout->bodies[layout->uses[u].piece];
		if (body->last_request == (uint64_t)ordinal + 1 || !fills_a_block(layout, &layout->uses[u]))
			continue;
		body->last_request = (uint64_t)ordinal + 1;
		piece->requests++;
		if (piece->sessions_seen == 0)
			body->owner = owner;
		piece->sessions_seen = piece->sessions_seen == 0 || (piece->sessions_seen == 1 && body->owner == owner) ? 1 : 2;
	}
}

/* The prefix that ends with this use. */
static struct idmap_key follow(struct idmap_key prefix, const struct use *use)
{
	char text[96];
	snprintf(text, sizeof(text), "%016llx%016llx %u %llu", (unsigned long long)prefix.high, (unsigned long long)prefix.low,
	         use->piece, (unsigned long long)use->tokens);
	return content_name(text);
}

/* Finds where the request's prefix ends, and books what is lost there. `known` are the pieces seen before. */
static void find_bust(struct layout *layout, uint32_t ordinal, struct idmap *prefixes, const uint8_t *known)
{
	struct idmap_key prefix = {0, 0};
	const size_t first = layout->first_use[ordinal], end = layout->first_use[ordinal + 1];
	size_t bust = end;
	for (size_t u = first; u < end; u++) {
		bool added;
		prefix = follow(prefix, &layout->uses[u]);
		idmap_add(prefixes, prefix, &added);
		if (added && bust == end)
			bust = u;
	}
	uint64_t lost = 0;
	for (size_t u = bust + 1; u < end; u++)
		lost += known[layout->uses[u].piece] ? layout->uses[u].tokens : 0;
	if (lost == 0)
		return;
	struct layout_piece *piece = &layout->pieces[layout->uses[bust].piece];
	if (piece->busts++ == 0)
		piece->place = (uint32_t)(bust - first);
	piece->lost_tokens += lost;
}

static void find_common(struct layout *layout)
{
	size_t same = layout->first_use[1];
	for (uint32_t r = 1; r < layout->requests; r++) {
		const struct use *uses = &layout->uses[layout->first_use[r]];
		const size_t count = layout->first_use[r + 1] - layout->first_use[r];
		size_t u = 0;
		while (u < same && u < count && uses[u].piece == layout->uses[u].piece && uses[u].tokens == layout->uses[u].tokens)
			u++;
		same = u;
	}
	for (size_t u = 0; u < same; u++)
		layout->common_tokens += layout->uses[u].tokens;
}

static void study(struct layout *layout)
{
	const struct trace *trace = layout->trace;
	uint32_t *session = mem_alloc(trace->request_count, sizeof(*session));
	uint8_t *known = mem_alloc(layout->map.count, 1);
	struct idmap prefixes = {0};
	for (uint32_t r = 0; r < trace->request_count; r++)
		session[trace->requests[r].ordinal] = trace->requests[r].session == TRACE_NO_SESSION
		                                              ? trace->session_count + trace->requests[r].ordinal
		                                              : trace->requests[r].session;
	for (uint32_t r = 0; r < layout->requests; r++) {
		count_request(layout, r, session[r]);
		find_bust(layout, r, &prefixes, known);
		for (size_t u = layout->first_use[r]; u < layout->first_use[r + 1]; u++)
			known[layout->uses[u].piece] = !layout->bodies[layout->uses[u].piece].unnamed;
	}
	find_common(layout);
	idmap_free(&prefixes);
	free(known);
	free(session);
}

struct layout *layout_load(const char *path, const struct trace_load_options *options, struct err *err)
{
	struct layout *layout = mem_alloc(1, sizeof(*layout));
	struct trace_load_options load = *options;
	load.on_piece = on_piece;
	load.on_piece_context = layout;
	layout->trace = trace_load(path, &load, err);
	if (layout->trace && layout->requests != layout->trace->request_count) {
		err_set(err, "%s: %u of %u requests say what their prompts consist of; expected \"segments\" or \"prompt\" in all, as ids "
		             "and tokens cannot be taken apart.", path, layout->requests, layout->trace->request_count);
		trace_free(layout->trace);
		layout->trace = NULL;
	}
	if (!layout->trace) {
		layout_free(layout);
		return NULL;
	}
	study(layout);
	return layout;
}

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	for (uint32_t p = 0; p < layout->map.count; p++) {
		free(layout->pieces[p].name);
		free(layout->bodies[p].tokens);
	}
	trace_free(layout->trace);
	idmap_free(&layout->map);
	free(layout->pieces);
	free(layout->bodies);
	free(layout->uses);
	free(layout->first_use);
	free(layout->tokens);
	free(layout);
}

const struct trace *layout_trace(const struct layout *layout)
{
	return layout->trace;
}

uint64_t layout_common_tokens(const struct layout *layout)
{
	return layout->common_tokens;
}

const struct layout_piece *layout_pieces(const struct layout *layout, size_t *count)
{
	*count = layout->map.count;
	return layout->pieces;
}

bool layout_is_shared(const struct layout_piece *piece)
{
	return piece->sessions_seen == 2;
}

static bool moves(const struct layout *layout, const struct use *use)
{
	return layout_is_shared(&layout->pieces[use->piece]) && fills_a_block(layout, use);
}

static int append(const struct layout *layout, struct builder *builder, const struct use *use, struct err *err)
{
	const struct piece_body *body = &layout->bodies[use->piece];
	if (body->tokens)
		return builder_path_tokens(builder, body->tokens, use->tokens, err);
	return builder_path_segment(builder, body->unnamed ? NULL : layout->pieces[use->piece].name, use->tokens, err);
}

/* Pieces that come before others in the new order have more requests, then smaller numbers. */
static bool before(const struct layout *layout, uint32_t a, uint32_t b)
{
	const uint32_t of_a = layout->pieces[a].requests, of_b = layout->pieces[b].requests;
	return of_a != of_b ? of_a > of_b : a < b;
}

static int build_prompt(const struct layout *layout, uint32_t ordinal, struct builder *builder, struct use *shared,
                        struct err *err)
{
	const size_t end = layout->first_use[ordinal + 1];
	size_t count = 0;
	for (size_t u = layout->first_use[ordinal]; u < end; u++) {
		const struct use *use = &layout->uses[u];
		if (!moves(layout, use))
			continue;
		size_t at = count++;
		for (; at > 0 && before(layout, use->piece, shared[at - 1].piece); at--)
			shared[at] = shared[at - 1];
		shared[at] = *use;
	}
	for (size_t i = 0; i < count; i++) {
		if (append(layout, builder, &shared[i], err) < 0)
			return -1;
	}
	for (size_t u = layout->first_use[ordinal]; u < end; u++) {
		if (!moves(layout, &layout->uses[u]) &&
		    append(layout, builder, &layout->uses[u], err) < 0)
			return -1;
	}
	return 0;
}

struct trace *layout_reorder(const struct layout *layout, struct err *err)
{
	const struct trace *trace = layout->trace;
	const struct builder_options options = {trace->name, trace->block_tokens, trace->tail_listed, true};
	struct builder *builder = builder_new(&options);
	struct use *shared = mem_alloc(layout->use_count, sizeof(*shared));
	const struct trace_request **by_ordinal = mem_alloc(trace->request_count, sizeof(*by_ordinal));
	int failed = 0;
	for (uint32_t r = 0; r < trace->request_count; r++)
		by_ordinal[trace->requests[r].ordinal] = &trace->requests[r];
	for (uint32_t r = 0; r < trace->request_count && !failed; r++) {
		struct trace_request request = *by_ordinal[r];
		const char *session = request.session == TRACE_NO_SESSION ? NULL : trace->session_names[request.session];
		const char *class_name = request.class_id == TRACE_NO_CLASS ? NULL : trace->class_names[request.class_id];
		request.prompt_tokens = 0; /* as many as the pieces bring */
		failed = builder_begin(builder, &request, session, class_name, NULL, err) < 0 ||
		         build_prompt(layout, r, builder, shared, err) < 0 || builder_end_prompt(builder, err) < 0 ||
		         builder_commit(builder, err) < 0;
	}
	free(shared);
	free(by_ordinal);
	if (!failed)
		return builder_finish(builder, err);
	builder_free(builder);
	return NULL;
}
