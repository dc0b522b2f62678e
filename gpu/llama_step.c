/* llama_step.c - a step: what is new is described, copied to the device, and goes through the layers. */
#include "llama_private.h"

#include <stdlib.h>
#include <string.h>

#define TUNE_HEAD 256 /* sequences: most steps have no more */

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

/* What a step works on: its arrays on the device, and how many there are. */
struct step {
	struct step_arrays at;
	uint32_t tokens, sequences;
	struct step_counts counts;
};

static struct step begin_step(struct llama *llama, const struct llama_batch *batch)
{
	const struct step_arrays host = lay_out(llama, llama->host_step), device = lay_out(llama, llama->device_step);
	/* The pinned arrays may still be on their way to the device for the step before. */
	GPU_CALL(cudaStreamSynchronize(llama->stream));
	const struct step_counts counts = describe(llama, batch, &host);
	GPU_CALL(cudaMemcpyAsync(llama->device_step, llama->host_step, llama->step_bytes, cudaMemcpyHostToDevice, llama->stream));
	kernels_turns(llama->turns, device.positions, llama->frequency, (float)model_rope_magnitude(&llama->model),
	              batch->token_count, llama->model.head_size, llama->stream);
	return (struct step){device, batch->token_count, batch->sequence_count, counts};
}

/* The matrix product of a part, for so many rows. */
static struct gemm_shape shape_of(const struct llama *llama, enum llama_part part, uint32_t rows)
{
	const struct model *m = &llama->model;
	switch (part) {
	case LLAMA_PART_QKV:
		return (struct gemm_shape){rows, llama_qkv_rows(m), m->hidden, m->has_qkv_bias, false, false};
	case LLAMA_PART_OUT:
		return (struct gemm_shape){rows, m->hidden, m->heads * m->head_size, false, false, true};
	case LLAMA_PART_GATE_UP:
		return (struct gemm_shape){rows, 2 * m->intermediate, m->hidden, false, false, false};
	case LLAMA_PART_DOWN:
		return (struct gemm_shape){rows, m->hidden, m->intermediate, false, false, true};
	default:
		ASSERT(part == LLAMA_PART_HEAD);
		return (struct gemm_shape){rows, m->vocabulary, m->hidden, false, true, false};
	}
}

static struct gemm_operands operands_of(struct llama *llama, enum llama_part part, uint32_t layer)
{
	bf16_bits *const *weights = llama->layers[layer].weights;
	switch (part) {
	case LLAMA_PART_QKV:
		return (struct gemm_operands){llama->qkv, llama->normed, weights[LLAMA_QKV], weights[LLAMA_QKV_BIAS]};
	case LLAMA_PART_OUT:
		return (struct gemm_operands){llama->residual, llama->attended, weights[LLAMA_OUT], NULL};
	case LLAMA_PART_GATE_UP:
		return (struct gemm_operands){llama->gate_up, llama->normed, weights[LLAMA_GATE_UP], NULL};
	case LLAMA_PART_DOWN:
		return (struct gemm_operands){llama->residual, llama->activated, weights[LLAMA_DOWN], NULL};
	default:
		ASSERT(part == LLAMA_PART_HEAD);
		return (struct gemm_operands){llama->logits, llama->last_rows, llama->head, NULL};
	}
}

static void multiply(struct llama *llama, enum llama_part part, uint32_t layer, uint32_t rows)
{
	const struct gemm_shape shape = shape_of(llama, part, llama_product_rows(llama, rows));
	const struct gemm_operands o = operands_of(llama, part, layer);
	if (!gemv_takes(rows, shape.outputs, shape.inputs))
		gemm_run(llama->gemm, shape, o);
	else
		gemv_run(o.y, o.x, o.weight, o.bias, rows, shape.outputs, shape.inputs,
		         shape.adds ? GEMV_ADD : shape.float_result ? GEMV_FLOAT : GEMV_STORE, llama->stream);
}

static void attend(struct llama *llama, const struct step *step, struct kernels_pool pool)
{
	const struct attention_shape shape = llama_attention_shape(llama);
	const struct step_counts *counts = &step->counts;
	if (counts->tiles)
		attention_prefill(llama->attended, llama->qkv, pool, step->at.prompts, step->at.table, step->at.tiles, counts->tiles,
		                  attention_prefill_parts(counts->tiles, counts->longest_prompt, shape), llama->prefill_work, shape,
		                  llama->stream);
	if (counts->decodes)
		attention_decode(llama->attended, llama->qkv, pool, step->at.decodes, step->at.table, counts->decodes,
		                 counts->longest_decode, llama->decode_work, shape, llama->stream);
}

/* With few rows one kernel makes the products and what SwiGLU makes of them. */
static bool gates_at_once(const struct llama *llama, uint32_t rows)
{
	return gemv_takes(rows, llama->model.intermediate, llama->model.hidden);
}

