#include "tier_sidecar.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHECKSUM_CHARS 16
#define MOST_SECONDS   9.2e9 /* what int64_t nanoseconds hold */

static json_t *seconds(int64_t ns)
{
	const double s = (double)ns / (double)NS_PER_S;
	return s > MOST_SECONDS ? json_null() : json_real(s);
}

char *tier_sidecar_format(const struct tier_sidecar *sidecar, const struct tier_archive_identity *identity,
			  struct tier_io_key key)
{
	char key_text[TIER_IO_KEY_CHARS + 1], checksum[CHECKSUM_CHARS + 1];
	tier_io_key_format(key, key_text);
	snprintf(checksum, sizeof(checksum), "%016llx", (unsigned long long)sidecar->checksum);
	json_t *object = json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:I, s:I, s:s}", "model", identity->model, "dtype",
				   identity->dtype, "tokens", (json_int_t)identity->block_tokens, "key", key_text,
				   "created", seconds(sidecar->created_ns), "ttl_s", seconds(sidecar->ttl_ns),
				   "raw_bytes", (json_int_t)identity->block_bytes, "packed_bytes",
				   (json_int_t)sidecar->packed_bytes, "checksum", checksum);
	char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	json_decref(object);
	return text;
}

static enum tier_io_outcome refuse(struct err *why, enum tier_io_outcome outcome, const char *field, const char *what)
{
	err_set(why, "field %s: %s", field, what);
	return outcome;
}

static bool parse_seconds(const json_t *value, int64_t *ns)
{
	const double s = json_number_value(value);
	if (!json_is_number(value) || !(s >= 0 && s <= MOST_SECONDS))
		return false;
	*ns = (int64_t)llround(s * (double)NS_PER_S);
	return true;
}

static bool parse_checksum(const json_t *value, uint64_t *checksum)
{
	const char *text = json_string_value(value);
	if (!text || strlen(text) != CHECKSUM_CHARS || strspn(text, "0123456789abcdef") != CHECKSUM_CHARS)
		return false;
	unsigned long long bits;
	sscanf(text, "%16llx", &bits);
	*checksum = bits;
	return true;
}

static bool is_text(const json_t *object, const char *field, const char *expected)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text && strcmp(text, expected) == 0;
}

static bool is_count(const json_t *object, const char *field, uint64_t expected)
{
	const json_t *value = json_object_get(object, field);
	return json_is_integer(value) && json_integer_value(value) == (json_int_t)expected;
}

static enum tier_io_outcome judge(struct tier_sidecar *sidecar, const json_t *object,
				  const struct tier_archive_identity *identity, struct tier_io_key key, int64_t now_ns,
				  struct err *why)
{
	const char *key_text = json_string_value(json_object_get(object, "key"));
	struct tier_io_key own;
	if (!key_text || !tier_io_key_parse(key_text, &own))
		return refuse(why, TIER_IO_DAMAGED, "key", "32 lower-case hexadecimal digits are expected");
	if (own.high != key.high || own.low != key.low)
		return refuse(why, TIER_IO_DAMAGED, "key", "it is not the name of the object");
	static const char *const texts[] = {"model", "dtype"};
	static const char *const numbers[] = {"tokens", "raw_bytes", "packed_bytes"};
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!json_is_string(json_object_get(object, texts[i])))
			return refuse(why, TIER_IO_DAMAGED, texts[i], "a string is expected");
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (json_integer_value(json_object_get(object, numbers[i])) <= 0)
			return refuse(why, TIER_IO_DAMAGED, numbers[i], "a positive whole number is expected");
	if (!parse_seconds(json_object_get(object, "created"), &sidecar->created_ns))
		return refuse(why, TIER_IO_DAMAGED, "created", "seconds are expected");
	const json_t *ttl = json_object_get(object, "ttl_s");
	sidecar->ttl_ns = TIME_NEVER_NS;
	if (!json_is_null(ttl) && !parse_seconds(ttl, &sidecar->ttl_ns))
		return refuse(why, TIER_IO_DAMAGED, "ttl_s", "seconds or null are expected");
	if (!parse_checksum(json_object_get(object, "checksum"), &sidecar->checksum))
		return refuse(why, TIER_IO_DAMAGED, "checksum", "16 hexadecimal digits are expected");
	if (!is_text(object, "model", identity->model))
		return refuse(why, TIER_IO_FOREIGN, "model", "it is another");
	if (!is_text(object, "dtype", identity->dtype))
		return refuse(why, TIER_IO_FOREIGN, "dtype", "it is another");
	if (!is_count(object, "tokens", identity->block_tokens))
		return refuse(why, TIER_IO_FOREIGN, "tokens", "blocks of another size");
	if (!is_count(object, "raw_bytes", identity->block_bytes))
		return refuse(why, TIER_IO_FOREIGN, "raw_bytes", "blocks of another size");
	if (sidecar->ttl_ns != TIME_NEVER_NS && now_ns - sidecar->created_ns >= sidecar->ttl_ns)
		return refuse(why, TIER_IO_EXPIRED, "ttl_s", "its time is over");
	sidecar->packed_bytes = (uint64_t)json_integer_value(json_object_get(object, "packed_bytes"));
	return TIER_IO_DONE;
}

enum tier_io_outcome tier_sidecar_parse(struct tier_sidecar *sidecar, const char *text, size_t size,
					const struct tier_archive_identity *identity, struct tier_io_key key,
					int64_t now_ns, struct err *why)
{
	json_error_t error;
	json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!object) {
		err_set(why, "line %d: %s", error.line, error.text);
		return TIER_IO_DAMAGED;
	}
	const enum tier_io_outcome outcome = judge(sidecar, object, identity, key, now_ns, why);
	json_decref(object);
	return outcome;
}
