# ledger.gp - where every prompt token went: one bar of 100 % a sweep point, hits first, then why the rest missed.
#
#   kvcast sweep TRACE... --evict LIST --ttl LIST --capacity LIST --csv > sweep.csv
#   gnuplot -c plots/ledger.gp sweep.csv out.svg        (or .png, .pdf)
#
# Reads every column that begins with `ledger_`. The shares are of `prompt_tokens`, so a bar that does not end at 100 %
# would show a ledger that does not add up.

if (ARGC != 2) { print "Usage: gnuplot -c ledger.gp SWEEP.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

most_bars = 40
wanted = "trace evict ttl capacity_blocks capacity_gib prompt_tokens ledger_*"
problem = csv_problem(ARG1, wanted, "prompt_tokens")
if (problem eq "") { problem = style_problem(ARG2) }
if (problem eq "") {
	source = csv_source(ARG1, wanted, "prompt_tokens")
	names = csv_names(ARG1, wanted, "prompt_tokens")
	stats source skip 1 using (0) nooutput
	bars = int(STATS_records)
	if (bars > most_bars) {
		problem = sprintf("%s: %s has %d points, but a chart of bars shows %d at most; sweep fewer.", \
			csv_base(ARG0), ARG1, bars, most_bars)
	}
}
if (problem ne "") { print problem; exit status 1 }

# A bar's label says what differs from bar to bar, the title what does not.
size(blocks, gib) = (blocks eq "inf" ? "unlimited" : gib eq "" ? blocks . " blocks" : sprintf("%.4g GiB", real(gib)))
name(c) = (c == 4 ? size(strcol(4), strcol(5)) : strcol(c))
array FIRST[4]
array DIFFERS[4]
do for [c = 1:4] {
	FIRST[c] = ""
	DIFFERS[c] = 0
	stats source skip 1 using ($0 == 0 ? (FIRST[c] = name(c), 0) : name(c) ne FIRST[c] ? (DIFFERS[c] = 1) : 0) nooutput
}
if (bars == 1) { DIFFERS[4] = 1 }
comma(a, b) = a . (strlen(a) && strlen(b) ? ", " : "") . b
told(c, text) = (c == 1 ? csv_stem(text) : c == 2 ? text : c == 3 ? "ttl " . text : text)
part(c, differs, text) = (DIFFERS[c] == differs ? told(c, text) : "")
parts(differs, trace, evict, ttl, capacity) = comma(comma(part(1, differs, trace), part(2, differs, evict)), \
	comma(part(3, differs, ttl), part(4, differs, capacity)))
common = (DIFFERS[1] ? "" : "trace ") . parts(0, FIRST[1], FIRST[2], FIRST[3], FIRST[4])
label(row) = parts(1, name(1), name(2), name(3), name(4))
letters = 0
stats source skip 1 using (letters = strlen(label($0)) > letters ? strlen(label($0)) : letters) nooutput

# Hits are plain, in a blue a tier, misses hatched; a kind of miss looks the same in every chart.
first = 7
last = words(names)
kind(c) = (kind_name = word(names, c), csv_without(kind_name[8:*], "_tokens"))
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
	stats source skip 1 using (TOTAL[c] = TOTAL[c] + tokens(c), 0) nooutput
}
key_count = sum [c = first:last] (TOTAL[c] > 0)
share(c) = 100 * tokens(c) / column(6)
before(c) = (c == first ? 0 : sum [j = first:c - 1] share(j))

set grid noytics
set xrange [0:100]
set yrange [bars - 0.4:-0.6]
set ytics scale 0
set xlabel "share of prompt tokens (%)"
set title "Where the prompt tokens went" . (common eq "" ? "" : "\n" . common)
page_width = 700 + letters * style_letter
set lmargin at screen (letters * 7.2 + 20) / page_width
set rmargin 3
set style fill pattern border lc rgb "#404040"
set style textbox opaque noborder fillcolor rgb "white" margins 0.5, 0.2
set key outside center bottom horizontal Left reverse title ' ' maxcols style_key_columns(key_count, 20)
eval style_terminal(ARG2, page_width, 150 + bars * 28 + style_key_height(key_count, 20))
set output ARG2
plot for [c = first:last] source skip 1 \
	using (before(c)):0:(before(c)):(before(c) + share(c)):($0 - 0.36):($0 + 0.36):yticlabels(label($0)) \
	with boxxyerror fs pattern pattern(c) lc rgb colour(c) title (TOTAL[c] > 0 ? shown(c) : ""), \
	for [c = first:last] source skip 1 \
	using (share(c) < 4 ? -99 : before(c) + share(c) / 2):0:(sprintf("%.0f", share(c))) with labels boxed notitle