/* Only the last row of each sequence goes through the head. */
static void run_head(struct llama *llama, const struct step *step)
{
	const struct model *m = &llama->model;
	kernels_gather(llama->last_rows, llama->residual, step->at.last_rows, step->sequences, m->hidden, llama->stream);
	kernels_norm(llama->last_rows, llama->last_rows, llama->norm_final, step->sequences, m->hidden, (float)m->norm_epsilon,
	             llama->stream);
	multiply(llama, LLAMA_PART_HEAD, 0, step->sequences);
	kernels_argmax(llama->best, llama->logits, step->sequences, m->vocabulary, llama->stream);
}

static void run_part(struct llama *llama, const struct step *step, uint32_t layer, enum llama_part part)
{
	const struct model *m = &llama->model;
	const struct layer *l = &llama->layers[layer];
	const uint32_t tokens = step->tokens;
	switch (part) {
	case LLAMA_PART_NORM_ATTENTION:
	case LLAMA_PART_NORM_MLP:
		kernels_norm(llama->normed, llama->residual,
		             l->weights[part == LLAMA_PART_NORM_MLP ? LLAMA_NORM_MLP : LLAMA_NORM_ATTENTION], tokens, m->hidden,
		             (float)m->norm_epsilon, llama->stream);
		break;
	case LLAMA_PART_ROPE:
		kernels_rope(llama->qkv, l->pool, llama->turns, step->at.slots, tokens, m->heads, m->kv_heads, m->head_size,
		             llama->stream);
		break;
	case LLAMA_PART_ATTENTION:
		attend(llama, step, l->pool);
		break;
	case LLAMA_PART_GATE_UP:
		if (gates_at_once(llama, tokens))
			gemv_run(llama->activated, llama->normed, l->weights[LLAMA_GATE_UP], NULL, tokens, m->intermediate, m->hidden,
			         GEMV_GATE, llama->stream);
		else
			multiply(llama, part, layer, tokens);
		break;
	case LLAMA_PART_SWIGLU:
		if (!gates_at_once(llama, tokens))
			kernels_swiglu(llama->activated, llama->gate_up, tokens, m->intermediate, llama->stream);
		break;
	case LLAMA_PART_HEAD:
		run_head(llama, step);
		break;
	default:
		multiply(llama, part, layer, tokens);
		break;
	}
}

void llama_prepare(struct llama *llama, uint32_t tokens, uint32_t sequences)
{
	bool first = false;
	for (int p = 0; p < LLAMA_PARTS; p++) {
		const enum llama_part part = (enum llama_part)p;
		if (!LLAMA_PART_IS_PRODUCT(part))
			continue;
		const struct gemm_shape shape = shape_of(llama, part, llama_product_rows(llama, part == LLAMA_PART_HEAD ? sequences : tokens));
		if (!gemm_plan(llama->gemm, shape))
			continue;
		/* Whatever it multiplies: a kernel's first run loads it, which takes milliseconds. */
		gemm_run(llama->gemm, shape, operands_of(llama, part, 0));
		first = true;
	}
	if (first)
		llama_wait(llama);
}

/* The rows that a part's product is timed with at most. */
static uint32_t most_tuned(enum llama_part part)
{
	return part == LLAMA_PART_HEAD ? TUNE_HEAD : GEMM_CHOICES_MOST;
}

/* Operands of the largest products that are timed: a step's own may have room for fewer rows. */
struct tune_room {
	size_t x_count, y_bytes;
	bf16_bits *x;
	void *y;
};

static int make_tune_room(const struct llama *llama, struct tune_room *room, struct err *err)
{
	size_t left, all;
	for (int part = 0; part < LLAMA_PARTS; part++) {
		if (!LLAMA_PART_IS_PRODUCT(part))
			continue;
		const struct gemm_shape shape = shape_of(llama, (enum llama_part)part, most_tuned((enum llama_part)part));
		const size_t x_count = (size_t)shape.rows * shape.inputs;
		const size_t y_bytes = (size_t)shape.rows * shape.outputs * (shape.float_result ? sizeof(float) : sizeof(bf16_bits));
		room->x_count = x_count > room->x_count ? x_count : room->x_count;
		room->y_bytes = y_bytes > room->y_bytes ? y_bytes : room->y_bytes;
	}
	const size_t needed = room->x_count * sizeof(bf16_bits) + room->y_bytes;
	GPU_CALL(cudaMemGetInfo(&left, &all));
	if (needed > left)
		return err_set(err, "--model %s: timing its matrix products takes %.1f GiB beside weights and pool; the device has "
		                    "%.1f GiB free.", llama->model.name, (double)needed / 0x1p30, (double)left / 0x1p30);
	room->x = gpu_alloc(room->x_count * sizeof(bf16_bits));
	room->y = gpu_alloc(room->y_bytes);
	kernels_random(room->x, room->x_count, 3, 0, 1, llama->stream);
	return 0;
}

