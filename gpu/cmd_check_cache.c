/* kvcast-gpu check --model DIR --tokens FILE: the cache proved by output. A prompt's answer is computed cold; then again
 * with its first blocks cached, for every number of blocks: left in the pool, or stored to host memory, disk and archive,
 * the pool spoilt, and loaded into other blocks; and cold in chunks of every size. Logits of all answer tokens must agree
 * within bf16 rounding, and the answers must be equal.
 *
 * That says something only if the model decides: the CPU's float32 margin between its two likeliest tokens must be ten
 * times what bf16 does to a logit, all along the answer (tests/train_tiny.py trains such a model). And the check must be
 * able to fail: with the signs in one cached block turned, logits must disagree, and answers change. */
#include "block_copy.h"
#include "cmd_check.h"
#include "prompts.h"
#include "sequences.h"
#include "tier_archive.h"
#include "tier_disk.h"
#include "tier_host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER 40 /* tokens */
#define MOST_LENGTH 1024
#define MOST_BLOCKS ((MOST_LENGTH + ANSWER) / 16 + 1)
#define MARGINS 10 /* bf16 errors that the least margin must be */

enum medium { IN_POOL, IN_HOST, ON_DISK, IN_ARCHIVE, PROMOTED, MEDIA };

static const char *const medium_names[] = {"pool", "host memory", "disk", "archive", "archive, by way of disk and host memory"};

struct answer {
	uint32_t ids[ANSWER];
	float *logits; /* [ANSWER][vocabulary] */
};

struct proof {
	struct llama *llama;
	struct reference *reference;
	struct block_copy *copy;
	void *pinned;            /* arena and buffer, aligned, lie in it */
	uint8_t *arena, *buffer; /* slots of the host's tier; blocks on their way */
	size_t stride;           /* a block's bytes, rounded up to what the disk takes */
	struct tier_host *host;
	struct tier_disk *disk;
	struct tier_archive *archive;
	char folder[4096]; /* the archive's */
	uint32_t block_tokens, vocabulary;
	/* The prompt at hand. */
	uint32_t index, length, ids[MOST_LENGTH + ANSWER];
	uint32_t home[MOST_BLOCKS], other[MOST_BLOCKS]; /* blocks: where the cold run leaves it, and others */
	struct answer cold, again;
	/* All prompts. */
	double error, margin, worst;
	unsigned compared, failed, spoilt, spoilt_answers;
};

static struct tier_io_key key_of(const struct proof *proof, uint32_t block)
{
	return (struct tier_io_key){proof->index + 1, block};
}

/* Answers the prompt, of which `done` tokens are computed, in chunks of that size. */
static void answer(struct proof *proof, struct answer *to, const uint32_t *table, uint32_t done, uint32_t chunk)
{
	struct sequence sequence = {proof->ids, table, done};
	for (uint32_t a = 0; a < ANSWER;) {
		const uint32_t known = proof->length + a, left = known - sequence.done;
		const struct sequences_part part = {&sequence, left < chunk ? left : chunk};
		uint32_t best;
		sequences_step(proof->llama, &part, 1, &best, to->logits + (size_t)a * proof->vocabulary);
		if (sequence.done == known)
			to->ids[a++] = proof->ids[known] = best;
	}
}

/* The largest difference to the cold run's logits, in parts of what is allowed: both runs are rounded, so twice what one
 * may be off. */
static double difference(const struct proof *proof)
{
	double worst = 0;
	for (uint32_t a = 0; a < ANSWER; a++) {
		const size_t row = (size_t)a * proof->vocabulary;
		worst = fmax(worst, cmd_check_difference(proof->cold.logits + row, proof->again.logits + row, proof->vocabulary));
	}
	return worst / 2;
}

static bool same_answer(const struct proof *proof)
{
	return memcmp(proof->cold.ids, proof->again.ids, sizeof(proof->cold.ids)) == 0;
}

static void compare(struct proof *proof, const char *what, uint32_t number)
{
	const double worst = difference(proof);
	const bool is_same = same_answer(proof);
	proof->compared++;
	proof->worst = fmax(proof->worst, worst);
	if (worst <= 1 && is_same)
		return;
	proof->failed++;
	printf("FAILED  prompt %u, %s %u: a logit is off by %.2f times what is allowed, the answer is %s\n", proof->index, what, number,
	       worst, is_same ? "the same" : "another");
}

