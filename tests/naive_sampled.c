/* naive_sampled.c - the twins of the rules that judge a sample, for parameters under which the sample is all that may go;
 * see naive_policies.c. */
#include "naive.h"

static bool samples_all(const struct naive_config *config)
{
	const uint64_t blocks = config->trace->block_count;
	const uint64_t most = config->capacity_blocks < blocks ? config->capacity_blocks : blocks;
	return (uint64_t)naive_integer(&config->evict_values, "samples") >= most;
}

static struct naive_key hyperbolic_key(const struct naive *model, block_id b)
{
	const struct naive_block *block = &model->blocks[b];
	return (struct naive_key){(double)block->uses / (double)(model->seq - block->born_seq), (double)block->born_seq};
}

const struct naive_policy naive_sampled[] = {
        {.name = "hyperbolic", .key = hyperbolic_key, .knows = samples_all},
};
const size_t naive_sampled_count = COUNT_OF(naive_sampled);
