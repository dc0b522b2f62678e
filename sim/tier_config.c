#include "tier_config.h"

#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_choice(const char *value, const char *const *words, size_t count, int *chosen, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(value, words[i]) == 0) {
			*chosen = (int)i;
			return 0;
		}
	}
	return err_set(err, "expected one of %s, %s%s%s.", words[0], words[1], count > 2 ? ", " : "", count > 2 ? words[2] : "");
}

/* "0.023/GB-month" */
static int read_price(const char *value, double *price, struct err *err)
{
	char *end;
	*price = strtod(value, &end);
	if (end == value || strcmp(end, "/GB-month") != 0 || !(*price >= 0) || !isfinite(*price))
		return err_set(err, "expected dollars a gigabyte and month, e.g. 0.023/GB-month.");
	return 0;
}

static int read_ratio(const char *value, double *ratio, struct err *err)
{
	if (units_real(value, ratio, err) < 0)
		return -1;
	if (!(*ratio > 0 && *ratio <= 1))
		return err_set(err, "expected a ratio above 0 and at most 1.");
	return 0;
}

static int read_latency(const char *value, int64_t *latency_ns, struct err *err)
{
	if (units_duration(value, latency_ns, err) < 0)
		return -1;
	if (*latency_ns > 3600 * NS_PER_S)
		return err_set(err, "expected a time of at most 1h.");
	return 0;
}

static int replace_spec(struct spec *spec, const char *value, struct err *err)
{
	struct spec fresh;
	if (spec_parse(&fresh, value, err) < 0)
		return -1;
	spec_free(spec);
	*spec = fresh;
	return 0;
}

static int set_key(struct tier_config *tier, const char *key, const char *value, struct err *err)
{
	static const char *const stores[] = {"demote", "through", "second"};
	static const char *const promotes[] = {"always", "second", "never"};
	static const char *const expireds[] = {"drop", "demote"};
	static const char *const bits[] = {"0", "1"};
	int chosen = 0, failed = 0;
	if (strcmp(key, "evict") == 0)
		return tier->evict_given = true, replace_spec(&tier->evict, value, err);
	if (strcmp(key, "ttl") == 0)
		return replace_spec(&tier->ttl, value, err);
	if (strcmp(key, "read") == 0)
		return tier->read_given = true, units_rate(value, &tier->read_bytes_per_s, err);
	if (strcmp(key, "write") == 0)
		return tier->write_given = true, units_rate(value, &tier->write_bytes_per_s, err);
	if (strcmp(key, "inflate") == 0)
		return units_rate(value, &tier->inflate_bytes_per_s, err);
	if (strcmp(key, "latency") == 0)
		return tier->latency_given = true, read_latency(value, &tier->latency_ns, err);
	if (strcmp(key, "compress") == 0)
		return read_ratio(value, &tier->compress_ratio, err);
	if (strcmp(key, "price") == 0)
		return read_price(value, &tier->price_per_gb_month, err);
	if (strcmp(key, "store") == 0) {
		failed = read_choice(value, stores, COUNT_OF(stores), &chosen, err);
		tier->store = (enum tier_store)chosen;
	} else if (strcmp(key, "promote") == 0) {
		failed = read_choice(value, promotes, COUNT_OF(promotes), &chosen, err);
		tier->promote = (enum tier_promote)chosen;
	} else if (strcmp(key, "expired") == 0) {
		failed = read_choice(value, expireds, COUNT_OF(expireds), &chosen, err);
		tier->demotes_expired = chosen == 1;
	} else if (strcmp(key, "shared") == 0) {
		failed = read_choice(value, bits, COUNT_OF(bits), &chosen, err);
		tier->shared = chosen == 1;
	} else {
		return err_set(err, "there is no such key; the keys are evict, ttl, read, write, latency, store, promote, "
		                    "expired, compress, inflate, price and shared.");
	}
	return failed;
}

/* Whether a piece begins with `key=`: then it is a key of the tier. Otherwise it goes on the SPEC before it. */
static bool starts_with_key(const char *piece)
{
	static const char *const keys[] = {"evict=", "ttl=", "read=", "write=", "latency=", "store=", "promote=",
	                                   "expired=", "compress=", "inflate=", "price=", "shared="};
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (strncmp(piece, keys[i], strlen(keys[i])) == 0)
			return true;
	}
	return false;
}

