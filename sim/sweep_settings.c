#include "sweep_settings.h"

#include "embedded.h"
#include "text_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static void set(json_t *settings, const char *key, const char *text)
{
	json_object_set_new(settings, key, json_string(text));
}

static void set_checksum(json_t *settings, const char *key, uint64_t checksum)
{
	char text[32];
	snprintf(text, sizeof(text), "%016" PRIx64, checksum);
	set(settings, key, text);
}

/* Texts of a list, to be written to and then set. */
struct list_text {
	char *text;
	size_t size;
	FILE *to;
};

static void begin_list(struct list_text *list)
{
	list->to = open_memstream(&list->text, &list->size);
	if (!list->to)
		panic_memory(BUFSIZ, __FILE__, __LINE__);
}

static void set_list(json_t *settings, const char *key, struct list_text *list)
{
	if (fclose(list->to) != 0)
		panic_memory(list->size, __FILE__, __LINE__);
	set(settings, key, list->text);
	free(list->text);
}

static void set_specs(json_t *settings, const char *key, const struct spec_list *specs)
{
	struct list_text list;
	begin_list(&list);
	for (size_t i = 0; i < specs->count; i++)
		fprintf(list.to, "%s%s", i ? "," : "", specs->specs[i].text);
	set_list(settings, key, &list);
}

static void set_capacities(json_t *settings, const struct sweep *sweep)
{
	struct list_text list;
	begin_list(&list);
	for (size_t i = 0; i < sweep->capacity_count; i++) {
		if (sweep->capacities[i] == UINT64_MAX)
			fprintf(list.to, "%sinf", i ? "," : "");
		else
			fprintf(list.to, "%s%" PRIu64, i ? "," : "", sweep->capacities[i]);
	}
	set_list(settings, "--capacity", &list);
}

static void set_listed(json_t *settings, const char *name, const char *const *texts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char key[128];
		snprintf(key, sizeof(key), "%s %u", name, i + 1);
		set(settings, key, texts[i]);
	}
}

/* Lower tiers' policies, of every chain: their SPECs may stand in files. */
static uint64_t tiers_checksum(const struct sweep *sweep)
{
	uint64_t checksum = 0;
	for (size_t c = 0; c < sweep->chain_count; c++) {
		for (uint32_t i = 1; i < sweep->base->tier_count; i++) {
			const struct tier_config *tier = &sweep->chains[c][i];
			checksum = XXH3_64bits_withSeed(tier->evict.text, strlen(tier->evict.text), checksum);
			checksum = XXH3_64bits_withSeed(tier->ttl.text, strlen(tier->ttl.text), checksum);
		}
	}
	return checksum;
}

static uint64_t calibration_checksum(const char *name)
{
	const struct embedded_file *built_in = embedded_find("calib", name);
	if (built_in)
		return XXH3_64bits(built_in->text, strlen(built_in->text));
	struct err unread; /* it was read a moment ago; if it has gone since, this is no sweep to go on with */
	char *text = text_file_read(name, &unread);
	const uint64_t checksum = text ? XXH3_64bits(text, strlen(text)) : 0;
	free(text);
	return checksum;
}

json_t *sweep_settings(const struct sweep *sweep, const struct run_options *options, const struct vary *vary)
{
	static const bool elsewhere[OPTION_COUNT] = {[OPTION_EVICT] = true, [OPTION_TTL] = true, [OPTION_CAPACITY] = true,
	                                             [OPTION_PRESET] = true, [OPTION_QUIET] = true, [OPTION_NO_TIMING] = true};
	json_t *settings = json_object();
	set(settings, "trace", sweep->trace->name);
	set_checksum(settings, "trace's checksum", sweep->trace->checksum);
	set_specs(settings, "--evict", sweep->evicts);
	set_specs(settings, "--ttl", sweep->ttls);
	set_capacities(settings, sweep);
	for (int id = 0; id < OPTION_COUNT; id++) {
		char key[64];
		snprintf(key, sizeof(key), "--%s", options_name((enum option_id)id));
		if (options->text[id] && !elsewhere[id])
			set(settings, key, options->text[id]);
	}
	set_listed(settings, "--tier", options->tier_texts, options->tier_text_count);
	set_listed(settings, "--fail", options->fault_texts, options->fault_text_count);
	for (size_t axis = 0; axis < vary->count; axis++) {
		char key[96];
		snprintf(key, sizeof(key), "--vary %s", vary->axes[axis].name);
		set_listed(settings, key, (const char *const *)vary->axes[axis].values, (uint32_t)vary->axes[axis].count);
	}
	if (sweep->base->tier_count > 1)
		set_checksum(settings, "lower tiers' policies' checksum", tiers_checksum(sweep));
	if (options->text[OPTION_CALIB])
		set_checksum(settings, "calibration's checksum", calibration_checksum(options->text[OPTION_CALIB]));
	char bytes[32];
	snprintf(bytes, sizeof(bytes), "%.17g", sweep->base->kv_bytes_per_token);
	set(settings, "bytes of KV a token", bytes);
	return settings;
}
