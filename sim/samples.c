#include "samples.h"

#include "csv.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column { KIND, PROMPTS, NEW, CACHED, DECODES, CONTEXT, TIER, BYTES, REPEATS, MEDIAN, LEAST, MOST, NEEDED, SHARED = NEEDED, WORK, REST,
	      ROUNDS, WORK_TOKENS, WORK_CACHED, IDLE, FOR, COLUMNS };
#define MISSING SIZE_MAX
#define TOKENS_MOST (1u << 30)
#define ROUNDS_MOST 64
#define MS_MOST 1e6  /* of what was before a step, or for how long it was repeated */
#define NS_MOST 1e12 /* of a step or a transfer */

static const char *const column_names[COLUMNS] = {"kind", "prompts", "new_tokens", "cached_tokens", "decodes", "context_tokens",
                                                  "tier", "bytes", "repeats", "median_ns", "least_ns", "most_ns", "shared_tokens",
                                                  "work_ms", "rest_ms", "rounds", "work_tokens", "work_cached", "idle_ms", "for_ms"};

/* A whole number; an empty field is 0. */
static int read_whole(const struct csv *csv, size_t row, size_t column, uint64_t most, uint64_t *value, struct err *err)
{
	*value = 0;
	if (column == MISSING || !csv_text(csv, row, column)[0])
		return 0;
	return csv_whole(csv, row, column, most, value, err);
}

/* An empty field is 0. */
static int read_ms(const struct csv *csv, size_t row, size_t column, double *ns, struct err *err)
{
	double ms = 0;
	*ns = 0;
	if (column == MISSING || !csv_text(csv, row, column)[0])
		return 0;
	if (csv_number(csv, row, column, &ms, err) < 0)
		return -1;
	if (ms > MS_MOST) {
		err_set(err, "field \"%s\" is \"%s\"; expected at most %g.", csv_column_name(csv, column), csv_text(csv, row, column), MS_MOST);
		return csv_blame(csv, row, err);
	}
	*ns = ms * 1e6;
	return 0;
}

static int check_sample(const struct csv *csv, size_t row, const struct sample *s, struct err *err)
{
	if (!(s->median_ns >= 1) || s->least_ns > s->median_ns || s->most_ns < s->median_ns)
		err_set(err, "expected least_ns <= median_ns <= most_ns, and a median of at least 1.");
	else if (s->most_ns > NS_MOST)
		err_set(err, "expected times of at most %g ns.", NS_MOST);
	else if (s->kind == SAMPLE_STEP && s->prompts == 0 && s->decodes == 0)
		err_set(err, "a step has prompts, decodes or both.");
	else if (s->kind == SAMPLE_STEP && (s->prompts > 0) != (s->new_tokens > 0))
		err_set(err, "prompts and new_tokens go together.");
	else if (s->kind == SAMPLE_STEP && ((s->prompts && s->shared_tokens > s->cached_tokens) ||
	                                    (s->decodes && s->shared_tokens > s->context_tokens)))
		err_set(err, "shared_tokens are part of cached_tokens and of context_tokens.");
	else if (s->rounds && s->work_ns <= 0)
		err_set(err, "rounds have work_ms above 0.");
	else if (s->for_ns > 0 && (s->rounds == 0 || s->prompts == 0))
		err_set(err, "for_ms goes with rounds and prompts.");
	else if ((uint64_t)s->prompts * s->new_tokens + s->decodes > TOKENS_MOST)
		err_set(err, "a step has at most %u tokens.", TOKENS_MOST);
	else if (s->kind != SAMPLE_STEP && (!s->tier[0] || !(s->bytes > 0)))
		err_set(err, "a transfer has a tier and bytes.");
	else
		return 0;
	return csv_blame(csv, row, err);
}

static int read_sample(const struct csv *csv, size_t row, const size_t *at, struct sample *s, struct err *err)
{
	static const char *const kinds[] = {"step", "read", "write"};
	const char *kind = csv_text(csv, row, at[KIND]), *tier = csv_text(csv, row, at[TIER]);
	uint64_t prompts, new_tokens, decodes, repeats, bytes, rounds, work_tokens;
	size_t k = 0;
	while (k < COUNT_OF(kinds) && strcmp(kinds[k], kind) != 0)
		k++;
	if (k == COUNT_OF(kinds) || strlen(tier) >= sizeof(s->tier)) {
		err_set(err, "expected the kind step, read or write, and a tier's name of at most %zu letters.", sizeof(s->tier) - 1);
		return csv_blame(csv, row, err);
	}
	s->kind = (enum sample_kind)k;
	snprintf(s->tier, sizeof(s->tier), "%s", tier);
	if (read_whole(csv, row, at[PROMPTS], 1 << 20, &prompts, err) < 0 ||
	    read_whole(csv, row, at[NEW], 1 << 30, &new_tokens, err) < 0 ||
	    read_whole(csv, row, at[CACHED], 1 << 30, &s->cached_tokens, err) < 0 ||
	    read_whole(csv, row, at[DECODES], 1 << 20, &decodes, err) < 0 ||
	    read_whole(csv, row, at[CONTEXT], 1 << 30, &s->context_tokens, err) < 0 ||
	    read_whole(csv, row, at[BYTES], UINT64_C(1) << 50, &bytes, err) < 0 ||
	    read_whole(csv, row, at[REPEATS], 1 << 20, &repeats, err) < 0 ||
	    read_whole(csv, row, at[SHARED], 1 << 30, &s->shared_tokens, err) < 0 ||
	    read_whole(csv, row, at[ROUNDS], ROUNDS_MOST, &rounds, err) < 0 || read_ms(csv, row, at[WORK], &s->work_ns, err) < 0 ||
	    read_ms(csv, row, at[REST], &s->rest_ns, err) < 0 || read_ms(csv, row, at[IDLE], &s->idle_ns, err) < 0 ||
	    read_ms(csv, row, at[FOR], &s->for_ns, err) < 0 ||
	    read_whole(csv, row, at[WORK_TOKENS], 1 << 30, &work_tokens, err) < 0 ||
	    read_whole(csv, row, at[WORK_CACHED], 1 << 30, &s->work_cached, err) < 0 ||
	    csv_number(csv, row, at[MEDIAN], &s->median_ns, err) < 0 || csv_number(csv, row, at[LEAST], &s->least_ns, err) < 0 ||
	    csv_number(csv, row, at[MOST], &s->most_ns, err) < 0)
		return -1;
	s->prompts = (uint32_t)prompts;
	s->new_tokens = (uint32_t)new_tokens;
	s->decodes = (uint32_t)decodes;
	s->repeats = (uint32_t)repeats;
	s->rounds = (uint32_t)rounds;
	s->work_tokens = work_tokens > 0 || rounds == 0 ? (uint32_t)work_tokens : SAMPLES_WORK_TOKENS;
	s->bytes = (double)bytes;
	return check_sample(csv, row, s, err);
}

