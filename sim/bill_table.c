#include "bill_table.h"

#include "report.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct number {
	const char *name;
	double value;
	bool whole;
};

#define NUMBERS_MOST 24

/* What programs get of a bill, in order. */
static size_t numbers_of(const struct bill_entry *entry, struct number numbers[NUMBERS_MOST])
{
	const struct bill *bill = &entry->bill;
	const struct provider *provider = &entry->provider;
	const double requests = bill->requests ? (double)bill->requests : NAN;
	const struct number all[] = {
	        {"ttl_s", (double)provider->ttl_ns / (double)NS_PER_S, false},
	        {"requests", (double)bill->requests, true},
	        {"sessions", (double)bill->sessions, true},
	        {"prompt_tokens", (double)bill->prompt_tokens, true},
	        {"read_tokens", (double)bill->read_tokens, true},
	        {"written_tokens", (double)bill->written_tokens, true},
	        {"plain_tokens", (double)bill->plain_tokens, true},
	        {"output_tokens", (double)bill->output_tokens, true},
	        {"ping_tokens", (double)bill->ping_tokens, true},
	        {"stored_token_hours", bill->stored_token_hours, false},
	        {"read_dollars", bill->read_dollars, false},
	        {"written_dollars", bill->written_dollars, false},
	        {"plain_dollars", bill->plain_dollars, false},
	        {"output_dollars", bill->output_dollars, false},
	        {"ping_dollars", bill->ping_dollars, false},
	        {"storage_dollars", bill->storage_dollars, false},
	        {"input_dollars", bill_input_dollars(bill), false},
	        {"total_dollars", bill_dollars(bill), false},
	        {"uncached_dollars", bill_uncached_dollars(bill), false},
	        {"dollars_per_1000_requests", 1000 * bill_dollars(bill) / requests, false},
	        {"dollars_per_session", bill->sessions ? bill_dollars(bill) / (double)bill->sessions : NAN, false},
	};
	memcpy(numbers, all, sizeof(all));
	return COUNT_OF(all);
}

void bill_table_csv(const struct trace *trace, const struct bill_entry *entries, size_t count, FILE *to)
{
	struct number numbers[NUMBERS_MOST];
	for (size_t e = 0; e < count; e++) {
		const size_t columns = numbers_of(&entries[e], numbers);
		if (e == 0) {
			fputs("trace,provider,model,as_of", to);
			for (size_t i = 0; i < columns; i++)
				fprintf(to, ",%s", numbers[i].name);
			fputc('\n', to);
		}
		const char *const texts[] = {trace->name, entries[e].provider.spec, entries[e].provider.model, entries[e].provider.as_of};
		for (size_t i = 0; i < COUNT_OF(texts); i++) {
			fputs(i ? "," : "", to);
			report_csv_text(texts[i], to);
		}
		for (size_t i = 0; i < columns; i++)
			fprintf(to, numbers[i].whole ? ",%.0f" : ",%.9g", numbers[i].value);
		fputc('\n', to);
	}
}

json_t *bill_table_json(const struct trace *trace, const struct bill_entry *entries, size_t count)
{
	struct number numbers[NUMBERS_MOST];
	json_t *array = json_array();
	for (size_t e = 0; e < count; e++) {
		const struct provider *provider = &entries[e].provider;
		const size_t columns = numbers_of(&entries[e], numbers);
		json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "trace", trace->name, "provider", provider->spec, "title",
		                           provider->title, "model", provider->model, "as_of", provider->as_of, "note", provider->note);
		for (size_t i = 0; i < columns; i++)
			json_object_set_new(object, numbers[i].name,
			                    numbers[i].whole ? json_integer((json_int_t)numbers[i].value)
			                    : isnan(numbers[i].value) ? json_null()
			                                              : json_real(numbers[i].value));
		json_array_append_new(array, object);
	}
	return array;
}

/* Words in lines of 80 columns; those after the first are indented. */
static void put_wrapped(const char *text, FILE *to)
{
	int column = 0;
	while (*text) {
		const int length = (int)strcspn(text, " ");
		if (column > 0 && column + 1 + length > 79) {
			fputs("\n ", to);
			column = 1;
		}
		fprintf(to, "%s%.*s", column ? " " : "", length, text);
		column += length + (column > 0);
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

/* Notes of providers, each once. */
static void put_notes(const struct bill_entry *entries, size_t count, FILE *to)
{
	for (size_t e = 0; e < count; e++) {
		const struct provider *provider = &entries[e].provider;
		bool told = false;
		for (size_t before = 0; before < e; before++)
			told |= strcmp(entries[before].provider.title, provider->title) == 0;
		char note[1024];
		snprintf(note, sizeof(note), "%s, prices as of %s: %s.", provider->title, provider->as_of, provider->note);
		if (!told)
			put_wrapped(note, to);
		snprintf(note, sizeof(note), "%s: no price of answers is known here, they count as free; output= gives one.",
		         provider->spec);
		if (!provider->prices_answers)
			put_wrapped(note, to);
	}
}

void bill_table(const struct trace *trace, const struct bill_entry *entries, size_t count, FILE *to)
{
	const struct bill *first = &entries[0].bill;
	char requests[32], prompts[32], answers[32], sessions[32];
	int width = 10;
	fprintf(to, "trace    %s\n         %s requests", trace->name, report_count(first->requests, requests, sizeof(requests)));
	if (trace->session_count)
		fprintf(to, " of %s sessions", report_count(first->sessions, sessions, sizeof(sessions)));
	fprintf(to, ", %s prompt and %s answer tokens\n\n",
	        report_count(first->prompt_tokens, prompts, sizeof(prompts)),
	        report_count(first->output_tokens, answers, sizeof(answers)));
	for (size_t e = 0; e < count; e++) {
		const int length = (int)strlen(entries[e].provider.spec) + 1;
		width = length > width ? length : width;
	}
	const bool has_sessions = trace->session_count > 0;
	fprintf(to, "%-*s%9s%11s%11s%9s%11s%s\n%-*s%9s%11s%11s%9s%11s%s\n", width, "", "tokens", "dollars", "dollars", "", "a 1,000",
	        has_sessions ? "         a" : "", width, "provider", "read %", "in all", "uncached", "", "requests",
	        has_sessions ? "   session" : "");
	for (size_t e = 0; e < count; e++) {
		const struct bill *bill = &entries[e].bill;
		const double all = bill_dollars(bill), uncached = bill_uncached_dollars(bill);
		fprintf(to, "%-*s%9.2f%11.2f%11.2f%+8.1f%%%11.2f", width, entries[e].provider.spec,
		        bill->prompt_tokens ? 100 * (double)bill->read_tokens / (double)bill->prompt_tokens : 0, all, uncached,
		        uncached > 0 ? 100 * (all / uncached - 1) : 0, bill->requests ? 1000 * all / (double)bill->requests : 0);
		if (has_sessions)
			fprintf(to, "%10.3f", bill->sessions ? all / (double)bill->sessions : 0);
		fputc('\n', to);
	}
	fputc('\n', to);
	put_notes(entries, count, to);
}
