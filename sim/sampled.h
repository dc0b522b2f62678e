/* sampled.h - curves from a part of a trace, with intervals, for traces that are too long to look at every reference.
 *
 * What is drawn. A block can be left out only with everything below it, or a prefix would end where it does not; and one that
 * is drawn has to keep all its uses, or it would look colder than it is. So whole prefix trees are drawn (as SHARDS draws single
 * blocks, by a hash of them). Blocks that more than one request in a hundred uses, such as a common system prompt, are no
 * tree's: they are all looked at. A tree begins at the first block below them.
 *
 * Estimates. A hit in a drawn tree stands for as many as there are references in all trees for each in the drawn ones (a
 * ratio estimate, which also does what SHARDS-adj does: the references that were expected and did not come are made up for);
 * blocks, tokens and shares of requests each by their own ratio, which the trace tells. Ranks count other trees' blocks for as
 * many as there are (reuse.h), about 1/rate, and what a tree itself has used once.
 *
 * Resolution. Where others' blocks between two uses come from few trees, a sample has them all or none, and a hit that is as likely
 * as not at a capacity looks sure or impossible at many: the curve is blurred, which no interval shows. It therefore begins where
 * capacity x rate has room for what ten average requests have in their trees (weighted by that). Over TTLs nothing of the kind
 * happens, as a gap is what it is.
 *
 * Interval: 95 %. The drawn trees are parted at random in SAMPLED_GROUPS groups; the whole estimate is made again without each
 * (the delete-a-group jackknife), and the spread is taken as Student's t's, less what a sample of that size of all trees
 * lacks. It tells the error of drawing, not of the trace, and is as good as the trees are many and none is large.
 *
 * Cost: one look at every request and every block, then SAMPLED_GROUPS + 1 passes over the references to shared blocks and to
 * drawn trees.
 *
 * Sources: Waldspurger, Park, Garthwaite, Ahmad, FAST 2015 (SHARDS); Kott, Journal of Official Statistics 17, 2001 (the
 * jackknife).
 */
#ifndef KVCAST_SAMPLED_H
#define KVCAST_SAMPLED_H

#include "curve.h"

#define SAMPLED_GROUPS 20
/* Fewer drawn trees than this are refused. */
#define SAMPLED_TREES_LEAST (2 * SAMPLED_GROUPS)

struct sampled;

struct sampled_point {
	struct curve_point estimate;
	double low, high; /* of the token hit rate */
};

/* `rate`: above 0, at most 1; at 1 the estimates are exact. NULL and a sentence where the sample is too small. */
struct sampled *sampled_open(const struct trace *trace, const struct run_config *config, enum curve_axis axis, double rate,
                             uint64_t seed, struct err *err);
void sampled_close(struct sampled *sampled);
const struct curve_totals *sampled_totals(const struct sampled *sampled);
double sampled_rate(const struct sampled *sampled);
uint32_t sampled_trees(const struct sampled *sampled);
uint32_t sampled_drawn_trees(const struct sampled *sampled);
/* The capacity from which on there are points; 0: any. */
uint64_t sampled_begin(const struct sampled *sampled);
/* As curve_next, from sampled_begin() on; the last point is there in any case. */
bool sampled_next(struct sampled *sampled, struct sampled_point *point);

#endif
