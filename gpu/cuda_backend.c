#include "cuda_backend.h"

#include "cost_model.h"
#include "cuda_tiers.h"
#include "replay_clock.h"
#include "step_batch.h"

#include <gsl/gsl_sort_uint.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

struct cuda_backend {
	struct cuda_backend_options options;
	struct cost_model model;
	struct llama *llama;
	struct kv_pool *pool;
	struct prompt_tokens *tokens;
	struct step_batch batch;
	struct attention_sequence *sequences;
	uint32_t *best;
	float *logits; /* NULL: nobody looks at them */
	uint64_t *checksums; /* [request_count] */
	struct cuda_tiers *tiers; /* NULL: there are none below the GPU */
	char weights[256];
	uint32_t *load_slots; /* [block_count] */
	struct tier_io_key *load_keys;
	struct replay_clock clock;
};

static uint32_t length_of(const struct trace_request *request)
{
	return request->prompt_tokens + request->output_tokens;
}

/* As many blocks as the longest requests that can run at once have in their tables. */
static uint32_t most_table(const struct trace *trace, uint32_t most_running)
{
	uint64_t blocks = 0;
	unsigned *lengths = mem_alloc(trace->request_count, sizeof(*lengths));
	for (uint32_t r = 0; r < trace->request_count; r++)
		lengths[r] = length_of(&trace->requests[r]);
	gsl_sort_uint(lengths, 1, trace->request_count);
	for (uint32_t i = 0; i < most_running && i < trace->request_count; i++)
		blocks += lengths[trace->request_count - 1 - i] / trace->block_tokens + 1;
	free(lengths);
	return blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX;
}