static char *copy_note(const struct csv *csv, const char *key)
{
	const char *note = csv_note(csv, key);
	return mem_copy_text(note ? note : "");
}

static int read_row_tile(const struct csv *csv, uint32_t *tokens, struct err *err)
{
	const char *note = csv_note(csv, "row_tile_tokens");
	struct err why;
	int64_t number = 0;
	if (!note)
		return 0;
	if (units_count(note, &number, &why) < 0 || number < 1 || number > 1 << 16)
		return err_set(err, "%s: note \"row_tile_tokens\" is \"%s\"; expected a whole number from 1 to 65536.", csv_name(csv), note);
	*tokens = (uint32_t)number;
	return 0;
}

static int read_attention(const struct csv *csv, struct attention_rounds *rounds, struct err *err)
{
	const char *note = csv_note(csv, "attention");
	if (!note || attention_rounds_parse(rounds, note))
		return 0;
	return err_set(err, "%s: note \"attention\" is \"%s\"; expected tile_tokens=N tile_blocks=N blocks_at_once=N most_blocks=N "
	                    "part_tokens=N, whole numbers from 1 to %u.", csv_name(csv), note, ATTENTION_ROUNDS_MOST);
}

struct samples *samples_load(const char *path, struct err *err)
{
	size_t at[COLUMNS];
	struct csv *csv = csv_load(path, err);
	if (!csv)
		return NULL;
	struct samples *samples = mem_alloc(1, sizeof(*samples));
	*samples = (struct samples){
	        .name = mem_copy_text(csv_name(csv)),
	        .model = copy_note(csv, "model"),
	        .device = copy_note(csv, "device"),
	        .driver = copy_note(csv, "driver"),
	        .commit = copy_note(csv, "commit"),
	        .conditions = copy_note(csv, "conditions"),
	        .checksum = csv_checksum(csv),
	        .samples = mem_alloc(csv_rows(csv), sizeof(*samples->samples)),
	        .count = csv_rows(csv),
	};
	int failed = read_row_tile(csv, &samples->row_tile_tokens, err) < 0 || read_attention(csv, &samples->attention, err) < 0;
	for (size_t c = 0; c < NEEDED && !failed; c++)
		failed = csv_find(csv, column_names[c], &at[c], err);
	for (size_t c = NEEDED; c < COLUMNS; c++) {
		struct err unsaid;
		if (csv_find(csv, column_names[c], &at[c], &unsaid) < 0)
			at[c] = MISSING;
	}
	for (size_t row = 0; row < samples->count && !failed; row++)
		failed = read_sample(csv, row, at, &samples->samples[row], err);
	csv_free(csv);
	if (failed) {
		samples_free(samples);
		return NULL;
	}
	return samples;
}

void samples_free(struct samples *samples)
{
	if (!samples)
		return;
	free(samples->name);
	free(samples->model);
	free(samples->device);
	free(samples->driver);
	free(samples->commit);
	free(samples->conditions);
	free(samples->samples);
	free(samples);
}

const char *samples_show(const struct sample *s, char *buffer, size_t size)
{
	char prompts[64] = "", decodes[64] = "", shared[48] = "";
	if (s->kind != SAMPLE_STEP) {
		snprintf(buffer, size, "%s %.0f bytes, %s", s->kind == SAMPLE_READ ? "read" : "write", s->bytes, s->tier);
		return buffer;
	}
	if (s->prompts)
		snprintf(prompts, sizeof(prompts), "%u x %u new after %llu", s->prompts, s->new_tokens, (unsigned long long)s->cached_tokens);
	if (s->decodes)
		snprintf(decodes, sizeof(decodes), "%u decodes at %llu", s->decodes, (unsigned long long)s->context_tokens);
	if (s->shared_tokens)
		snprintf(shared, sizeof(shared), ", %llu of it shared", (unsigned long long)s->shared_tokens);
	snprintf(buffer, size, "%s%s%s%s", prompts, s->prompts && s->decodes ? ", " : "", decodes, shared);
	return buffer;
}
