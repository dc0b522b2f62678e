#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reference {
	struct model model;
	float **weights[LLAMA_WEIGHTS]; /* [layer], one for those that no layer has */
};

struct reference *reference_open(const struct model *model, reference_read *read, const void *from)
{
	struct reference *reference = mem_alloc(1, sizeof(*reference));
	reference->model = *model;
	for (int w = 0; w < LLAMA_WEIGHTS; w++) {
		const enum llama_weight weight = (enum llama_weight)w;
		const size_t count = llama_weight_count(model, weight);
		const uint32_t layers = llama_weight_is_shared(weight) ? 1 : model->layers;
		reference->weights[w] = mem_alloc(layers, sizeof(float *));
		bf16_bits *bits = mem_alloc(count, sizeof(*bits));
		for (uint32_t layer = 0; layer < layers && count; layer++) {
			reference->weights[w][layer] = mem_alloc(count, sizeof(float));
			read(from, weight, layer, bits);
			for (size_t i = 0; i < count; i++)
				reference->weights[w][layer][i] = bf16_to_float(bits[i]);
		}
		free(bits);
	}
	return reference;
}

static void read_files(const void *weights, enum llama_weight weight, uint32_t layer, bf16_bits *to)
{
	llama_weights_read(weights, weight, layer, to);
}

struct reference *reference_open_files(const struct model *model, const struct llama_weights *weights)
{
	return reference_open(model, read_files, weights);
}

void reference_close(struct reference *reference)
{
	for (int w = 0; w < LLAMA_WEIGHTS; w++) {
		for (uint32_t layer = 0; layer < (llama_weight_is_shared((enum llama_weight)w) ? 1 : reference->model.layers); layer++)
			free(reference->weights[w][layer]);
		free(reference->weights[w]);
	}
	free(reference);
}

static void norm(float *out, const float *in, const float *weight, uint32_t size, double epsilon)
{
	double sum = 0;
	for (uint32_t i = 0; i < size; i++)
		sum += (double)in[i] * in[i];
	const double scale = 1 / sqrt(sum / size + epsilon);
	for (uint32_t i = 0; i < size; i++)
		out[i] = (float)(in[i] * scale * weight[i]);
}

static void turn(float *head, const struct model *model, uint32_t position)
{
	const uint32_t half = model->head_size / 2;
	const double magnitude = model_rope_magnitude(model);
	for (uint32_t i = 0; i < half; i++) {
		const double angle = position * model_rope_frequency(model, i);
		const float a = head[i], b = head[i + half];
		head[i] = (float)(magnitude * (a * cos(angle) - b * sin(angle)));
		head[i + half] = (float)(magnitude * (b * cos(angle) + a * sin(angle)));
	}
}

/* out[outputs] = weight x in (+ bias) */
static void product(float *out, const float *weight, const float *bias, const float *in, uint32_t outputs, uint32_t inputs)
{
	for (uint32_t o = 0; o < outputs; o++) {
		double sum = bias ? bias[o] : 0;
#pragma omp simd reduction(+ : sum)
		for (uint32_t i = 0; i < inputs; i++)
			sum += (double)weight[(size_t)o * inputs + i] * in[i];
		out[o] = (float)sum;
	}
}

/* One head of one query over keys and values of positions 0..last; rows are `stride` values apart. */
static void attend(float *out, const float *query, const float *keys, const float *values, uint32_t last, uint32_t stride,
                   uint32_t head_size, double *weights)
{
	double most = -INFINITY, total = 0;
	for (uint32_t t = 0; t <= last; t++) {
		double score = 0;
#pragma omp simd reduction(+ : score)
		for (uint32_t d = 0; d < head_size; d++)
			score += (double)query[d] * keys[(size_t)t * stride + d];
		weights[t] = score / sqrt(head_size);
		most = fmax(most, weights[t]);
	}
	for (uint32_t t = 0; t <= last; t++)
		total += weights[t] = exp(weights[t] - most);
	double sums[256] = {0};
	for (uint32_t t = 0; t <= last; t++) {
		for (uint32_t d = 0; d < head_size; d++)
			sums[d] += weights[t] / total * values[(size_t)t * stride + d];
	}
	for (uint32_t d = 0; d < head_size; d++)
		out[d] = (float)sums[d];
}