static struct llama_options shape_of(const struct cuda_backend_options *options)
{
	const struct run_config *config = options->config;
	const struct trace *trace = options->trace;
	uint64_t all_tokens = 0;
	for (uint32_t r = 0; r < trace->request_count; r++)
		all_tokens += length_of(&trace->requests[r]);
	uint32_t longest = 1;
	for (uint32_t r = 0; r < trace->request_count; r++)
		longest = length_of(&trace->requests[r]) > longest ? length_of(&trace->requests[r]) : longest;
	const uint64_t most_tokens = config->most_running == 1 ? longest : all_tokens;
	return (struct llama_options){
	        .seed = config->seed,
	        .block_tokens = trace->block_tokens,
	        .pool_blocks = (uint32_t)config->capacity_blocks,
	        .most_tokens = most_tokens < config->step_tokens ? (uint32_t)most_tokens : config->step_tokens,
	        .most_sequences = config->most_running < trace->request_count ? config->most_running : trace->request_count,
	        .most_table = most_table(trace, config->most_running),
	};
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void cuda_backend_shape(const struct cuda_backend_options *options, struct llama_options *shape)
{
	const struct llama_options needed = shape_of(options);
	ASSERT(shape->block_tokens == 0 || shape->block_tokens == needed.block_tokens);
	*shape = (struct llama_options){
	        .seed = needed.seed,
	        .block_tokens = needed.block_tokens,
	        .pool_blocks = larger(shape->pool_blocks, needed.pool_blocks),
	        .most_tokens = larger(shape->most_tokens, needed.most_tokens),
	        .most_sequences = larger(shape->most_sequences, needed.most_sequences),
	        .most_table = larger(shape->most_table, needed.most_table),
	};
}

uint64_t cuda_backend_room(const struct cuda_backend_options *options)
{
	const struct llama_options shape = shape_of(options);
	return llama_room(options->model, &shape);
}

static struct cuda_tiers_options tiers_of(const struct cuda_backend_options *options)
{
	return (struct cuda_tiers_options){
	        .tiers = options->config->tiers,
	        .tier_count = options->config->tier_count,
	        .most_blocks = options->trace->block_count,
	        .disk_folder = options->disk_folder,
	        .archive_folder = options->archive_folder,
	        .block_tokens = options->trace->block_tokens,
	        .date_ns = options->date_ns,
	};
}

int cuda_backend_check(const struct cuda_backend_options *options, struct err *err)
{
	const struct cuda_tiers_options tiers = tiers_of(options);
	const struct trace *trace = options->trace;
	for (uint32_t r = 0; r < trace->request_count; r++) {
		const struct trace_request *request = &trace->requests[r];
		if (length_of(request) > options->model->most_positions)
			return err_set(err, "%s: request %u has %u tokens of prompt and %u of answer; %s takes %u together. "
			                    "--max-prompt and --max-output shorten requests.", trace->name, request->ordinal,
			               request->prompt_tokens, request->output_tokens, options->model->name,
			               options->model->most_positions);
	}
	return cuda_tiers_check(&tiers, err);
}

static int open_tiers(struct cuda_backend *backend, struct err *err)
{
	const struct cuda_backend_options *options = &backend->options;
	const uint32_t block_count = options->trace->block_count;
	struct cuda_tiers_options tiers = tiers_of(options);
	if (tiers.tier_count < 2 || options->config->no_offload)
		return 0;
	if (options->directory)
		snprintf(backend->weights, sizeof(backend->weights), "%s", options->directory);
	else
		snprintf(backend->weights, sizeof(backend->weights), "%s, random weights of seed %llu", options->model->name,
		         (unsigned long long)options->config->seed);
	tiers.weights = backend->weights;
	backend->load_slots = mem_alloc(block_count, sizeof(*backend->load_slots));
	backend->load_keys = mem_alloc(block_count, sizeof(*backend->load_keys));
	backend->tiers = cuda_tiers_open(backend->llama, &tiers, err);
	return backend->tiers ? 0 : -1;
}

/* Whatever CUDA does only once is not to be part of the first step's time, nor is what this work leaves of the chip's power. */
static void warm_up(struct cuda_backend *backend, const struct llama_options *shape)
{
	const uint32_t block = shape->block_tokens;
	uint64_t tokens = (uint64_t)shape->pool_blocks * block;
	tokens = tokens < shape->most_tokens ? tokens : shape->most_tokens;
	tokens = tokens < (uint64_t)shape->most_table * block ? tokens : (uint64_t)shape->most_table * block;
	uint32_t *ids = mem_alloc(tokens, sizeof(*ids)), *table = mem_alloc(tokens / block + 1, sizeof(*table));
	for (uint32_t i = 0; i <= tokens / block; i++)
		table[i] = i;
	const struct attention_sequence prompt = {0, (uint32_t)tokens, 0, 0}, decode = {0, 1, (uint32_t)tokens - 1, 0};
	const struct attention_sequence *const steps[] = {&prompt, &decode, &prompt, &decode};
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		const struct llama_batch batch = {.sequences = steps[i], .sequence_count = 1, .ids = ids, .token_count = steps[i]->new_tokens,
		                                  .table = table, .table_count = (uint32_t)((tokens + block - 1) / block)};
		llama_step(backend->llama, &batch, backend->best, NULL);
		llama_wait(backend->llama);
	}
	free(ids);
	free(table);
	backend->options.sleep_ns(REPLAY_CLOCK_MOST_REST_NS);
}

static struct llama *open_model(const struct cuda_backend_options *options, struct llama_options shape, struct err *err)
{
	struct llama_weights *weights = NULL;
	if (options->directory && !(weights = llama_weights_open(options->model, options->directory, err)))
		return NULL;
	shape.weights = weights;
	struct llama *llama = llama_open(options->model, &shape, err);
	llama_weights_close(weights);
	if (llama && options->products && llama_take_products(llama, options->products, NULL, NULL, err) < 0) {
		llama_close(llama);
		return NULL;
	}
	return llama;
}