/* The cold answer against the CPU's float32: what bf16 does to a logit, and how clearly the model decides. */
static void measure(struct proof *proof)
{
	float *expected = mem_alloc((size_t)ANSWER * proof->vocabulary, sizeof(*expected));
	reference_logits(proof->reference, proof->ids, proof->length - 1, proof->length + ANSWER - 1, expected);
	for (uint32_t a = 0; a < ANSWER; a++) {
		const float *row = expected + (size_t)a * proof->vocabulary;
		float first = -INFINITY, second = -INFINITY;
		for (uint32_t i = 0; i < proof->vocabulary; i++) {
			proof->error = fmax(proof->error, fabs((double)row[i] - proof->cold.logits[(size_t)a * proof->vocabulary + i]));
			second = fmaxf(second, fminf(row[i], first));
			first = fmaxf(first, row[i]);
		}
		proof->margin = fmin(proof->margin, (double)first - second);
	}
	free(expected);
}

static void must_end_well(enum tier_io_outcome outcome, const struct tier_io_request *request)
{
	if (outcome == TIER_IO_DONE)
		return;
	fprintf(stderr, "kvcast-gpu: a block was refused: %s\n", request->why.text);
	exit(1);
}

/* Puts `count` blocks of the cold run into every medium. */
static void store(struct proof *proof, uint32_t count)
{
	void *slots[MOST_BLOCKS];
	struct tier_io_request request;
	for (uint32_t b = 0; b < count; b++)
		slots[b] = tier_host_put(proof->host, key_of(proof, b));
	block_copy_store(proof->copy, proof->home, slots, count);
	block_copy_wait(proof->copy);
	for (uint32_t b = 0; b < count; b++) {
		tier_disk_write(proof->disk, key_of(proof, b), slots[b], &request);
		must_end_well(tier_disk_wait(proof->disk, &request), &request);
		tier_archive_write(proof->archive, key_of(proof, b), slots[b], 0, TIME_NEVER_NS, &request);
		must_end_well(tier_archive_wait(proof->archive, &request), &request);
	}
}

/* Block `block` of the prompt from a medium, to an address that the device can copy from. */
static void *fetch(struct proof *proof, enum medium medium, uint32_t block)
{
	const struct tier_io_key key = key_of(proof, block), promoted = {UINT64_MAX, block};
	struct tier_io_request request;
	void *to = proof->buffer + block * proof->stride;
	if (medium == IN_HOST)
		return tier_host_get(proof->host, key);
	if (medium == ON_DISK) {
		tier_disk_read(proof->disk, key, to, &request);
		must_end_well(tier_disk_wait(proof->disk, &request), &request);
		return to;
	}
	tier_archive_read(proof->archive, key, to, 0, &request);
	must_end_well(tier_archive_wait(proof->archive, &request), &request);
	if (medium == IN_ARCHIVE)
		return to;
	tier_disk_write(proof->disk, promoted, to, &request);
	must_end_well(tier_disk_wait(proof->disk, &request), &request);
	void *slot = tier_host_put(proof->host, promoted);
	tier_disk_read(proof->disk, promoted, slot, &request);
	must_end_well(tier_disk_wait(proof->disk, &request), &request);
	return slot;
}

/* Has the first `count` blocks cached, in `table`; the rest of the table is blocks that hold something else. */
static void load(struct proof *proof, enum medium medium, uint32_t count, uint32_t *table)
{
	void *from[MOST_BLOCKS];
	memcpy(table, proof->other, sizeof(proof->other));
	if (medium == IN_POOL) {
		memcpy(table, proof->home, count * sizeof(*table));
		return;
	}
	memset(proof->buffer, 0xff, MOST_BLOCKS * proof->stride);
	for (uint32_t b = 0; b < count; b++)
		from[b] = fetch(proof, medium, b);
	llama_fill_pool(proof->llama, count);
	block_copy_load(proof->copy, table, from, count);
	block_copy_join(proof->copy);
}