/* Ends the piece at the next comma outside braces and returns what follows, or NULL. */
static char *cut_piece(char *text)
{
	int depth = 0;
	for (; *text; text++) {
		depth += (*text == '{') - (*text == '}');
		if (*text == ',' && depth == 0) {
			*text = '\0';
			return text + 1;
		}
	}
	return NULL;
}

static int parse_pieces(struct tier_config *tier, char *rest, struct err *err)
{
	while (rest) {
		char *piece = rest;
		rest = cut_piece(piece);
		char *value = strchr(piece, '=');
		if (!value || !starts_with_key(piece))
			return err_set(err, "\"%s\" is no key=value of a tier; a SPEC with several parameters stands in braces, "
			                    "e.g. ttl={static:ttl=1h,mode=absolute}.", piece);
		*value++ = '\0';
		const size_t length = strlen(value);
		if (length >= 2 && value[0] == '{' && value[length - 1] == '}') {
			value[length - 1] = '\0';
			value++;
		}
		if (set_key(tier, piece, value, err) < 0)
			return err_prefix(err, "%s=%s: ", piece, value);
	}
	return 0;
}

int tier_config_parse(struct tier_config *tier, const char *text, struct err *err)
{
	*tier = (struct tier_config){
	        .read_bytes_per_s = INFINITY,
	        .write_bytes_per_s = INFINITY,
	        .inflate_bytes_per_s = INFINITY,
	        .compress_ratio = 1,
	};
	const char *colon = strchr(text, ':');
	const size_t length = colon ? (size_t)(colon - text) : 0;
	if (length == 0 || length >= sizeof(tier->name))
		return err_set(err, "--tier %s: expected NAME:SIZE[,key=value...], the name of at most %zu letters.", text,
		               sizeof(tier->name) - 1);
	for (size_t i = 0; i < length; i++) {
		const char c = text[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && i > 0)))
			return err_set(err, "--tier %s: a tier's name is of small letters and digits.", text);
	}
	memcpy(tier->name, text, length);
	tier->is_archive = strcmp(tier->name, "archive") == 0;
	char *copy = mem_copy_text(colon + 1), *rest = cut_piece(copy);
	tier->capacity = mem_copy_text(copy);
	int failed = spec_parse(&tier->evict, "lru", err);
	if (!failed)
		failed = spec_parse(&tier->ttl, "none", err);
	if (!failed)
		failed = parse_pieces(tier, rest, err);
	free(copy);
	if (failed) {
		tier_config_free(tier);
		return err_prefix(err, "--tier %s: ", text);
	}
	return 0;
}

int tier_config_check_shared(const struct tier_config *tiers, uint32_t count, struct err *err)
{
	if (count > 0 && tiers[0].shared)
		return err_set(err, "tier %s: shared=1: the first tier is each replica's own memory; expected shared=1 on lower ones only.",
		               tiers[0].name);
	for (uint32_t i = 1; i < count; i++) {
		if (tiers[i - 1].shared && !tiers[i].shared)
			return err_set(err, "tier %s: the tier above it, %s, is shared by all replicas, so this one cannot be each one's own; "
			                    "expected shared=1 here, too.", tiers[i].name, tiers[i - 1].name);
	}
	return 0;
}

void tier_config_free(struct tier_config *tier)
{
	free(tier->capacity);
	tier->capacity = NULL;
	spec_free(&tier->evict);
	spec_free(&tier->ttl);
}

void tier_config_measured(struct tier_config *tier, const struct calibration *calibration)
{
	const struct calibration_transfer *measured = calibration_transfer(calibration, tier->name);
	if (!measured)
		return;
	if (!tier->read_given)
		tier->read_bytes_per_s = measured->read_bytes_per_s;
	if (!tier->write_given)
		tier->write_bytes_per_s = measured->write_bytes_per_s;
	if (!tier->latency_given)
		tier->latency_ns = measured->latency_ns;
}
