#include "ints.h"

#include <stdlib.h>
#include <string.h>

void ints_free(struct ints *ints)
{
	free(ints->values);
	*ints = (struct ints){0};
}

static char *skip_blanks(char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* Behind the string that begins at `at`; at the line's end where it has none. */
static char *skip_string(char *at)
{
	at++;
	while (*at && *at != '"')
		at += *at == '\\' && at[1] ? 2 : 1;
	return *at ? at + 1 : at;
}

/* Reads a whole number as JSON writes it; NULL where there is none of 64 bits. */
static char *read_number(char *at, int64_t *value)
{
	bool negative = *at == '-';
	at += negative;
	if (*at == '0' && at[1] >= '0' && at[1] <= '9')
		return NULL;
	char *digits = at;
	uint64_t number = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		/* 18 digits always fit. */
		if (at - digits >= 18 && number > (UINT64_MAX - 9) / 10)
			return NULL;
		number = number * 10 + (uint64_t)(*at - '0');
	}
	if (at == digits || number > (uint64_t)INT64_MAX + negative)
		return NULL;
	*value = (int64_t)(negative ? 0 - number : number);
	return at;
}

static void make_room(struct ints *ints, size_t needed)
{
	if (needed <= ints->capacity)
		return;
	ints->capacity = needed < 1024 ? 1024 : needed * 2;
	ints->values = mem_grow(ints->values, ints->capacity, sizeof(*ints->values));
}

/* Reads a list that is all whole numbers, `at` being behind its '['. Gives where its ']' stands, or NULL. */
static char *read_list(struct ints *ints, char *at)
{
	for (;;) {
		make_room(ints, ints->count + 1);
		at = read_number(skip_blanks(at), &ints->values[ints->count]);
		if (!at)
			return NULL;
		ints->count++;
		at = skip_blanks(at);
		if (*at == ']')
			return at;
		if (*at++ != ',')
			return NULL;
	}
}

/* `at` is behind the key [key, at). If it is one of those asked for and has a list of numbers, that is taken. Gives
 * where to go on. */
static char *take_value(struct ints *ints, const char *const *keys, const char *key, char *at)
{
	size_t length = (size_t)(at - key);
	char *value = skip_blanks(at);
	if (*value != ':')
		return at;
	value = skip_blanks(value + 1);
	if (*value != '[' || ints->list_count == INTS_LISTS)
		return value;
	for (; *keys; keys++) {
		if (strlen(*keys) + 2 != length || memcmp(*keys, key + 1, length - 2) != 0)
			continue;
		size_t first = ints->count;
		char *end = read_list(ints, value + 1);
		if (!end) {
			ints->count = first;
			return value;
		}
		memset(value + 1, ' ', (size_t)(end - value - 1));
		ints->lists[ints->list_count].key = *keys;
		ints->lists[ints->list_count].first = first;
		ints->lists[ints->list_count].count = ints->count - first;
		ints->list_count++;
		return end + 1;
	}
	return value;
}

void ints_take(struct ints *ints, const char *const *keys, char *line, size_t length)
{
	ints->count = 0;
	ints->list_count = 0;
	size_t depth = 0;
	for (char *at = line; at < line + length;) {
		if (*at == '"') {
			const char *string = at;
			at = skip_string(at);
			if (depth == 1)
				at = take_value(ints, keys, string, at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && depth > 0)
			depth--;
		at++;
	}
}

const int64_t *ints_find(const struct ints *ints, const char *key, size_t *count)
{
	for (size_t i = 0; i < ints->list_count; i++) {
		if (strcmp(ints->lists[i].key, key) == 0) {
			*count = ints->lists[i].count;
			return ints->values + ints->lists[i].first;
		}
	}
	return NULL;
}

int64_t *ints_add(struct ints *ints, size_t count)
{
	make_room(ints, ints->count + count);
	ints->count += count;
	return ints->values + ints->count - count;
}
