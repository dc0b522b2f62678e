/* llama_products.c - the file that keeps which algorithms matrix products run with: read where it is, made where it is not. */
#include "llama_private.h"

#include <unistd.h>

/* Whole tiles are few enough to have them all planned before anything is timed: else a server that meets new ones would have the
 * device rest meanwhile. */
static void plan_all(struct llama *llama)
{
	const uint32_t most = gemm_choices_padded(llama->options.most_tokens), sequences = llama->options.most_sequences;
	for (uint32_t rows = gemm_choices_padded(1); rows <= most && rows <= GEMM_CHOICES_MOST; rows = gemm_choices_padded(rows + 1))
		llama_prepare(llama, rows, rows < sequences ? rows : sequences);
}

int llama_take_products(struct llama *llama, const char *path, void (*tell)(void *context, const struct llama_tuning *tuning),
                        void *context, struct err *err)
{
	char device[256];
	struct gemm_choices choices;
	const size_t version = gemm_version(device, sizeof(device));
	const struct gemm_choices_origin origin = {llama->model.name, device, version};
	if (access(path, F_OK) != 0 && (llama_tune(llama, tell, context, err) < 0 ||
	                                gemm_choices_write(gemm_chosen(llama->gemm), &origin, path, err) < 0))
		return -1;
	/* Also what was made just now: of two programs that make it at once, both go by what is there in the end. */
	const int failed = gemm_choices_load(&choices, &origin, path, err);
	if (!failed) {
		gemm_choose(llama->gemm, &choices);
		llama_pad(llama);
		plan_all(llama);
	}
	gemm_choices_free(&choices);
	return failed;
}

uint64_t llama_products_checksum(const struct llama *llama)
{
	const struct gemm_choices *chosen = gemm_chosen(llama->gemm);
	return chosen->count ? gemm_choices_checksum(chosen) : 0;
}

size_t llama_products_missed(const struct llama *llama, struct gemm_shape *shape)
{
	return gemm_missed(llama->gemm, shape);
}