/* Queries, keys and values of the token at `position`. */
static void project(const struct reference *r, uint32_t layer, const float *residual, uint32_t position, float *own)
{
	const struct model *m = &r->model;
	float *normed = mem_alloc(m->hidden, sizeof(*normed));
	norm(normed, residual, r->weights[LLAMA_NORM_ATTENTION][layer], m->hidden, m->norm_epsilon);
	product(own, r->weights[LLAMA_QKV][layer], r->weights[LLAMA_QKV_BIAS][layer], normed,
	        (m->heads + 2 * m->kv_heads) * m->head_size, m->hidden);
	for (uint32_t h = 0; h < m->heads + m->kv_heads; h++)
		turn(own + h * m->head_size, m, position);
	free(normed);
}

/* Adds to `residual` what the token at `position` sees in the tokens up to itself, whose projections are `qkv`. */
static void look_back(const struct reference *r, uint32_t layer, float *residual, uint32_t position, const float *qkv)
{
	const struct model *m = &r->model;
	const uint32_t size = m->head_size, row = (m->heads + 2 * m->kv_heads) * size, group = m->heads / m->kv_heads;
	float *attended = mem_alloc((size_t)m->heads * size, sizeof(*attended)), *added = mem_alloc(m->hidden, sizeof(*added));
	double *weights = mem_alloc(position + 1, sizeof(*weights));
	for (uint32_t h = 0; h < m->heads; h++)
		attend(attended + h * size, qkv + (size_t)position * row + h * size, qkv + (m->heads + h / group) * size,
		       qkv + (m->heads + m->kv_heads + h / group) * size, position, row, size, weights);
	product(added, r->weights[LLAMA_OUT][layer], NULL, attended, m->hidden, m->heads * size);
	for (uint32_t i = 0; i < m->hidden; i++)
		residual[i] += added[i];
	free(attended);
	free(added);
	free(weights);
}

static void run_mlp(const struct reference *r, uint32_t layer, float *residual)
{
	const struct model *m = &r->model;
	const uint32_t inner = m->intermediate;
	float *normed = mem_alloc(m->hidden, sizeof(*normed)), *gate_up = mem_alloc(2 * (size_t)inner, sizeof(*gate_up));
	float *added = mem_alloc(m->hidden, sizeof(*added));
	norm(normed, residual, r->weights[LLAMA_NORM_MLP][layer], m->hidden, m->norm_epsilon);
	product(gate_up, r->weights[LLAMA_GATE_UP][layer], NULL, normed, 2 * inner, m->hidden);
	for (uint32_t i = 0; i < inner; i++)
		gate_up[i] = (float)(gate_up[i] / (1 + exp(-gate_up[i])) * gate_up[inner + i]);
	product(added, r->weights[LLAMA_DOWN][layer], NULL, gate_up, m->hidden, inner);
	for (uint32_t i = 0; i < m->hidden; i++)
		residual[i] += added[i];
	free(normed);
	free(gate_up);
	free(added);
}

/* Tokens are independent of each other but for the projections that all of them must have before any looks back. */
static void run_layer(const struct reference *r, uint32_t layer, float *residual, uint32_t count)
{
	const struct model *m = &r->model;
	const uint32_t row = (m->heads + 2 * m->kv_heads) * m->head_size;
	float *qkv = mem_alloc((size_t)count * row, sizeof(*qkv));
#pragma omp parallel for
	for (uint32_t t = 0; t < count; t++)
		project(r, layer, residual + (size_t)t * m->hidden, t, qkv + (size_t)t * row);
#pragma omp parallel for schedule(dynamic, 16)
	for (uint32_t t = 0; t < count; t++) {
		look_back(r, layer, residual + (size_t)t * m->hidden, t, qkv);
		run_mlp(r, layer, residual + (size_t)t * m->hidden);
	}
	free(qkv);
}

void reference_logits(const struct reference *r, const uint32_t *ids, uint32_t first, uint32_t count, float *logits)
{
	const struct model *m = &r->model;
	float *residual = mem_alloc((size_t)count * m->hidden, sizeof(*residual));
	for (uint32_t t = 0; t < count; t++)
		memcpy(residual + (size_t)t * m->hidden, r->weights[LLAMA_EMBEDDING][0] + (size_t)ids[t] * m->hidden,
		       m->hidden * sizeof(*residual));
	for (uint32_t layer = 0; layer < m->layers; layer++)
		run_layer(r, layer, residual, count);
#pragma omp parallel for
	for (uint32_t t = first; t < count; t++) {
		float *row = residual + (size_t)t * m->hidden;
		norm(row, row, r->weights[LLAMA_NORM_FINAL][0], m->hidden, m->norm_epsilon);
		product(logits + (size_t)(t - first) * m->vocabulary, r->weights[LLAMA_HEAD][0], NULL, row, m->vocabulary, m->hidden);
	}
	free(residual);
}
