# ttft_cdf.gp - how long requests wait for their first token: share of requests within a time, one line a run.
#
#   kvcast run TRACE ... --requests lru.csv
#   gnuplot -c plots/ttft_cdf.gp lru.csv[:label] fifo.csv[:label] ... out.svg        (or .png, .pdf)
#
# 8 runs at most. A label may follow a file's name after a colon; without it the name serves. p50 and p95 are marked on the
# line and told in the key.

if (ARGC < 2) { print "Usage: gnuplot -c ttft_cdf.gp REQUESTS.csv[:label]... OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

runs = ARGC - 1
out = ARGV[ARGC]
is_file(path) = (system("test -e " . csv_quoted(path) . " && echo yes") eq "yes")
array FILE[runs]
array LABEL[runs]
do for [i = 1:runs] {
	FILE[i] = ARGV[i]
	LABEL[i] = csv_stem(ARGV[i])
	do for [k = strlen(ARGV[i]):1:-1] {
		if (ARGV[i][k:k] eq ":" && is_file(ARGV[i][1:k - 1])) {
			FILE[i] = ARGV[i][1:k - 1]
			LABEL[i] = ARGV[i][k + 1:*]
		}
	}
}

problem = style_problem(out)
if (problem ne "" && ARGC == 9) { problem = csv_base(ARG0) . ": gnuplot hands on 9 arguments, so 8 runs are the most." }
do for [i = runs:1:-1] {
	found = csv_problem(FILE[i], "ttft_ms", "ttft_ms")
	if (found ne "") { problem = found }
}
if (problem ne "") { print problem; exit status 1 }

source(file) = "< " . csv_command(file, "ttft_ms", "ttft_ms") . " | tail -n +2 | LC_ALL=C sort -g | awk -f " . \
	csv_quoted(here . "cdf.awk")
run(i) = sprintf("$RUN%d", i)
array P50[runs]
array P95[runs]
low = 1e300
high = 0
letters = 0
see(t) = (t <= 0 ? 0 : (low = t < low ? t : low, high = t > high ? t : high))
do for [i = 1:runs] {
	eval sprintf("set table $RUN%d separator tab", i)
	plot source(FILE[i]) using 1:2:3:4 with table
	unset table
	stats run(i) using (see(column(1)), P50[i] = column(3), P95[i] = column(4), 0) nooutput
}
if (high == 0) {
	print csv_base(ARG0) . ": no request waited longer than 0 ms, which a logarithmic axis cannot show."
	exit status 1
}
shown(ms) = (ms < 1000 ? sprintf("%.4g ms", ms) : sprintf("%.4g s", ms / 1000))
label(i) = LABEL[i] . "  (p50 " . shown(P50[i]) . ", p95 " . shown(P95[i]) . ")"
do for [i = 1:runs] { letters = strlen(label(i)) > letters ? strlen(label(i)) : letters }

set logscale x
set yrange [0:100]
set ytics (0, 25, "p50   50" 50, 75, "p95   95" 95, 100)
set xtics ()
left = low / 1.5
right = high * 1.5
do for [decade = int(floor(log10(left))):int(ceil(log10(right)))] { do for [step in style_steps(left, right)] {
	at = step * 10.0 ** decade
	set xtics add (sprintf("%g", at) at)
} }
set xrange [left:right]
set xlabel "time to first token (ms)"
set ylabel "requests served within that time (%)"
set title "Time to first token"
set key outside center bottom horizontal Left reverse samplen 6 title ' ' maxcols style_key_columns(runs, letters)
eval style_terminal(out, style_page_width(letters), 500 + style_key_height(runs, letters))
set output out
plot for [i = 1:runs] run(i) using 1:2 with steps lc rgb style_colour(i) dt style_dash(i) lw 2 notitle, \
	for [i = 1:runs] run(i) every ::::0 using 3:(50) with points lc rgb style_colour(i) pt style_shape(i) ps 1.2 notitle, \
	for [i = 1:runs] run(i) every ::::0 using 4:(95) with points lc rgb style_colour(i) pt style_shape(i) ps 1.2 notitle, \
	for [i = 1:runs] NaN with linespoints lc rgb style_colour(i) dt style_dash(i) pt style_shape(i) lw 2 ps 1 title label(i)
