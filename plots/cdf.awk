# cdf.awk - sorted numbers in, one a line; the steps of their distribution out, tab-separated: value, share of all in %,
# median, 95th percentile. 2,000 steps at most, which looks like all of them. Percentiles are linear between order
# statistics, like those of kvcast's tables.
{ value[NR] = $1 }

END {
	OFS = "\t"
	p50 = percentile(0.50)
	p95 = percentile(0.95)
	stride = int((NR + 1999) / 2000)
	print value[1], 0, p50, p95
	for (i = stride; i < NR; i += stride)
		print value[i], 100 * i / NR, p50, p95
	print value[NR], 100, p50, p95
}

function percentile(q,    place, below)
{
	place = 1 + (NR - 1) * q
	below = int(place)
	return below < NR ? value[below] + (place - below) * (value[below + 1] - value[below]) : value[NR]
}
