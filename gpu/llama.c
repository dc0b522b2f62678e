#include "llama_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void copy_from_file(bf16_bits *device, const struct llama *llama, enum llama_weight weight, uint32_t layer, size_t count)
{
	bf16_bits *host = mem_alloc(count, sizeof(*host));
	llama_weights_read(llama->options.weights, weight, layer, host);
	GPU_CALL(cudaMemcpy(device, host, count * sizeof(*host), cudaMemcpyHostToDevice));
	free(host);
}

static bf16_bits *make_weight(struct llama *llama, enum llama_weight weight, uint32_t layer, double inputs)
{
	const size_t count = llama_weight_count(&llama->model, weight);
	if (count == 0)
		return NULL;
	bf16_bits *device = gpu_alloc(count * sizeof(bf16_bits));
	if (llama->options.weights) {
		copy_from_file(device, llama, weight, layer, count);
		return device;
	}
	const bool is_norm = weight == LLAMA_NORM_ATTENTION || weight == LLAMA_NORM_MLP || weight == LLAMA_NORM_FINAL;
	const uint64_t seed = (llama->options.seed * 1000003 + layer) * 64 + (uint64_t)weight;
	kernels_random(device, count, seed << 32, is_norm ? 1 : 0, (float)(is_norm ? 0.1 : 1 / sqrt(inputs)), llama->stream);
	return device;
}

static void make_weights(struct llama *llama)
{
	const struct model *m = &llama->model;
	llama->layers = mem_alloc(m->layers, sizeof(*llama->layers));
	for (uint32_t i = 0; i < m->layers; i++) {
		const double inputs[LLAMA_WEIGHTS] = {
		        [LLAMA_NORM_ATTENTION] = 1, [LLAMA_QKV] = m->hidden, [LLAMA_QKV_BIAS] = 100, [LLAMA_NORM_MLP] = 1,
		        [LLAMA_OUT] = m->heads * m->head_size, [LLAMA_GATE_UP] = m->hidden, [LLAMA_DOWN] = m->intermediate};
		for (int w = 0; w < LLAMA_WEIGHTS; w++) {
			if (inputs[w] > 0)
				llama->layers[i].weights[w] = make_weight(llama, (enum llama_weight)w, i, inputs[w]);
		}
	}
	llama->embedding = make_weight(llama, LLAMA_EMBEDDING, m->layers, 1);
	llama->norm_final = make_weight(llama, LLAMA_NORM_FINAL, m->layers, 1);
	llama->head = m->ties_head ? llama->embedding : make_weight(llama, LLAMA_HEAD, m->layers, m->hidden);
	float *frequency = mem_alloc(m->head_size / 2, sizeof(*frequency));
	for (uint32_t i = 0; i < m->head_size / 2; i++)
		frequency[i] = (float)model_rope_frequency(m, i);
	llama->frequency = gpu_alloc(m->head_size / 2 * sizeof(float));
	GPU_CALL(cudaMemcpy(llama->frequency, frequency, m->head_size / 2 * sizeof(float), cudaMemcpyHostToDevice));
	free(frequency);
}

static size_t pool_bytes_a_layer(const struct llama *llama)
{
	return (size_t)llama->options.pool_blocks * llama->options.block_tokens * llama->model.kv_heads * llama->model.head_size *
	       sizeof(bf16_bits);
}

size_t llama_block_bytes(const struct llama *llama)
{
	return (size_t)2 * llama->model.layers * llama->options.block_tokens * llama->model.kv_heads * llama->model.head_size *
	       sizeof(bf16_bits);
}

