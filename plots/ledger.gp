# ledger.gp - where every prompt token went: one bar of 100 % a sweep point, hits first, then why the rest missed.
#
#   kvcast sweep TRACE... --evict LIST --ttl LIST --capacity LIST --csv > sweep.csv
#   gnuplot -c plots/ledger.gp sweep.csv[:label]... out.svg        (or .png, .pdf)
#
# Reads every column that begins with `ledger_`. The shares are of `prompt_tokens`, so a bar that does not end at 100 %
# would show a ledger that does not add up. 8 files at most; a label may follow a file's name after a colon.

if (ARGC < 2) { print "Usage: gnuplot -c ledger.gp SWEEP.csv[:label]... OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"
csv_asker = ARG0

out = ARGV[ARGC]
problem = style_problem(out)
if (problem eq "" && ARGC == 9) { problem = csv_base(ARG0) . ": gnuplot hands on 9 arguments, so 8 files are the most." }
if (problem eq "") {
	points_arguments = ARG1
	do for [i = 2:ARGC - 1] { points_arguments = points_arguments . "\n" . ARGV[i] }
	points_values = "prompt_tokens ledger_*"
	points_numbers = "prompt_tokens"
	points_most = 40
	load here . "points.gp"
	problem = points_problem
}
if (problem ne "") { print problem; exit status 1 }
# Hits are plain, in a blue a tier, misses hatched; a kind of miss looks the same in every chart.
first = 3
last = words(points_names)
kind(c) = (kind_name = word(points_names, c), csv_without(kind_name[8:*], "_tokens"))
is_hit(c) = (kind_name = kind(c), kind_name[1:4] eq "hit_")
hit_colours = "#0072B2 #56B4E9 #A6D8F5 #DDF0FC"
misses = "cold evicted expired orphaned not_loaded partial forced"
miss_colours = "#707070 #D55E00 #E69F00 #CC79A7 #0072B2 #009E73 #000000 #000000"
miss_patterns = "2 4 5 1 7 6 3 0"
tier_of(c) = (hits = sum [j = first:c] is_hit(j), hits > 4 ? 4 : hits)
miss_of(c) = (place = 8, sum [j = 1:7] (word(misses, j) eq kind(c) ? (place = j, 0) : 0), place)
colour(c) = (is_hit(c) ? word(hit_colours, tier_of(c)) : word(miss_colours, miss_of(c)))
pattern(c) = (is_hit(c) ? 3 : int(word(miss_patterns, miss_of(c))))
shown(c) = (is_hit(c) ? "hit (" . kind_name[5:*] . ")" : kind(c) eq "cold" ? "cold (never seen)" : \
	kind(c) eq "not_loaded" ? "not loaded" : kind(c) eq "partial" ? "partial tail" : \
	kind(c) eq "forced" ? "forced (last token)" : kind(c))

# Kinds that are 0 everywhere stay out of the key.
array TOTAL[last]
tokens(c) = (strlen(strcol(c)) ? column(c) : 0)
do for [c = first:last] {
	TOTAL[c] = 0
	stats points_source skip 1 using (TOTAL[c] = TOTAL[c] + tokens(c), 0) nooutput
}
key_count = sum [c = first:last] (TOTAL[c] > 0)
share(c) = 100 * tokens(c) / column(2)
before(c) = (c == first ? 0 : sum [j = first:c - 1] share(j))

set grid noytics
set xrange [0:100]
set yrange [points_count - 0.4:-0.6]
set ytics scale 0
set xlabel "share of prompt tokens (%)"
set title "Where the prompt tokens went" . (points_common eq "" ? "" : "\n" . points_common)
page_width = 700 + points_letters * style_letter
set lmargin at screen (points_letters * 7.2 + 20) / page_width
set rmargin 3
set style fill pattern border lc rgb "#404040"
set style textbox opaque noborder fillcolor rgb "white" margins 0.5, 0.2
set key outside center bottom horizontal Left reverse title ' ' maxcols style_key_columns(key_count, 20)
eval style_terminal(out, page_width, 150 + points_count * 28 + style_key_height(key_count, 20))
set output out
plot for [c = first:last] points_source skip 1 \
	using (before(c)):0:(before(c)):(before(c) + share(c)):($0 - 0.36):($0 + 0.36):yticlabels(strcol(1)) \
	with boxxyerror fs pattern pattern(c) lc rgb colour(c) title (TOTAL[c] > 0 ? shown(c) : ""), \
	for [c = first:last] points_source skip 1 \
	using (share(c) < 4 ? -99 : before(c) + share(c) / 2):0:(sprintf("%.0f", share(c))) with labels boxed notitle
