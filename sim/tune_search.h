/* tune_search.h - the searches of tune.c: sets of parameters that are tried, one after the other, in training.
 *
 * TUNE_STARTS searches share the runs. They know nothing of each other, so they may be made side by side, in any order, and
 * in other processes, which send them as text. Each begins anew, at a random place, as long as it has runs left; only the
 * first one begins at the given values.
 *
 * simplex: Nelder and Mead's (GSL, nmsimplex2). anneal: simulated annealing (GSL), which now and then takes what is worse: at
 * first one time in e what is 5 % worse, at the end what is 0.05 % worse, with steps drawn from a normal distribution of
 * 0.2 of each range, at the end 0.
 *
 * Sources: Nelder, Mead, The Computer Journal 7, 1965; Kirkpatrick, Gelatt, Vecchi, Science 220, 1983.
 */
#ifndef KVCAST_TUNE_SEARCH_H
#define KVCAST_TUNE_SEARCH_H

#include "tune.h"

#include <stdio.h>

/* A run of training that was possible. */
struct tune_trial {
	double places[TUNE_PARAMETERS_MOST]; /* of the parameters, 0..1 (tune_spec.h) */
	struct tune_measure measured;
};

struct tune_search {
	uint32_t runs; /* with those that were not possible */
	struct tune_trial *trials;
	uint32_t count;
	struct err refusal; /* the last, of values that a policy does not take together, such as a least above a most */
};

/* Makes search `which` of TUNE_STARTS over the first `requests` requests. */
void tune_search_make(const struct tune *tune, uint32_t which, uint32_t requests, struct tune_search *search);
void tune_search_free(struct tune_search *search);
/* The trial that is worth most; NULL: there is none. The first of equals. */
const struct tune_trial *tune_search_best(const struct tune *tune, const struct tune_search *search);

/* As text, and back, to the bit. */
char *tune_search_text(const struct tune_search *search);
void tune_search_read(struct tune_search *search, const char *text);

#endif