static void make_room(struct llama *llama)
{
	const struct model *m = &llama->model;
	const struct llama_options *o = &llama->options;
	for (uint32_t i = 0; i < m->layers; i++) {
		llama->layers[i].pool.keys = gpu_alloc(pool_bytes_a_layer(llama));
		llama->layers[i].pool.values = gpu_alloc(pool_bytes_a_layer(llama));
		/* Attention reads whole blocks, also what nobody wrote. */
		GPU_CALL(cudaMemsetAsync(llama->layers[i].pool.keys, 0, pool_bytes_a_layer(llama), llama->stream));
		GPU_CALL(cudaMemsetAsync(llama->layers[i].pool.values, 0, pool_bytes_a_layer(llama), llama->stream));
	}
	const size_t rows = (size_t)gemm_choices_padded(o->most_tokens) * sizeof(bf16_bits), last_rows = gemm_choices_padded(o->most_sequences);
	llama->residual = gpu_alloc(rows * m->hidden);
	llama->normed = gpu_alloc(rows * m->hidden);
	llama->qkv = gpu_alloc(rows * llama_qkv_rows(m));
	llama->attended = gpu_alloc(rows * m->heads * m->head_size);
	llama->turns = gpu_alloc((size_t)o->most_tokens * m->head_size * sizeof(float));
	llama->gate_up = gpu_alloc(rows * 2 * m->intermediate);
	llama->activated = gpu_alloc(rows * m->intermediate);
	llama->last_rows = gpu_alloc(last_rows * m->hidden * sizeof(bf16_bits));
	llama->logits = gpu_alloc(last_rows * m->vocabulary * sizeof(float));
	llama->best = gpu_alloc(o->most_sequences * sizeof(uint32_t));
	llama->step_bytes = llama_step_bytes(llama);
	GPU_CALL(cudaMallocHost((void **)&llama->host_step, llama->step_bytes));
	llama->device_step = gpu_alloc(llama->step_bytes);
	llama->prefill_work = gpu_alloc(attention_prefill_bytes(llama_attention_shape(llama)));
	llama->decode_work = gpu_alloc(attention_decode_bytes(o->most_sequences, llama_attention_shape(llama)));
}

static int check_shape(const struct model *m, const struct llama_options *o, struct err *err)
{
	if (m->lacks[0])
		return err_set(err, "--model %s: it cannot be run: %s", m->name, m->lacks);
	if (m->head_size != 64 && m->head_size != 96 && m->head_size != 128)
		return err_set(err, "--model %s: its heads have %u values; expected 64, 96 or 128.", m->name, m->head_size);
	const uint32_t group = m->heads / m->kv_heads;
	if (m->heads % m->kv_heads || group > 8 || group == 3 || group == 5)
		return err_set(err, "--model %s: %u heads on %u key heads; expected 1, 2, 4, 6, 7 or 8 to one.", m->name, m->heads,
		               m->kv_heads);
	if (m->hidden % 8 || m->intermediate % 8 || m->hidden > 8192)
		return err_set(err, "--model %s: hidden and intermediate sizes are %u and %u; expected multiples of 8, hidden at most "
		                    "8192.", m->name, m->hidden, m->intermediate);
	if (o->block_tokens % 16 || o->block_tokens == 0)
		return err_set(err, "a block of %u tokens; expected a multiple of 16.", o->block_tokens);
	return 0;
}

static size_t free_bytes(void)
{
	size_t left, all;
	GPU_CALL(cudaMemGetInfo(&left, &all));
	return left;
}

/* Weights and what steps need, but for what is small beside them. */
static size_t fixed_bytes(const struct model *model, const struct llama_options *options)
{
	size_t weights = 0;
	for (int w = 0; w < LLAMA_WEIGHTS; w++)
		weights += llama_weight_count(model, (enum llama_weight)w) * sizeof(bf16_bits) *
		           (llama_weight_is_shared((enum llama_weight)w) ? 1 : model->layers);
	const size_t a_row = 2 * (model->hidden + model->head_size) + llama_qkv_rows(model) + model->heads * model->head_size +
	                     3 * model->intermediate;
	return weights + gemm_choices_padded(options->most_tokens) * a_row * sizeof(bf16_bits) +
	       (size_t)gemm_choices_padded(options->most_sequences) * model->vocabulary * sizeof(float);
}

/* For workspaces, staging and the driver's own. */
#define SPARE_BYTES ((size_t)2 << 30)

uint64_t llama_room(const struct model *model, const struct llama_options *options)
{
	const size_t block = (size_t)2 * model->layers * options->block_tokens * model->kv_heads * model->head_size * sizeof(bf16_bits);
	const size_t left = free_bytes(), taken = fixed_bytes(model, options) + SPARE_BYTES;
	return left > taken ? (left - taken) / block : 0;
}

struct llama *llama_open(const struct model *model, const struct llama_options *options, struct err *err)
{
	if (check_shape(model, options, err) < 0)
		return NULL;
	struct llama *llama = mem_alloc(1, sizeof(*llama));
	llama->model = *model;
	llama->model.dtype_bytes = sizeof(bf16_bits);
	llama->options = *options;
	const size_t needed = pool_bytes_a_layer(llama) * 2 * model->layers + fixed_bytes(model, options);
	if (needed > free_bytes()) {
		err_set(err, "--model %s: weights, pool and activations need %.1f GiB; the device has %.1f GiB free.", model->name,
		        (double)needed / 0x1p30, (double)free_bytes() / 0x1p30);
		free(llama);
		return NULL;
	}
	GPU_CALL(cudaStreamCreate(&llama->stream));
	llama->gemm = gemm_open(llama->stream);
	make_weights(llama);
	make_room(llama);
	GPU_CALL(cudaStreamSynchronize(llama->stream));
	return llama;
}