struct cuda_backend *cuda_backend_open(const struct cuda_backend_options *options, struct err *err)
{
	const struct llama_options shape = shape_of(options);
	const struct trace *trace = options->trace;
	struct llama *llama = options->llama ? options->llama : open_model(options, shape, err);
	if (!llama)
		return NULL;
	ASSERT(llama_fits(llama, &shape));
	struct cuda_backend *backend = mem_alloc(1, sizeof(*backend));
	*backend = (struct cuda_backend){
	        .options = *options,
	        .clock = {.wall = options->wall},
	        .model = cost_model_of(options->config->calibration),
	        .llama = llama,
	        .pool = kv_pool_open(shape.pool_blocks, trace->block_count, trace->request_count),
	        .tokens = prompt_tokens_open(trace, options->model->vocabulary, options->config->seed),
	        .sequences = mem_alloc(shape.most_sequences, sizeof(*backend->sequences)),
	        .best = mem_alloc(shape.most_sequences, sizeof(*backend->best)),
	};
	if (options->checks_logits) {
		backend->logits = mem_alloc((size_t)shape.most_sequences * options->model->vocabulary, sizeof(*backend->logits));
		backend->checksums = mem_alloc(trace->request_count, sizeof(*backend->checksums));
	}
	if (open_tiers(backend, err) < 0) {
		cuda_backend_close(backend);
		return NULL;
	}
	warm_up(backend, &shape);
	return backend;
}

void cuda_backend_close(struct cuda_backend *backend)
{
	if (!backend)
		return;
	cuda_tiers_close(backend->tiers);
	if (!backend->options.llama)
		llama_close(backend->llama);
	kv_pool_close(backend->pool);
	prompt_tokens_close(backend->tokens);
	step_batch_free(&backend->batch);
	free(backend->sequences);
	free(backend->best);
	free(backend->logits);
	free(backend->checksums);
	free(backend->load_slots);
	free(backend->load_keys);
	free(backend);
}

const struct llama *cuda_backend_llama(const struct cuda_backend *backend)
{
	return backend->llama;
}

const uint32_t *cuda_backend_answer(const struct cuda_backend *backend, uint32_t request, uint32_t *count, uint64_t *checksum)
{
	*checksum = backend->checksums ? backend->checksums[request] : 0;
	return prompt_tokens_said(backend->tokens, request, count);
}

/* Blocks that are on their way would have arrived in the hours that are left out, and later loads not met them. */
static void cuda_backend_advance(void *context, int64_t now_ns)
{
	struct cuda_backend *backend = context;
	const int64_t sleep_ns = replay_clock_advance(&backend->clock, now_ns, backend->options.now_ns());
	if (sleep_ns > 0)
		backend->options.sleep_ns(sleep_ns);
	const int64_t skipped_ns = replay_clock_skip(&backend->clock, backend->options.now_ns());
	if (backend->tiers && skipped_ns > 0)
		cuda_tiers_skip(backend->tiers, skipped_ns);
}

static uint64_t fold_logits(const struct cuda_backend *backend, uint32_t request, uint32_t row)
{
	const size_t count = backend->options.model->vocabulary;
	return XXH3_64bits_withSeed(backend->logits + row * count, count * sizeof(*backend->logits), backend->checksums[request]);
}

static int64_t cuda_backend_step_ns(void *context, const struct step *step)
{
	struct cuda_backend *backend = context;
	struct step_batch *batch = &backend->batch;
	const int64_t prepare_ns = backend->options.now_ns();
	if (backend->tiers)
		cuda_tiers_settle(backend->tiers);
	step_batch_fill(batch, step, backend->options.trace->block_tokens, backend->pool, backend->tokens);
	for (uint32_t i = 0; i < batch->part_count; i++)
		backend->sequences[i] = (struct attention_sequence){batch->parts[i].first_row, batch->parts[i].new_tokens,
		                                                    batch->parts[i].context_tokens, batch->parts[i].first_block};
	llama_prepare(backend->llama, batch->token_count, batch->part_count);
	const struct llama_batch arrays = {backend->sequences, batch->part_count, batch->ids, batch->token_count, batch->table,
	                                   batch->table_count};
	const int64_t begin_ns = backend->options.now_ns();
	llama_step(backend->llama, &arrays, backend->best, backend->logits);
	llama_wait(backend->llama);
	const int64_t end_ns = backend->options.now_ns();
	step_log_add(backend->options.steps, batch, backend->clock.engine_ns, begin_ns, end_ns);
	bool has_prompt = false;
	for (uint32_t i = 0; i < step->count; i++) {
		const struct step_part *part = &step->parts[i];
		has_prompt |= !part->decode;
		prompt_tokens_say(backend->tokens, part->request, part->context_tokens + part->new_tokens, backend->best[i]);
		if (backend->logits)
			backend->checksums[part->request] = fold_logits(backend, part->request, i);
	}
	return replay_clock_step(&backend->clock, prepare_ns, begin_ns, end_ns, has_prompt);
}

