/* fit_transfers.c - how fast the links to lower tiers are (fit.h). */
#include "fit_inside.h"

#include <gsl/gsl_multifit.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SIZES   3
#define LARGEST_ERROR 0.1 /* of a line through all sizes, at the largest: beyond it the small ones do not count */
#define BEYOND_FIRST  2   /* how much longer than the fastest a transfer takes whose time tells the rate */

/* Of one tier and direction. */
struct transfers {
	double *bytes, *ns;
	size_t count;
};

struct line {
	double latency_ns, ns_per_byte;
};

static struct transfers find(const struct samples *samples, const char *tier, enum sample_kind kind)
{
	struct transfers found = {mem_alloc(samples->count, sizeof(double)), mem_alloc(samples->count, sizeof(double)), 0};
	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *s = &samples->samples[i];
		if (s->kind == kind && strcmp(s->tier, tier) == 0) {
			found.bytes[found.count] = s->bytes;
			found.ns[found.count++] = s->median_ns;
		}
	}
	return found;
}

static void forget(struct transfers *transfers)
{
	free(transfers->bytes);
	free(transfers->ns);
}

static double relative_error(const struct line *line, const struct transfers *t, size_t i)
{
	return (line->latency_ns + line->ns_per_byte * t->bytes[i]) / t->ns[i] - 1;
}

static double mean_error(const struct line *line, const struct transfers *t)
{
	double sum = 0;
	for (size_t i = 0; i < t->count; i++)
		sum += fabs(relative_error(line, t, i));
	return sum / (double)t->count;
}

/* The least squares of relative errors, robust to outliers. */
static struct line line_through(const struct transfers *t)
{
	gsl_matrix *rows = gsl_matrix_alloc(t->count, 2), *covariance = gsl_matrix_alloc(2, 2);
	gsl_vector *ones = gsl_vector_alloc(t->count), *line = gsl_vector_alloc(2);
	gsl_vector *weights = gsl_vector_alloc(t->count), *off = gsl_vector_alloc(t->count);
	gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(t->count, 2);
	for (size_t i = 0; i < t->count; i++) {
		gsl_matrix_set(rows, i, 0, 1 / t->ns[i]);
		gsl_matrix_set(rows, i, 1, t->bytes[i] / t->ns[i]);
	}
	gsl_vector_set_all(ones, 1);
	gsl_vector_set_all(weights, 1);
	for (int round = 0; round < FIT_ROBUST_ROUNDS; round++) {
		double squares;
		gsl_multifit_wlinear(rows, weights, ones, line, covariance, &squares, work);
		gsl_multifit_linear_residuals(rows, ones, line, off);
		fit_bisquare(off->data, weights->data, t->count, FIT_LEAST_SCALE);
	}
	const struct line found = {fmax(gsl_vector_get(line, 0), 0), gsl_vector_get(line, 1)};
	gsl_multifit_linear_free(work);
	gsl_matrix_free(rows);
	gsl_matrix_free(covariance);
	gsl_vector_free(ones);
	gsl_vector_free(line);
	gsl_vector_free(weights);
	gsl_vector_free(off);
	return found;
}

static size_t largest_of(const struct transfers *t)
{
	size_t largest = 0;
	for (size_t i = 1; i < t->count; i++) {
		if (t->bytes[i] > t->bytes[largest])
			largest = i;
	}
	return largest;
}

/* Leaves those larger than any whose time says nothing of the rate. */
static void leave_out_small(struct transfers *t)
{
	double fastest = INFINITY, silent = 0;
	size_t left = 0;
	for (size_t i = 0; i < t->count; i++)
		fastest = fmin(fastest, t->ns[i]);
	for (size_t i = 0; i < t->count; i++) {
		if (t->ns[i] < BEYOND_FIRST * fastest)
			silent = fmax(silent, t->bytes[i]);
	}
	for (size_t i = 0; i < t->count; i++) {
		if (t->bytes[i] <= silent)
			continue;
		t->bytes[left] = t->bytes[i];
		t->ns[left++] = t->ns[i];
	}
	t->count = left;
}

static size_t count_sizes(const struct transfers *t)
{
	size_t sizes = 0;
	for (size_t i = 0; i < t->count; i++) {
		bool known = false;
		for (size_t j = 0; j < i; j++)
			known |= t->bytes[j] == t->bytes[i];
		sizes += !known;
	}
	return sizes;
}

/* Through the larger ones instead, where there are two sizes of them and that is nearer at the largest. */
static void mend_line(struct transfers *t, struct line *line, double *error)
{
	const double off = fabs(relative_error(line, t, largest_of(t)));
	if (off <= LARGEST_ERROR)
		return;
	leave_out_small(t);
	if (count_sizes(t) < 2)
		return;
	const struct line other = line_through(t);
	if (!(other.ns_per_byte > 0 && fabs(relative_error(&other, t, largest_of(t))) < off))
		return;
	*line = other;
	*error = mean_error(line, t);
}

static int fit_direction(const struct samples *samples, const char *tier, enum sample_kind kind, struct line *line, double *error,
                         struct err *err)
{
	struct transfers t = find(samples, tier, kind);
	const size_t sizes = count_sizes(&t);
	*line = (struct line){0, 0};
	if (sizes >= LEAST_SIZES) {
		*line = line_through(&t);
		*error = mean_error(line, &t);
		mend_line(&t, line, error);
	}
	forget(&t);
	if (!(line->ns_per_byte > 0))
		return err_set(err, "%s: tier %s has %zu sizes of %s transfers, from which no rate can be told; expected at least three sizes, the "
		                    "larger taking longer.", samples->name, tier, sizes, kind == SAMPLE_READ ? "read" : "write");
	return 0;
}

int fit_transfers(struct fit *fit, struct err *err)
{
	const struct samples *samples = fit->samples;
	struct calibration *c = &fit->calibration;
	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *s = &samples->samples[i];
		if (s->kind == SAMPLE_STEP || calibration_transfer(c, s->tier))
			continue;
		if (c->transfer_count == CALIBRATION_TIERS_MOST)
			return err_set(err, "%s: transfers of more than %d tiers.", samples->name, CALIBRATION_TIERS_MOST);
		struct fit_transfer *transfer = &fit->transfers[c->transfer_count];
		struct line read, write;
		double read_error = 0, write_error = 0;
		if (fit_direction(samples, s->tier, SAMPLE_READ, &read, &read_error, err) < 0 ||
		    fit_direction(samples, s->tier, SAMPLE_WRITE, &write, &write_error, err) < 0)
			return -1;
		memcpy(transfer->rates.tier, s->tier, sizeof(s->tier));
		transfer->rates.read_bytes_per_s = 1e9 / read.ns_per_byte;
		transfer->rates.write_bytes_per_s = 1e9 / write.ns_per_byte;
		transfer->rates.latency_ns = llround(read.latency_ns);
		transfer->mean_error = fmax(read_error, write_error);
		c->transfers[c->transfer_count++] = transfer->rates;
	}
	return 0;
}
