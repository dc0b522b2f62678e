/* llama_step.c - a step: what is new is described, copied to the device, and goes through the layers. */
#include "llama_private.h"

#include <string.h>

/* Tiles of queries in a step: of each sequence one may be part full. */
static uint32_t most_tiles(const struct llama *llama)
{
	const uint32_t group = llama->model.heads / llama->model.kv_heads;
	return llama->options.most_tokens * group / ATTENTION_TILE + llama->options.most_sequences;
}

/* A step's arrays, each at the same place in host and device memory, and how many bytes they are. */
struct step_arrays {
	uint32_t *ids, *positions, *slots, *last_rows, *table;
	struct attention_sequence *prompts, *decodes;
	struct attention_tile *tiles;
	size_t bytes;
};

static struct step_arrays lay_out(const struct llama *llama, uint8_t *base)
{
	const struct llama_options *o = &llama->options;
	struct step_arrays a = {0};
#define TAKE(pointer, count)                                                                                           \
	do {                                                                                                           \
		(pointer) = base ? (void *)(base + a.bytes) : NULL;                                                    \
		a.bytes += ((size_t)(count) * sizeof(*(pointer)) + 15) / 16 * 16;                                      \
	} while (0)
	TAKE(a.ids, o->most_tokens);
	TAKE(a.positions, o->most_tokens);
	TAKE(a.slots, o->most_tokens);
	TAKE(a.last_rows, o->most_sequences);
	TAKE(a.table, o->most_table);
	TAKE(a.prompts, o->most_sequences);
	TAKE(a.decodes, o->most_sequences);
	TAKE(a.tiles, most_tiles(llama));
#undef TAKE
	return a;
}

size_t llama_step_bytes(const struct llama *llama)
{
	return lay_out(llama, NULL).bytes;
}

struct step_counts {
	uint32_t prompts, decodes, tiles;
	uint32_t longest_prompt, longest_decode; /* keys */
};

/* Sorts the batch into prompts and decodes and lists the tiles, the longest contexts first, as they take longest. */
static struct step_counts describe(struct llama *llama, const struct llama_batch *batch, const struct step_arrays *to)
{
	const uint32_t block = llama->options.block_tokens, group = llama->model.heads / llama->model.kv_heads;
	struct step_counts counts = {0};
	ASSERT(batch->token_count <= llama->options.most_tokens && batch->sequence_count <= llama->options.most_sequences);
	ASSERT(batch->table_count <= llama->options.most_table);
	memcpy(to->ids, batch->ids, batch->token_count * sizeof(*to->ids));
	memcpy(to->table, batch->table, batch->table_count * sizeof(*to->table));
	for (uint32_t s = 0; s < batch->sequence_count; s++) {
		const struct attention_sequence *sequence = &batch->sequences[s];
		to->last_rows[s] = sequence->first_row + sequence->new_tokens - 1;
		for (uint32_t t = 0; t < sequence->new_tokens; t++) {
			const uint32_t position = sequence->context_tokens + t;
			to->positions[sequence->first_row + t] = position;
			to->slots[sequence->first_row + t] =
			        batch->table[sequence->first_block + position / block] * block + position % block;
		}
		if (sequence->new_tokens == 1) {
			to->decodes[counts.decodes++] = *sequence;
			if (sequence->context_tokens + 1 > counts.longest_decode)
				counts.longest_decode = sequence->context_tokens + 1;
			continue;
		}
		if (sequence->context_tokens + sequence->new_tokens > counts.longest_prompt)
			counts.longest_prompt = sequence->context_tokens + sequence->new_tokens;
		const uint32_t tiles = (sequence->new_tokens * group + ATTENTION_TILE - 1) / ATTENTION_TILE;
		for (uint32_t t = tiles; t-- > 0;)
			to->tiles[counts.tiles++] = (struct attention_tile){counts.prompts, t * ATTENTION_TILE};
		to->prompts[counts.prompts++] = *sequence;
	}
	return counts;
}

static struct gemm_shape shape_of(uint32_t rows, uint32_t outputs, uint32_t inputs, bool bias, bool floats)
{
	return (struct gemm_shape){rows, outputs, inputs, bias, floats};
}

