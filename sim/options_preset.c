/* options_preset.c - presets: files of options; see options.h. */
#include "options.h"

#include "embedded.h"
#include "text_file.h"

#include <string.h>

static int add_tier(struct run_options *options, const char *text, uint32_t line, struct err *err)
{
	if (options->tier_text_count == OPTION_LIST_MOST)
		return err_set(err, "more than %d tiers.", OPTION_LIST_MOST);
	options->tier_lines[options->tier_text_count] = line;
	options->tier_texts[options->tier_text_count++] = text;
	return 0;
}

static bool same_tier(const char *a, const char *b)
{
	const size_t length = strcspn(a, ":");
	return strcspn(b, ":") == length && strncmp(a, b, length) == 0;
}

/* The preset's tier, or the command line's of that name in its place. */
static int add_preset_tier(struct run_options *options, const char *text, uint32_t line, const char **own, uint32_t own_count,
                           struct err *err)
{
	for (uint32_t i = 0; i < own_count; i++) {
		if (own[i] && same_tier(own[i], text)) {
			text = own[i];
			own[i] = NULL;
			line = 0;
			break;
		}
	}
	return add_tier(options, text, line, err);
}

/* Ends the line before its comment, and cuts blanks off both ends. */
static char *trimmed(char *line)
{
	for (char *c = line; *c; c++) {
		if (*c == '#' && (c == line || strchr(" \t", c[-1]))) {
			*c = '\0';
			break;
		}
	}
	for (size_t end = strlen(line); end > 0 && strchr(" \t\r", line[end - 1]); end--)
		line[end - 1] = '\0';
	return line + strspn(line, " \t");
}

/* One line, "--name value", "--name=value" or "--name"; it is cut up in place. */
static int read_line(struct run_options *options, char *line, uint32_t number, const char **own, uint32_t own_count,
                     struct err *err)
{
	line = trimmed(line);
	if (!*line)
		return 0;
	char *value = line + strcspn(line, " \t=");
	if (*value)
		*value++ = '\0';
	value += strspn(value, " \t");
	bool wants_value;
	const int id = strncmp(line, "--", 2) == 0 ? options_id(line + 2, &wants_value) : -1;
	if (id < 0)
		return err_set(err, "\"%s\" is no option; expected one a line, as on the command line, e.g. --engine vllm.", line);
	if (wants_value != (*value != '\0'))
		return err_set(err, "%s %s.", line, wants_value ? "wants a value" : "takes no value");
	if (id == OPTION_TIER)
		return add_preset_tier(options, value, number, own, own_count, err);
	if (id == OPTION_FAIL || id == OPTION_PRESET)
		return err_set(err, "%s has no place in a preset.", line);
	if (options->preset_lines[id])
		return err_set(err, "%s stands in line %u already.", line, options->preset_lines[id]);
	if (!options->text[id]) {
		options->text[id] = wants_value ? value : "1";
		options->preset_lines[id] = number;
	}
	return 0;
}

int options_apply_preset(struct run_options *options, struct err *err)
{
	const char *name = options->text[OPTION_PRESET];
	if (!name)
		return 0;
	const struct embedded_file *built_in = embedded_find("preset", name);
	options->preset_text = built_in ? mem_copy_text(built_in->text) : text_file_read(name, err);
	if (!options->preset_text)
		return err_prefix(err, "--preset %s is none of the built-in ones (%s), and ", name, embedded_names("preset"));
	const char *own[OPTION_LIST_MOST];
	const uint32_t own_count = options->tier_text_count;
	memcpy(own, options->tier_texts, own_count * sizeof(*own));
	options->tier_text_count = 0;
	char *rest = options->preset_text;
	for (uint32_t number = 1; rest; number++) {
		if (read_line(options, strsep(&rest, "\n"), number, own, own_count, err) < 0)
			return err_prefix(err, "--preset %s, line %u: ", name, number);
	}
	/* Own tiers that replace none come last, but for the preset's archive. */
	const uint32_t preset_count = options->tier_text_count;
	const char *archive = preset_count ? options->tier_texts[preset_count - 1] : "";
	const bool archived = same_tier(archive, "archive:");
	const uint32_t archive_line = archived ? options->tier_lines[preset_count - 1] : 0;
	options->tier_text_count -= archived;
	for (uint32_t i = 0; i < own_count; i++) {
		if (own[i] && add_tier(options, own[i], 0, err) < 0)
			return -1;
	}
	return archived ? add_tier(options, archive, archive_line, err) : 0;
}

/* Whether the sentence begins with `kind` and the `length` letters of `name`, as whole words. */
static bool is_about(const struct err *err, const char *kind, const char *name, size_t length)
{
	const size_t kind_length = strlen(kind);
	const char *rest = err->text + kind_length;
	return strncmp(err->text, kind, kind_length) == 0 && strncmp(rest, name, length) == 0 && strchr(" :", rest[length]);
}

int options_blame(const struct run_options *options, struct err *err)
{
	/* What the first tier's own text says instead of these. */
	static const enum option_id first_tier[] = {OPTION_CAPACITY, OPTION_EVICT, OPTION_TTL};
	uint32_t line = 0;
	for (int id = 0; id < OPTION_COUNT && !line; id++) {
		const char *name = options_name((enum option_id)id);
		if (options->preset_lines[id] && is_about(err, "--", name, strlen(name)))
			line = options->preset_lines[id];
	}
	for (size_t i = 0; i < COUNT_OF(first_tier) && options->tier_text_count > 0 && !line; i++) {
		const char *name = options_name(first_tier[i]);
		if (!options->text[first_tier[i]] && is_about(err, "--", name, strlen(name)))
			line = options->tier_lines[0];
	}
	for (uint32_t i = 0; i < options->tier_text_count && !line; i++) {
		const char *text = options->tier_texts[i];
		if (is_about(err, "--tier ", text, strlen(text)) || is_about(err, "tier ", text, strcspn(text, ":")))
			line = options->tier_lines[i];
	}
	return line ? err_prefix(err, "--preset %s, line %u: ", options->text[OPTION_PRESET], line) : -1;
}
