#include "vary.h"

#include "units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool starts_with_key(const char *piece)
{
	const char *c = piece;
	while (islower((unsigned char)*c) || *c == '_')
		c++;
	return c > piece && *c == '=';
}

/* The end of a value: the comma outside braces that no `key=` follows, or the text's end. */
static const char *value_end(const char *text)
{
	int depth = 0;
	for (; *text; text++) {
		depth += (*text == '{') - (*text == '}');
		if (*text == ',' && depth == 0 && !starts_with_key(text + 1))
			break;
	}
	return text;
}

static char *copy_part(const char *from, const char *to)
{
	char *copy = mem_alloc((size_t)(to - from) + 1, 1);
	memcpy(copy, from, (size_t)(to - from));
	return copy;
}

static int read_values(struct vary_axis *axis, const char *text, struct err *err)
{
	for (const char *rest = text;; rest++) {
		const char *end = value_end(rest);
		if (end == rest)
			return err_set(err, "a value is missing.");
		/* Braces that hold a value together are no part of it. */
		const bool braced = rest[0] == '{' && end[-1] == '}';
		axis->values = mem_grow(axis->values, axis->count + 1, sizeof(*axis->values));
		axis->values[axis->count++] = copy_part(rest + braced, end - braced);
		if (*end == '\0')
			return 0;
		rest = end;
	}
}

/* Names without a tier. */
static bool is_of_fleet(const char *name, size_t length)
{
	static const char *const names[] = {"replicas", "router", "steps"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (name[length] == '=' && strlen(names[i]) == length && strncmp(name, names[i], length) == 0)
			return true;
	}
	return false;
}

int vary_add(struct vary *vary, const char *text, struct err *err)
{
	const size_t tier_length = strcspn(text, "."), name_length = strcspn(text, "=");
	if (vary->count == VARY_MOST)
		return err_set(err, "--vary: at most %d of them.", VARY_MOST);
	const bool of_fleet = is_of_fleet(text, name_length);
	if (!of_fleet && (tier_length == 0 || tier_length + 1 >= name_length || text[name_length] != '='))
		return err_set(err, "--vary %s: expected NAME.KEY=VALUE,VALUE..., e.g. disk.size=1TB,2TB.", text);
	for (size_t i = 0; i < vary->count; i++) {
		if (strlen(vary->axes[i].name) == name_length && strncmp(vary->axes[i].name, text, name_length) == 0)
			return err_set(err, "--vary %s: %s has its values already.", text, vary->axes[i].name);
	}
	struct vary_axis *axis = &vary->axes[vary->count++];
	axis->name = copy_part(text, text + name_length);
	axis->key = axis->name + (of_fleet ? 0 : tier_length + 1);
	if (read_values(axis, text + name_length + 1, err) < 0)
		return err_prefix(err, "--vary %s: ", text);
	if (vary_points(vary) > VARY_POINTS_MOST)
		return err_set(err, "--vary %s: more than %d combinations.", text, VARY_POINTS_MOST);
	return 0;
}

void vary_free(struct vary *vary)
{
	for (size_t a = 0; a < vary->count; a++) {
		for (size_t v = 0; v < vary->axes[a].count; v++)
			free(vary->axes[a].values[v]);
		free(vary->axes[a].values);
		free(vary->axes[a].name);
	}
	*vary = (struct vary){.count = 0};
}

size_t vary_points(const struct vary *vary)
{
	size_t points = 1;
	for (size_t a = 0; a < vary->count; a++)
		points *= vary->axes[a].count;
	return points;
}

const char *vary_value(const struct vary *vary, size_t axis, size_t point)
{
	for (size_t a = vary->count - 1; a > axis; a--)
		point /= vary->axes[a].count;
	return vary->axes[axis].values[point % vary->axes[axis].count];
}

static const char *value_of(const struct vary *vary, const char *name, size_t point)
{
	for (size_t a = 0; a < vary->count; a++) {
		if (strcmp(vary->axes[a].name, name) == 0)
			return vary_value(vary, a, point);
	}
	return NULL;
}

const char *vary_replicas(const struct vary *vary, size_t point)
{
	return value_of(vary, "replicas", point);
}

const char *vary_router(const struct vary *vary, size_t point)
{
	return value_of(vary, "router", point);
}

const char *vary_steps(const struct vary *vary, size_t point)
{
	return value_of(vary, "steps", point);
}

int vary_read_steps(const char *text, double *factor, struct err *err)
{
	if (units_real(text, factor, err) < 0 || !(*factor >= 0.5 && *factor <= 2))
		return err_set(err, "--vary steps=%s: expected a factor on the duration of every step, from 0.5 to 2.", text);
	return 0;
}

/* Index of the axis's tier among the texts; -1 where it has none. */
static int tier_of(const struct vary_axis *axis, const char *const *tier_texts, uint32_t tier_count)
{
	if (axis->key == axis->name)
		return -1;
	const size_t length = (size_t)(axis->key - axis->name) - 1;
	for (uint32_t i = 0; i < tier_count; i++) {
		if (strcspn(tier_texts[i], ":") == length && strncmp(tier_texts[i], axis->name, length) == 0)
			return (int)i;
	}
	return -1;
}

/* A tier's text with the values that its axes have at this point: the size replaced, keys given once more, which wins. */
static char *compose(const struct vary *vary, size_t point, const char *const *tier_texts, uint32_t tier_count, uint32_t tier)
{
	const char *name = tier_texts[tier], *size = strchr(name, ':'), *keys = "";
	size = size ? size + 1 : name + strlen(name);
	keys = size + strcspn(size, ",");
	char *text = copy_part(size, keys), *tail = mem_copy_text(keys);
	for (size_t a = 0; a < vary->count; a++) {
		const struct vary_axis *axis = &vary->axes[a];
		const char *value = vary_value(vary, a, point);
		if (tier_of(axis, tier_texts, tier_count) != (int)tier)
			continue;
		if (strcmp(axis->key, "size") == 0) {
			free(text);
			text = mem_copy_text(value);
			continue;
		}
		const size_t room = strlen(tail) + strlen(axis->key) + strlen(value) + 5;
		char *longer = mem_alloc(room, 1);
		snprintf(longer, room, "%s,%s={%s}", tail, axis->key, value);
		free(tail);
		tail = longer;
	}
	const size_t room = (size_t)(size - name) + strlen(text) + strlen(tail) + 1;
	char *whole = mem_alloc(room, 1);
	snprintf(whole, room, "%.*s%s%s", (int)(size - name), name, text, tail);
	free(text);
	free(tail);
	return whole;
}

int vary_chain(const struct vary *vary, size_t point, const char *const *tier_texts, uint32_t tier_count,
               struct tier_config *chain, struct err *err)
{
	for (size_t a = 0; a < vary->count; a++) {
		const struct vary_axis *axis = &vary->axes[a];
		const int tier = tier_of(axis, tier_texts, tier_count);
		if (axis->key == axis->name)
			continue;
		if (tier < 0)
			return err_set(err, "--vary %s: there is no --tier of that name.", axis->name);
		if (tier == 0)
			return err_set(err, "--vary %s: this is the first tier, of which --capacity, --evict and --ttl take lists.",
			               axis->name);
	}
	for (uint32_t i = 0; i < tier_count; i++) {
		char *text = compose(vary, point, tier_texts, tier_count, i);
		const int failed = tier_config_parse(&chain[i], text, err);
		free(text);
		if (!failed)
			continue;
		while (i-- > 0)
			tier_config_free(&chain[i]);
		return err_prefix(err, "--vary: ");
	}
	return 0;
}
