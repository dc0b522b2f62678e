# policies.gp - how far every policy is from belady: a table of distances, one row a policy, one column a capacity.
#
#   kvcast sweep TRACE... --evict all --ttl none,static:ttl=5m --capacity LIST --csv > sweep.csv
#   gnuplot -c plots/policies.gp sweep.csv out.svg        (or .png, .pdf)
#
# A distance is in points of token hit rate below belady without TTL at the same capacity; each TTL (and trace) is a
# block of columns. A policy can be better than belady: belady has to cache every new block, others may decline one, and
# which blocks may go depends on their children. Such cells are hatched. policies.awk does the sums.

if (ARGC != 2) { print "Usage: gnuplot -c policies.gp SWEEP.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "trace evict ttl capacity_blocks capacity_gib token_hit_rate"
numbers = "capacity_blocks token_hit_rate"
command = csv_command(ARG1, wanted, numbers) . " | CSV=" . csv_quoted(ARG1) . \
	" ASKER=" . csv_quoted(csv_base(ARG0)) . " awk -f " . csv_quoted(here . "policies.awk")
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = system("{ " . command . "; } 2>&1 >/dev/null") }
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source(section) = "< " . command . " | sed -n 's/^" . section . "\t//p'"

# What the table is like: its size, its farthest distance, the lengths of its texts.
stats source("cell") using 3 nooutput
farthest = STATS_max > 0 ? STATS_max : 1
some_better = 0
digits = farthest < 2 ? 2 : 1
rounded(d) = sprintf(digits == 1 ? "%.1f" : "%.2f", d)
number(d) = rounded(real(rounded(d)) == 0 ? 0 : d)
is_better(d) = real(rounded(d)) < 0
stats source("cell") using (is_better(column(3)) ? (some_better = 1) : 0) nooutput
name_letters = strlen("belady's hit rate (%)")
see_name(length) = (name_letters = length > name_letters ? length : name_letters)
stats source("policy") using (see_name(strlen(strcol(2)))) nooutput
rows = int(STATS_records)
some_gib = 0
stats source("column") using (strlen(strcol(3)) ? (some_gib = 1) : 0) nooutput
trace = ""
traces_differ = 0
see_trace(text) = (trace eq "" ? (trace = text, 0) : trace ne text ? (traces_differ = 1) : 0)
stats source("block") using (see_trace(strcol(3))) nooutput
stats source("block") using 2 nooutput
right = STATS_max + 0.5

# Cells are as wide as the numbers, the headings above the blocks and the title need.
letter = 7.5
heading(trace, ttl) = (traces_differ ? csv_stem(trace) . "\n" : "") . "ttl " . ttl
heading_letters(trace, ttl) = (length_a = strlen(csv_stem(trace)), length_b = strlen(ttl) + 4, \
	traces_differ && length_a > length_b ? length_a : length_b)
margin = name_letters * letter + 30
cell = (900 - margin) / (right + 0.5) > 58 ? (900 - margin) / (right + 0.5) : 58
widen(columns, letters) = (cell = letters * letter / columns > cell ? letters * letter / columns : cell, 0)
stats source("block") using (widen(column(2) - column(1) + 1, heading_letters(strcol(3), strcol(4)))) nooutput
line = 22
table_width = cell * (right + 0.5)
page_width = margin + table_width + 20
above = 104 + (traces_differ ? 18 : 0)
below = 64 + (some_gib ? 18 : 0)
page_height = above + line * (rows + 1.7) + below

# The farther, the darker, from white to a blue that black numbers still stand out from (#56B4E9).
toward(to, d) = (d <= 0 ? 255 : int(255 + (to - 255) * d / farthest))
shade(d) = toward(86, d) * 65536 + toward(180, d) * 256 + toward(233, d)
short(n) = (n >= 1e6 ? sprintf("%.4g M", n / 1e6) : n >= 1e3 ? sprintf("%.4g k", n / 1e3) : sprintf("%.4g", n))
blocks(text) = (text eq "" ? "mean" : text eq "inf" ? "unlimited" : short(real(text)))
size(text) = (text eq "" ? " " : sprintf(real(text) < 100 ? "%.3g" : "%.0f", real(text)))

set border 0
unset grid
unset key
set tics scale 0
set xtics ()
set ytics ()
set xrange [-0.5:right]
set yrange [rows + 0.5:-1.2]
set lmargin at screen margin / page_width
set rmargin at screen (margin + table_width) / page_width
set tmargin at screen 1 - above / page_height
set bmargin at screen below / page_height
set title "How far each policy is from belady, which knows the future" . \
	(traces_differ ? "" : "\ntrace " . csv_stem(trace)) . \
	"\npoints of token hit rate below belady without TTL at the same capacity" . \
	(some_better ? " (hatched, below 0: better than belady)" : "") offset 0, (traces_differ ? 2 : 1)
set xlabel "capacity (blocks" . (some_gib ? ", and below them GiB" : "") . "); policies by their mean without TTL" \
	offset 0, (some_gib ? -1.3 : -0.3)
set ytics add ("belady's hit rate (%%)" -0.3)
eval style_terminal(ARG2, page_width, page_height)
set output ARG2
plot source("cell") using 1:2:($1 - 0.5):($1 + 0.5):($2 - 0.5):($2 + 0.5):(shade($3)) \
	with boxxyerror fs solid noborder lc rgb variable notitle, \
	source("cell") using (is_better($3) ? $1 : NaN):2:($1 - 0.5):($1 + 0.5):($2 - 0.5):($2 + 0.5) \
	with boxxyerror fs transparent pattern 4 lc rgb "#E69F00" notitle, \
	source("cell") using 1:2:(number($3)) with labels notitle, \
	source("policy") using (-0.5):1:yticlabels(strcol(2)) with points pt -1 notitle, \
	source("column") using 1:(-0.3):(strlen(strcol(2)) ? sprintf("%.1f", 100 * column(4)) : " ") with labels notitle, \
	source("column") using 1:(rows):xticlabels(blocks(strcol(2)) . (some_gib ? "\n" . size(strcol(3)) : "")) \
	with points pt -1 notitle, \
	source("block") using (($1 + $2) / 2):(-1.2):(heading(strcol(3), strcol(4))) with labels offset 0, 0.6 notitle
