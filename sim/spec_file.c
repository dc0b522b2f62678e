#include "spec_file.h"

#include "text_file.h"

#include <stdlib.h>
#include <string.h>

/* A SPEC so far: what stands in the file up to a line that may be the last. */
struct part {
	size_t length;
	unsigned line;
};

struct reading {
	char *joined; /* the SPEC in one line */
	size_t length;
	struct part *parts;
	size_t part_count;
};

/* Takes the first line off `rest`; without its comment and what stands around it that does not count. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = line + strcspn(line, "\n");
	*rest = *end ? end + 1 : end;
	*end = '\0';
	for (char *at = line; *at; at++) {
		if (*at == '#' && (at == line || strchr(" \t", at[-1]))) {
			*at = '\0';
			break;
		}
	}
	line += strspn(line, " \t\r;");
	end = line + strlen(line);
	while (end > line && strchr(" \t\r;", end[-1]))
		*--end = '\0';
	return line;
}

static void read_lines(struct reading *reading, char *rest)
{
	bool goes_on = true;
	for (unsigned number = 1; *rest; number++) {
		const char *line = next_line(&rest);
		const size_t length = strlen(line);
		if (length == 0)
			continue;
		if (!goes_on)
			reading->joined[reading->length++] = ';';
		memcpy(reading->joined + reading->length, line, length + 1);
		reading->length += length;
		goes_on = strchr(":,", line[length - 1]) != NULL;
		reading->parts = mem_grow(reading->parts, reading->part_count + !goes_on + 1, sizeof(*reading->parts));
		reading->parts[reading->part_count] = (struct part){reading->length, number};
		reading->part_count += !goes_on;
	}
	/* A last line that should go on, but does not, is the last all the same. */
	reading->part_count += goes_on && reading->length > 0;
}

/* Which line made it wrong: the end of the first part that is. `err` is then about that part. */
static unsigned wrong_line(struct reading *reading, struct err *err)
{
	size_t right = 0, wrong = reading->part_count - 1; /* so many parts are; the part that is */
	struct spec spec;
	while (right < wrong) {
		const size_t middle = right + (wrong - right) / 2;
		const size_t length = reading->parts[middle].length;
		const char cut = reading->joined[length];
		reading->joined[length] = '\0';
		if (spec_parse(&spec, reading->joined, err) < 0) {
			wrong = middle;
		} else {
			right = middle + 1;
			spec_free(&spec);
		}
		reading->joined[length] = cut;
	}
	reading->joined[reading->parts[wrong].length] = '\0';
	if (spec_parse(&spec, reading->joined, err) == 0)
		spec_free(&spec);
	return reading->parts[wrong].line;
}

static int parse(struct spec *spec, struct reading *reading, const char *path, struct err *err)
{
	if (reading->length == 0)
		return err_set(err, "%s holds no SPEC; expected NAME or NAME:key=value,...", path);
	if (*reading->joined == '@')
		return err_set(err, "%s:%u: a file of a SPEC cannot name another.", path, reading->parts[0].line);
	if (spec_parse(spec, reading->joined, err) == 0)
		return 0;
	const unsigned line = wrong_line(reading, err);
	return err_prefix(err, "%s:%u: ", path, line);
}

int spec_file_parse(struct spec *spec, const char *path, struct err *err)
{
	char *text = text_file_read(path, err);
	*spec = (struct spec){0};
	if (!text)
		return -1;
	/* No line becomes longer: a ';' stands where it ended. */
	struct reading reading = {.joined = mem_alloc(strlen(text) + 2, 1)};
	read_lines(&reading, text);
	const int status = parse(spec, &reading, path, err);
	free(reading.parts);
	free(reading.joined);
	free(text);
	return status;
}