static void turn_signs(uint8_t *block, size_t bytes)
{
	for (size_t i = 1; i < bytes; i += 2)
		block[i] ^= 0x80;
}

/* One block of the cached ones is not what it was: if that went unseen, so would any other fault. */
static void spoil_one(struct proof *proof, uint32_t count)
{
	uint32_t table[MOST_BLOCKS];
	uint8_t *victim = tier_host_get(proof->host, key_of(proof, (proof->index + 7 * count) % count));
	turn_signs(victim, llama_block_bytes(proof->llama));
	load(proof, IN_HOST, count, table);
	answer(proof, &proof->again, table, count * proof->block_tokens, UINT32_MAX);
	turn_signs(victim, llama_block_bytes(proof->llama));
	proof->spoilt++;
	proof->spoilt_answers += !same_answer(proof);
	if (difference(proof) > 1)
		return;
	proof->failed++;
	printf("FAILED  prompt %u: a spoilt block among %u cached ones changed no logit by more than is allowed\n", proof->index, count);
}

static void prove_prompt(struct proof *proof, const struct prompts_one *prompt, uint32_t index)
{
	uint32_t table[MOST_BLOCKS];
	const uint32_t most = (prompt->length - 1) / proof->block_tokens;
	proof->index = index;
	proof->length = prompt->length;
	memcpy(proof->ids, prompt->ids, prompt->length * sizeof(*proof->ids));
	llama_fill_pool(proof->llama, index);
	answer(proof, &proof->cold, proof->home, 0, UINT32_MAX);
	measure(proof);
	store(proof, most);
	for (enum medium medium = IN_POOL; medium < MEDIA; medium++) {
		for (uint32_t count = 1; count <= most; count++) {
			load(proof, medium, count, table);
			answer(proof, &proof->again, table, count * proof->block_tokens, UINT32_MAX);
			compare(proof, medium_names[medium], count);
		}
	}
	for (uint32_t chunk = 1; chunk < prompt->length; chunk++) {
		llama_fill_pool(proof->llama, chunk);
		answer(proof, &proof->again, proof->other, 0, chunk);
		compare(proof, "chunks of", chunk);
	}
	for (uint32_t count = 1; count <= most; count++)
		spoil_one(proof, count);
}

static int open_media(struct proof *proof, const struct check_command *command, struct err *err)
{
	const struct model *model = llama_model(proof->llama);
	proof->stride = (llama_block_bytes(proof->llama) + TIER_IO_ALIGN - 1) / TIER_IO_ALIGN * TIER_IO_ALIGN;
	GPU_CALL(cudaMallocHost(&proof->pinned, 3 * MOST_BLOCKS * proof->stride + TIER_IO_ALIGN));
	proof->arena = (uint8_t *)proof->pinned + (TIER_IO_ALIGN - (uintptr_t)proof->pinned % TIER_IO_ALIGN) % TIER_IO_ALIGN;
	proof->buffer = proof->arena + 2 * MOST_BLOCKS * proof->stride;
	if (snprintf(proof->folder, sizeof(proof->folder), "%s/kvcast-check-archive", command->scratch_folder) >=
	    (int)sizeof(proof->folder))
		return err_set(err, "--scratch %s: a path this long is not taken.", command->scratch_folder);
	const struct tier_disk_options disk = {command->scratch_folder, 2 * MOST_BLOCKS, proof->stride, 1};
	const struct tier_archive_options archive = {proof->folder, {model->name, "bf16", proof->block_tokens, proof->stride}, 2};
	proof->disk = tier_disk_open(&disk, err);
	proof->archive = proof->disk ? tier_archive_open(&archive, err) : NULL;
	return proof->archive ? 0 : -1;
}

static int prove_all(struct proof *proof, const struct prompts *prompts, struct err *err)
{
	for (uint32_t p = 0; p < prompts->count; p++) {
		proof->host = tier_host_open(proof->arena, 2 * MOST_BLOCKS, proof->stride);
		prove_prompt(proof, &prompts->list[p], p);
		tier_host_close(proof->host);
		const uint32_t most = (proof->length - 1) / proof->block_tokens;
		for (uint32_t b = 0; b < most; b++) {
			tier_disk_drop(proof->disk, key_of(proof, b));
			tier_disk_drop(proof->disk, (struct tier_io_key){UINT64_MAX, b});
			if (tier_archive_drop(proof->archive, key_of(proof, b), err) < 0)
				return -1;
		}
	}
	return 0;
}