static int64_t cuda_backend_alone_ns(void *context, uint64_t new_tokens, uint64_t context_tokens)
{
	struct cuda_backend *backend = context;
	return cost_model_backend.alone_ns(&backend->model, new_tokens, context_tokens);
}

static void cuda_backend_expect(void *context, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place)
{
	struct cuda_backend *backend = context;
	prompt_tokens_expect(backend->tokens, request, path, from, to, place);
}

static void cuda_backend_hold(void *context, uint32_t request, struct path path, uint32_t from, uint32_t to, uint32_t place)
{
	struct cuda_backend *backend = context;
	kv_pool_hold(backend->pool, request, path, from, to, place);
}

static void cuda_backend_release(void *context, uint32_t request)
{
	struct cuda_backend *backend = context;
	kv_pool_release(backend->pool, request);
}

static void cuda_backend_drop(void *context, uint32_t tier, block_id b)
{
	struct cuda_backend *backend = context;
	if (tier == 0)
		kv_pool_drop(backend->pool, b);
	else
		cuda_tiers_drop(backend->tiers, tier, prompt_tokens_key(backend->tokens, b));
}

static void cuda_backend_trim(void *context, uint32_t request, uint32_t place)
{
	struct cuda_backend *backend = context;
	kv_pool_trim(backend->pool, request, place);
}

/* A transfer takes time, however little; 0 would mean that it was not measured. */
static int64_t since_ns(const struct cuda_backend *backend, int64_t start_ns)
{
	const int64_t took_ns = backend->options.now_ns() - start_ns;
	return took_ns > 0 ? took_ns : 1;
}

static int64_t cuda_backend_store_ns(void *context, uint32_t from_tier, uint32_t tier, block_id b)
{
	struct cuda_backend *backend = context;
	const int64_t start_ns = backend->options.now_ns();
	cuda_tiers_store(backend->tiers, from_tier, tier, prompt_tokens_key(backend->tokens, b), kv_pool_slot(backend->pool, b));
	return since_ns(backend, start_ns);
}

static int64_t cuda_backend_load_ns(void *context, uint32_t request, uint32_t tier, struct path path, uint32_t from,
                                    uint32_t to)
{
	struct cuda_backend *backend = context;
	uint32_t count = 0;
	struct trace_run stretch;
	for (struct path_walk walk = path_forward((struct path){path.runs, to}, from); path_next(&walk, &stretch);) {
		for (uint32_t i = 0; i < stretch.count; i++, count++) {
			backend->load_keys[count] = prompt_tokens_key(backend->tokens, stretch.first + i);
			backend->load_slots[count] = kv_pool_place(backend->pool, request, from + count);
		}
	}
	const int64_t start_ns = backend->options.now_ns();
	const bool came = cuda_tiers_load(backend->tiers, tier, backend->load_keys, backend->load_slots, count);
	return came ? since_ns(backend, start_ns) : BACKEND_FAILED;
}

const struct backend_ops cuda_backend_ops = {
        .step_ns = cuda_backend_step_ns,
        .alone_ns = cuda_backend_alone_ns,
        .advance = cuda_backend_advance,
        .answer = cuda_backend_expect,
        .hold = cuda_backend_hold,
        .release = cuda_backend_release,
        .store_ns = cuda_backend_store_ns,
        .load_ns = cuda_backend_load_ns,
        .trim = cuda_backend_trim,
        .drop = cuda_backend_drop,
};
