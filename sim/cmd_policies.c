/* cmd_policies.c - kvcast policies [NAME...]: what the registry holds, and the presets. The documentation's tables are made
 * from it. */
#include "base.h"
#include "cli.h"
#include "embedded.h"
#include "ttl.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { KEY_JSON = 0x200, KEY_MARKDOWN };

struct policies_command {
	char **names;
	size_t name_count;
	bool json, markdown;
};

static const struct argp_option option_table[] = {
        {"json", KEY_JSON, 0, 0, "print one JSON object", 0},
        {"markdown", KEY_MARKDOWN, 0, 0, "print the README's tables", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct policies_command *command = state->input;
	(void)arg;
	switch (key) {
	case KEY_JSON:
		command->json = true;
		return 0;
	case KEY_MARKDOWN:
		command->markdown = true;
		return 0;
	case ARGP_KEY_ARGS:
		command->names = state->argv + state->next;
		command->name_count = (size_t)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Prints words wrapped at 80 columns, indented. */
static void print_wrapped(const char *text, int indent)
{
	int column = 0;
	while (*text) {
		const int length = (int)strcspn(text, " ");
		if (column && column + 1 + length > 80) {
			putchar('\n');
			column = 0;
		}
		column += column ? printf(" %.*s", length, text) : printf("%*s%.*s", indent, "", length, text);
		text += length;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_params(const struct param *params, const char *title)
{
	if (!params || !params[0].name)
		return;
	printf("  %s\n", title);
	for (; params->name; params++) {
		printf("    %s=%s%s%s\n", params->name, params->default_text, params->choices ? "   of " : "",
		       params->choices ? params->choices : "");
		print_wrapped(params->help, 8);
	}
}

static void explain_eviction(const struct evict_ops *ops)
{
	printf("%s - eviction: the victim is\n", ops->name);
	print_wrapped(ops->rule, 4);
	print_wrapped(ops->detail, 2);
	print_params(ops->params, ops->per_class ? "parameters, with defaults; ;class=NAME:key=value sets them for one class"
	                                         : "parameters, with defaults");
	printf("  state %u bytes a block; time %s\n", ops->state_bytes, ops->cost);
	print_wrapped(ops->source, 2);
}

static void explain_ttl(const struct ttl_ops *ops)
{
	printf("%s - TTL:\n", ops->name);
	print_wrapped(ops->rule, 4);
	print_wrapped(ops->detail, 2);
	print_params(ops->params, "parameters, with defaults");
	if (!ops->never) {
		struct param common[TTL_COMMON_KEYS + 1];
		registry_ttl_common(ops, common);
		print_params(common, "parameters of every TTL rule");
	}
	printf("  time %s\n", ops->cost);
	print_wrapped(ops->source, 2);
}

static bool is_preset(const struct embedded_file *file)
{
	return strcmp(file->group, "preset") == 0;
}

/* A preset's first line says what it is. */
static int preset_rule_length(const struct embedded_file *file, const char **rule)
{
	*rule = file->text + strspn(file->text, "# ");
	return (int)strcspn(*rule, "\n");
}

static int explain(const struct policies_command *command)
{
	for (size_t i = 0; i < command->name_count; i++) {
		const struct evict_ops *evict = registry_evict(command->names[i]);
		const struct ttl_ops *ttl = registry_ttl(command->names[i]);
		const struct embedded_file *preset = embedded_find("preset", command->names[i]);
		if (!evict && !ttl && !preset) {
			struct err err;
			err_set(&err, "there is no policy or preset \"%s\"; `kvcast policies` lists them.", command->names[i]);
			return cli_fail(&err);
		}
		if (i)
			putchar('\n');
		if (evict)
			explain_eviction(evict);
		if (ttl)
			explain_ttl(ttl);
		if (preset)
			fputs(preset->text, stdout);
	}
	return cli_finish_stdout();
}

/* "ttl=300s, alpha=0.5" */
static void join_params(const struct param *params, char *buffer, size_t size)
{
	size_t used = 0;
	buffer[0] = '\0';
	for (; params && params->name && used < size; params++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s=%s", used ? ", " : "", params->name,
		                         params->default_text);
}

static int print_markdown(void)
{
	char params[1024];
	puts("| eviction | victim | parameters (defaults) | bytes a block | time | source |\n|---|---|---|---|---|---|");
	for (size_t i = 0; i < registry_eviction_count; i++) {
		const struct evict_ops *ops = registry_evictions[i];
		join_params(ops->params, params, sizeof(params));
		printf("| `%s` | %s | %s | %u | %s | %s |\n", ops->name, ops->rule, params, ops->state_bytes, ops->cost, ops->source);
	}
	puts("\n| TTL | rule | parameters (defaults) | time | source |\n|---|---|---|---|---|");
	for (size_t i = 0; i < registry_ttl_count; i++) {
		const struct ttl_ops *ops = registry_ttls[i];
		join_params(ops->params, params, sizeof(params));
		printf("| `%s` | %s | %s | %s | %s |\n", ops->name, ops->rule, params, ops->cost, ops->source);
	}
	puts("\n| preset | layout |\n|---|---|");
	for (size_t i = 0; i < embedded_file_count; i++) {
		const char *rule;
		const int length = preset_rule_length(&embedded_files[i], &rule);
		if (is_preset(&embedded_files[i]))
			printf("| `%s` | %.*s |\n", embedded_files[i].name, length, rule);
	}
	return cli_finish_stdout();
}

static json_t *params_json(const struct param *params)
{
	json_t *array = json_array();
	for (; params && params->name; params++)
		json_array_append_new(array, json_pack("{s:s, s:s, s:s?, s:s}", "name", params->name, "default",
		                                       params->default_text, "choices", params->choices, "help", params->help));
	return array;
}

static int print_json(void)
{
	json_t *evictions = json_array(), *ttls = json_array(), *presets = json_array();
	for (size_t i = 0; i < registry_eviction_count; i++) {
		const struct evict_ops *ops = registry_evictions[i];
		json_array_append_new(evictions, json_pack("{s:s, s:s, s:s, s:o, s:i, s:s, s:s, s:b}", "name", ops->name, "rule",
		                                           ops->rule, "detail", ops->detail, "params", params_json(ops->params),
		                                           "state_bytes_per_block", (int)ops->state_bytes, "time", ops->cost,
		                                           "source", ops->source, "offline", ops->needs_future));
	}
	for (size_t i = 0; i < registry_ttl_count; i++) {
		const struct ttl_ops *ops = registry_ttls[i];
		struct param common[TTL_COMMON_KEYS + 1];
		registry_ttl_common(ops, common);
		json_array_append_new(ttls, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "name", ops->name, "rule", ops->rule,
		                                      "detail", ops->detail, "params", params_json(ops->params), "common_params",
		                                      ops->never ? json_array() : params_json(common), "time", ops->cost,
		                                      "source", ops->source));
	}
	for (size_t i = 0; i < embedded_file_count; i++) {
		const char *rule;
		const int length = preset_rule_length(&embedded_files[i], &rule);
		if (is_preset(&embedded_files[i]))
			json_array_append_new(presets, json_pack("{s:s, s:s#, s:s}", "name", embedded_files[i].name, "rule", rule, length,
			                                         "text", embedded_files[i].text));
	}
	json_t *root = json_pack("{s:o, s:o, s:o}", "evict", evictions, "ttl", ttls, "presets", presets);
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return cli_finish_stdout();
}

static int print_list(void)
{
	char params[1024];
	puts("eviction: which block goes when the cache is full (--evict)");
	for (size_t i = 0; i < registry_eviction_count; i++) {
		const struct evict_ops *ops = registry_evictions[i];
		join_params(ops->params, params, sizeof(params));
		printf("\n%s%s%s\n", ops->name, params[0] ? "   " : "", params);
		print_wrapped(ops->rule, 4);
		printf("    %u bytes a block, %s\n", ops->state_bytes, ops->cost);
		print_wrapped(ops->source, 4);
	}
	puts("\nTTL: when an unused block expires (--ttl)");
	for (size_t i = 0; i < registry_ttl_count; i++) {
		const struct ttl_ops *ops = registry_ttls[i];
		join_params(ops->params, params, sizeof(params));
		printf("\n%s%s%s\n", ops->name, params[0] ? "   " : "", params);
		print_wrapped(ops->rule, 4);
		print_wrapped(ops->source, 4);
	}
	puts("\npresets: layouts of real systems (--preset)");
	for (size_t i = 0; i < embedded_file_count; i++) {
		const char *rule;
		const int length = preset_rule_length(&embedded_files[i], &rule);
		if (is_preset(&embedded_files[i]))
			printf("\n%s\n    %.*s\n", embedded_files[i].name, length, rule);
	}
	puts("\n`kvcast policies NAME` explains a policy, with a worked example, or prints a preset.");
	return cli_finish_stdout();
}

int cmd_policies(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "[NAME...]",
	        .doc = "Lists the eviction policies, TTL rules and presets, or explains those named.",
	};
	struct policies_command command = {.names = NULL};
	if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0)
		return 2;
	if (command.json)
		return print_json();
	if (command.markdown)
		return print_markdown();
	return command.name_count ? explain(&command) : print_list();
}
