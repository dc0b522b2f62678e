# surface.gp - token hit rate over TTL and capacity together, as a map.
#
#   kvcast curve TRACE --surface --csv > surface.csv
#   gnuplot -c plots/surface.gp surface.csv out.svg        (or .png, .pdf)
#
# Rows and columns stand in order of TTL and capacity, each as wide as the next; the number in a cell is its hit rate.

if (ARGC != 2) { print "Usage: gnuplot -c surface.gp SURFACE.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "ttl_ms capacity_blocks capacity_gib token_hit_rate"
numbers = "ttl_ms capacity_blocks token_hit_rate"
problem = style_problem(ARG2)
if (problem eq "") { problem = csv_problem(ARG1, wanted, numbers) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)

stats source skip 1 using (0) nooutput
array TTL[STATS_records]
array CAPACITY[STATS_records]
array GIB[STATS_records]
ttls = 0
capacities = 0
ttl_of(text) = sum [i = 1:ttls] (TTL[i] eq text ? i : 0)
capacity_of(text) = sum [i = 1:capacities] (CAPACITY[i] eq text ? i : 0)
see_ttl(text) = (ttl_of(text) ? 0 : (ttls = ttls + 1, TTL[ttls] = text, 0))
see_capacity(text, gib) = (capacity_of(text) ? 0 : \
	(capacities = capacities + 1, CAPACITY[capacities] = text, GIB[capacities] = gib, 0))
stats source skip 1 using (see_ttl(strcol(1)), see_capacity(strcol(2), strcol(3))) nooutput

spelled(ms) = (ms < 1e3 ? sprintf("%g ms", ms) : ms < 6e4 ? sprintf("%g s", ms / 1e3) : ms < 3.6e6 ? sprintf("%g m", ms / 6e4) : \
	ms < 8.64e7 ? sprintf("%g h", ms / 3.6e6) : sprintf("%g d", ms / 8.64e7))
short(n) = (n >= 1e6 ? sprintf("%.4g M", n / 1e6) : n >= 1e3 ? sprintf("%.4g k", n / 1e3) : sprintf("%.4g", n))
set ytics () scale 0
set xtics () scale 0
do for [i = 1:ttls] { set ytics add ((TTL[i] eq "inf" ? "no TTL" : spelled(real(TTL[i]))) i) }
do for [i = 1:capacities] { set xtics add ((CAPACITY[i] eq "inf" ? "no limit" : short(real(CAPACITY[i]))) . \
	(strlen(GIB[i]) ? sprintf("\n%.4g GiB", real(GIB[i])) : "") i) }
unset grid
set border 0
set xrange [0.5:capacities + 0.5]
set yrange [0.5:ttls + 0.5]
set cbrange [0:100]
set palette defined (0 "#FFFFFF", 50 "#9CC9E8", 100 "#0072B2")
unset colorbox
unset key
set xlabel "capacity (blocks" . (strlen(GIB[1]) ? ", and GiB" : "") . ")"
if (strlen(GIB[1])) { set xlabel offset 0, -1; set bmargin 5 }
set ylabel "sliding TTL"
set title "Token hit rate (% of prompt tokens) of lru with a TTL"
eval style_terminal(ARG2, 200 + 75 * (capacities > 9 ? capacities : 9), 190 + 28 * ttls)
set output ARG2
plot source skip 1 using (capacity_of(strcol(2))):(ttl_of(strcol(1))):(100 * column(4)) with image pixels, \
	source skip 1 using (capacity_of(strcol(2))):(ttl_of(strcol(1))):(sprintf("%.1f", 100 * column(4))) with labels