static void run_layer(struct llama *llama, const struct layer *layer, const struct step_arrays *step, uint32_t tokens,
                      struct step_counts counts, bool first)
{
	const struct model *m = &llama->model;
	const uint32_t width = m->heads * m->head_size;
	const struct attention_shape shape = llama_attention_shape(llama);
	cudaStream_t stream = llama->stream;
	kernels_norm(llama->normed, llama->residual, first ? NULL : llama->added, layer->weights[LLAMA_NORM_ATTENTION], tokens,
	             m->hidden, (float)m->norm_epsilon, stream);
	gemm_run(llama->gemm, shape_of(tokens, llama_qkv_rows(m), m->hidden, m->has_qkv_bias, false), llama->qkv, llama->normed,
	         layer->weights[LLAMA_QKV], layer->weights[LLAMA_QKV_BIAS]);
	kernels_rope(llama->qkv, layer->pool, step->positions, step->slots, llama->frequency,
	             (float)model_rope_magnitude(m), tokens, m->heads, m->kv_heads, m->head_size, stream);
	if (counts.tiles)
		attention_prefill(llama->attended, llama->qkv, layer->pool, step->prompts, step->table, step->tiles, counts.tiles,
		                  attention_prefill_parts(counts.tiles, counts.longest_prompt, shape), llama->prefill_work, shape, stream);
	if (counts.decodes)
		attention_decode(llama->attended, llama->qkv, layer->pool, step->decodes, step->table, counts.decodes, counts.longest_decode,
		                 llama->decode_work, shape, stream);
	gemm_run(llama->gemm, shape_of(tokens, m->hidden, width, false, false), llama->added, llama->attended,
	         layer->weights[LLAMA_OUT], NULL);
	kernels_norm(llama->normed, llama->residual, llama->added, layer->weights[LLAMA_NORM_MLP], tokens, m->hidden,
	             (float)m->norm_epsilon, stream);
	gemm_run(llama->gemm, shape_of(tokens, 2 * m->intermediate, m->hidden, false, false), llama->gate_up, llama->normed,
	         layer->weights[LLAMA_GATE_UP], NULL);
	kernels_swiglu(llama->activated, llama->gate_up, tokens, m->intermediate, stream);
	gemm_run(llama->gemm, shape_of(tokens, m->hidden, m->intermediate, false, false), llama->added, llama->activated,
	         layer->weights[LLAMA_DOWN], NULL);
}

void llama_prepare(struct llama *llama, uint32_t tokens, uint32_t sequences)
{
	const struct model *m = &llama->model;
	gemm_plan(llama->gemm, shape_of(tokens, llama_qkv_rows(m), m->hidden, m->has_qkv_bias, false));
	gemm_plan(llama->gemm, shape_of(tokens, m->hidden, m->heads * m->head_size, false, false));
	gemm_plan(llama->gemm, shape_of(tokens, 2 * m->intermediate, m->hidden, false, false));
	gemm_plan(llama->gemm, shape_of(tokens, m->hidden, m->intermediate, false, false));
	gemm_plan(llama->gemm, shape_of(sequences, m->vocabulary, m->hidden, false, true));
}

void llama_step(struct llama *llama, const struct llama_batch *batch, uint32_t *best, float *logits)
{
	const struct model *m = &llama->model;
	const struct step_arrays host = lay_out(llama, llama->host_step), device = lay_out(llama, llama->device_step);
	/* The pinned arrays may still be on their way to the device for the step before. */
	GPU_CALL(cudaStreamSynchronize(llama->stream));
	const struct step_counts counts = describe(llama, batch, &host);
	GPU_CALL(cudaMemcpyAsync(llama->device_step, llama->host_step, llama->step_bytes, cudaMemcpyHostToDevice, llama->stream));
	kernels_embed(llama->residual, llama->embedding, device.ids, batch->token_count, m->hidden, llama->stream);
	for (uint32_t i = 0; i < m->layers; i++)
		run_layer(llama, &llama->layers[i], &device, batch->token_count, counts, i == 0);
	/* Only the last row of each sequence goes through the head. */
	kernels_norm(llama->normed, llama->residual, llama->added, llama->norm_final, batch->token_count, m->hidden,
	             (float)m->norm_epsilon, llama->stream);
	kernels_gather(llama->last_rows, llama->normed, device.last_rows, batch->sequence_count, m->hidden, llama->stream);
	gemm_run(llama->gemm, shape_of(batch->sequence_count, m->vocabulary, m->hidden, false, true), llama->logits,
	         llama->last_rows, llama->head, NULL);
	kernels_argmax(llama->best, llama->logits, batch->sequence_count, m->vocabulary, llama->stream);
	GPU_CALL(cudaMemcpyAsync(best, llama->best, batch->sequence_count * sizeof(*best), cudaMemcpyDeviceToHost, llama->stream));
	if (logits)
		GPU_CALL(cudaMemcpyAsync(logits, llama->logits, (size_t)batch->sequence_count * m->vocabulary * sizeof(*logits),
		                         cudaMemcpyDeviceToHost, llama->stream));
}

void llama_wait(struct llama *llama)
{
	GPU_CALL(cudaStreamSynchronize(llama->stream));
}