void llama_close(struct llama *llama)
{
	if (!llama)
		return;
	for (uint32_t i = 0; i < llama->model.layers; i++) {
		for (int w = 0; w < LLAMA_WEIGHTS; w++)
			gpu_free(llama->layers[i].weights[w]);
		gpu_free(llama->layers[i].pool.keys);
		gpu_free(llama->layers[i].pool.values);
	}
	if (llama->head != llama->embedding)
		gpu_free(llama->head);
	void *const others[] = {llama->embedding, llama->norm_final, llama->frequency, llama->residual, llama->normed, llama->qkv,
	                        llama->attended, llama->turns, llama->gate_up, llama->activated, llama->last_rows, llama->logits,
	                        llama->best, llama->device_step, llama->prefill_work, llama->decode_work};
	for (size_t i = 0; i < COUNT_OF(others); i++)
		gpu_free(others[i]);
	GPU_CALL(cudaFreeHost(llama->host_step));
	gemm_close(llama->gemm);
	GPU_CALL(cudaStreamDestroy(llama->stream));
	free(llama->layers);
	free(llama);
}

bool llama_fits(const struct llama *llama, const struct llama_options *options)
{
	const struct llama_options *has = &llama->options;
	return has->block_tokens == options->block_tokens && has->pool_blocks >= options->pool_blocks &&
	       has->most_tokens >= options->most_tokens && has->most_sequences >= options->most_sequences &&
	       has->most_table >= options->most_table;
}

const struct model *llama_model(const struct llama *llama)
{
	return &llama->model;
}

cudaStream_t llama_stream(const struct llama *llama)
{
	return llama->stream;
}

uint32_t llama_block_tokens(const struct llama *llama)
{
	return llama->options.block_tokens;
}

struct kernels_pool llama_pool(const struct llama *llama, uint32_t layer)
{
	return llama->layers[layer].pool;
}

void llama_fill_pool(struct llama *llama, uint64_t seed)
{
	const size_t count = pool_bytes_a_layer(llama) / sizeof(bf16_bits);
	for (uint32_t i = 0; i < llama->model.layers; i++) {
		kernels_random(llama->layers[i].pool.keys, count, (seed + 2 * i) << 32, 0, 1, llama->stream);
		kernels_random(llama->layers[i].pool.values, count, (seed + 2 * i + 1) << 32, 0, 1, llama->stream);
	}
}

void llama_poison(struct llama *llama)
{
	const struct model *m = &llama->model;
	const size_t rows = llama->options.most_tokens * sizeof(bf16_bits), sequences = llama->options.most_sequences;
	const struct {
		void *at;
		size_t bytes;
	} written[] = {{llama->residual, rows * m->hidden},
	               {llama->normed, rows * m->hidden},
	               {llama->qkv, rows * llama_qkv_rows(m)},
	               {llama->turns, llama->options.most_tokens * m->head_size * sizeof(float)},
	               {llama->attended, rows * m->heads * m->head_size},
	               {llama->gate_up, rows * 2 * m->intermediate},
	               {llama->activated, rows * m->intermediate},
	               {llama->last_rows, sequences * m->hidden * sizeof(bf16_bits)},
	               {llama->logits, sequences * m->vocabulary * sizeof(float)},
	               {llama->best, sequences * sizeof(uint32_t)}};
	for (size_t i = 0; i < COUNT_OF(written); i++)
		GPU_CALL(cudaMemsetAsync(written[i].at, 0xff, written[i].bytes, llama->stream));
}

void llama_read_weight(const struct llama *llama, enum llama_weight weight, uint32_t layer, bf16_bits *to)
{
	const bf16_bits *from = weight == LLAMA_EMBEDDING    ? llama->embedding
	                        : weight == LLAMA_NORM_FINAL ? llama->norm_final
	                        : weight == LLAMA_HEAD       ? llama->head
	                                                     : llama->layers[layer].weights[weight];
	GPU_CALL(cudaMemcpy(to, from, llama_weight_count(&llama->model, weight) * sizeof(bf16_bits), cudaMemcpyDeviceToHost));
}
