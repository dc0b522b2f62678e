#include "tier_io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

void tier_io_key_format(struct tier_io_key key, char *text)
{
	snprintf(text, TIER_IO_KEY_CHARS + 1, "%016llx%016llx", (unsigned long long)key.high,
		 (unsigned long long)key.low);
}

static bool parse_half(const char *text, uint64_t *half)
{
	*half = 0;
	for (int i = 0; i < TIER_IO_KEY_CHARS / 2; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (!digit)
			return false;
		*half = *half << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

bool tier_io_key_parse(const char *text, struct tier_io_key *key)
{
	return parse_half(text, &key->high) && parse_half(text + TIER_IO_KEY_CHARS / 2, &key->low) &&
	       text[TIER_IO_KEY_CHARS] == '\0';
}

const char *tier_io_outcome_name(enum tier_io_outcome outcome)
{
	static const char *const names[TIER_IO_OUTCOMES] = {
	    [TIER_IO_DONE] = "done",       [TIER_IO_ABSENT] = "absent",   [TIER_IO_FULL] = "full",
	    [TIER_IO_SHORT] = "short",     [TIER_IO_DAMAGED] = "damaged", [TIER_IO_EXPIRED] = "expired",
	    [TIER_IO_FOREIGN] = "foreign", [TIER_IO_FAILED] = "failed",
	};
	return names[outcome];
}

struct tier_io_request *tier_io_request_of(struct tier_job *job)
{
	return (struct tier_io_request *)((char *)job - offsetof(struct tier_io_request, job));
}

void tier_io_refuse(struct tier_io_request *request, enum tier_io_outcome outcome, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(request->why.text, sizeof(request->why.text), format, args);
	va_end(args);
	request->outcome = outcome;
}

enum tier_io_outcome tier_io_outcome_of(int error)
{
	return error == ENOSPC || error == EFBIG || error == EDQUOT ? TIER_IO_FULL : TIER_IO_FAILED;
}

void tier_io_count(struct tier_io_counts *counts, const struct tier_io_request *request)
{
	const bool done = request->outcome == TIER_IO_DONE;
	if (request->is_write) {
		counts->writes[request->outcome]++;
		counts->written_bytes += done ? request->stored_bytes : 0;
	} else {
		counts->reads[request->outcome]++;
		counts->read_bytes += done ? request->stored_bytes : 0;
	}
}

uint64_t tier_io_checksum(const void *data, size_t bytes)
{
	return XXH3_64bits(data, bytes);
}