static struct gemm_choice tune_part(struct llama *llama, enum llama_part part, uint32_t rows, const struct tune_room *room)
{
	const struct model *m = &llama->model;
	const struct gemm_shape shape = shape_of(llama, part, rows);
	/* So many sets that the weights, taken in turn, are in no cache. */
	const uint32_t wanted = 1 + (uint32_t)(((size_t)256 << 20) / ((size_t)shape.outputs * shape.inputs * sizeof(bf16_bits)));
	const uint32_t count = part == LLAMA_PART_HEAD ? 1 : wanted < m->layers ? wanted : m->layers;
	struct gemm_operands *operands = mem_alloc(count, sizeof(*operands));
	for (uint32_t i = 0; i < count; i++) {
		operands[i] = operands_of(llama, part, i);
		operands[i].x = room->x;
		operands[i].y = room->y;
	}
	/* What it adds to must be numbers, which another product's results may not be. */
	if (shape.adds)
		GPU_CALL(cudaMemsetAsync(room->y, 0, (size_t)rows * shape.outputs * sizeof(bf16_bits), llama->stream));
	const struct gemm_choice choice = gemm_tune(llama->gemm, shape, operands, count);
	free(operands);
	return choice;
}

int llama_tune(struct llama *llama, void (*tell)(void *context, const struct llama_tuning *tuning), void *context, struct err *err)
{
	struct tune_room room = {.x = NULL};
	struct gemm_choices choices = {.choices = NULL};
	if (make_tune_room(llama, &room, err) < 0)
		return -1;
	for (uint32_t rows = 0; rows < GEMM_CHOICES_MOST;) {
		rows = gemm_choices_point(rows + 1);
		for (int p = 0; p < LLAMA_PARTS; p++) {
			const enum llama_part part = (enum llama_part)p;
			/* Two parts may be of one shape. */
			if (!LLAMA_PART_IS_PRODUCT(part) || rows > most_tuned(part) ||
			    gemm_choices_find(&choices, shape_of(llama, part, rows)))
				continue;
			const struct gemm_choice choice = tune_part(llama, part, rows, &room);
			gemm_choices_add(&choices, &choice);
			if (tell)
				tell(context, &(struct llama_tuning){rows, part, choice.first_us / 1000, choice.best_us / 1000});
		}
	}
	gemm_choose(llama->gemm, &choices);
	llama_pad(llama);
	gemm_choices_free(&choices);
	gpu_free(room.x);
	gpu_free(room.y);
	return 0;
}

void llama_pad(struct llama *llama)
{
	llama->pads = true;
}

double llama_time_part(struct llama *llama, const struct llama_batch *batch, enum llama_part part)
{
	const struct step step = begin_step(llama, batch);
	cudaEvent_t begin, end;
	float ms;
	GPU_CALL(cudaEventCreate(&begin));
	GPU_CALL(cudaEventCreate(&end));
	GPU_CALL(cudaEventRecord(begin, llama->stream));
	for (uint32_t i = 0; i < (part == LLAMA_PART_HEAD ? 1 : llama->model.layers); i++)
		run_part(llama, &step, i, part);
	GPU_CALL(cudaEventRecord(end, llama->stream));
	GPU_CALL(cudaEventSynchronize(end));
	GPU_CALL(cudaEventElapsedTime(&ms, begin, end));
	GPU_CALL(cudaEventDestroy(begin));
	GPU_CALL(cudaEventDestroy(end));
	return ms;
}

void llama_step(struct llama *llama, const struct llama_batch *batch, uint32_t *best, float *logits)
{
	const struct model *m = &llama->model;
	const struct step step = begin_step(llama, batch);
	kernels_embed(llama->residual, llama->embedding, step.at.ids, step.tokens, m->hidden, llama->stream);
	for (uint32_t i = 0; i < m->layers; i++) {
		for (int part = 0; part < LLAMA_PART_HEAD; part++)
			run_part(llama, &step, i, (enum llama_part)part);
	}
	run_part(llama, &step, 0, LLAMA_PART_HEAD);
	GPU_CALL(cudaMemcpyAsync(best, llama->best, batch->sequence_count * sizeof(*best), cudaMemcpyDeviceToHost, llama->stream));
	if (logits)
		GPU_CALL(cudaMemcpyAsync(logits, llama->logits, (size_t)batch->sequence_count * m->vocabulary * sizeof(*logits),
		                         cudaMemcpyDeviceToHost, llama->stream));
}

void llama_wait(struct llama *llama)
{
	GPU_CALL(cudaStreamSynchronize(llama->stream));
}