static int report(const struct proof *proof, uint32_t prompts)
{
	const bool decides = proof->margin >= MARGINS * proof->error;
	const bool fails = proof->spoilt_answers > 0;
	printf("%u prompts, answers of %d tokens, blocks of %u\n", prompts, ANSWER, proof->block_tokens);
	printf("bf16 moves a logit by up to %.3f; the two likeliest tokens are at least %.3f apart, %.0f times that%s\n", proof->error,
	       proof->margin, proof->margin / proof->error, decides ? "" : ": FAILED, expected 10 times");
	printf("%u answers compared with the cold ones, a logit off by at most %.2f of what is allowed (twice " CHECK_TOLERANCE "), %u failed\n",
	       proof->compared, proof->worst, proof->failed);
	printf("%u answers with a spoilt block, %u of them changed%s\n", proof->spoilt, proof->spoilt_answers,
	       fails ? "" : ": FAILED, expected some");
	const bool failed = proof->failed || !decides || !fails || proof->compared == 0;
	puts(failed ? "check: FAILED" : "check: the cache changes nothing");
	return failed;
}

static int check_cache(struct proof *proof, const struct check_command *command, const struct model *model,
                       const struct llama_weights *weights, const struct prompts *prompts, struct err *err)
{
	const struct llama_options options = {.weights = weights, .seed = command->seed, .block_tokens = proof->block_tokens,
	                                      .pool_blocks = 2 * MOST_BLOCKS, .most_tokens = MOST_LENGTH + ANSWER,
	                                      .most_sequences = 1, .most_table = MOST_BLOCKS};
	proof->llama = llama_open(model, &options, err);
	if (!proof->llama)
		return -1;
	proof->vocabulary = model->vocabulary;
	proof->reference = cmd_check_reference(proof->llama);
	proof->copy = block_copy_open(proof->llama);
	proof->cold.logits = mem_alloc((size_t)ANSWER * model->vocabulary, sizeof(float));
	proof->again.logits = mem_alloc((size_t)ANSWER * model->vocabulary, sizeof(float));
	/* Interleaved, and against the order of the prompt. */
	for (uint32_t b = 0; b < MOST_BLOCKS; b++) {
		proof->home[b] = 2 * (MOST_BLOCKS - 1 - b);
		proof->other[b] = 2 * b + 1;
	}
	int status = open_media(proof, command, err);
	if (status == 0)
		status = prove_all(proof, prompts, err);
	if (status == 0)
		status = report(proof, prompts->count);
	tier_archive_close(proof->archive);
	rmdir(proof->folder);
	tier_disk_close(proof->disk);
	GPU_CALL(cudaFreeHost(proof->pinned));
	free(proof->cold.logits);
	free(proof->again.logits);
	block_copy_close(proof->copy);
	reference_close(proof->reference);
	llama_close(proof->llama);
	return status;
}

int cmd_check_cache(const struct check_command *command)
{
	struct model model;
	struct llama_weights *weights;
	struct prompts prompts = {NULL, 0};
	struct err err;
	int status = gpu_cli_load_model(command->model_name, &model, &weights, &err);
	if (status == 0) {
		const uint32_t room = model.most_positions > ANSWER ? model.most_positions - ANSWER : 1;
		status = prompts_load(&prompts, command->tokens_path, model.vocabulary, room < MOST_LENGTH ? room : MOST_LENGTH, &err);
	}
	if (status < 0)
		return gpu_cli_fail(&err);
	if (gpu_cli_need_device())
		return 1;
	gpu_cli_print_machine();
	struct proof *proof = mem_alloc(1, sizeof(*proof));
	proof->block_tokens = command->block_tokens;
	proof->margin = INFINITY;
	status = check_cache(proof, command, &model, weights, &prompts, &err);
	if (status < 0)
		gpu_cli_fail(&err);
	free(proof);
	prompts_free(&prompts);
	llama_weights_close(weights);
	return status != 0;
}
