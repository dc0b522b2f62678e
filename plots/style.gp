# style.gp - one look for every chart.
#
# Nothing is told by colour alone: lines differ in colour, dash and point shape, areas in colour and pattern. The colours
# are those Okabe and Ito chose to stay apart under every common colour vision deficiency (jfly.uni-koeln.de/color).

# Looks of line i = 1, 2, ...; they repeat after 7, 5 and 8, so no two of the first 280 lines look the same.
style_colours = "#0072B2 #D55E00 #009E73 #000000 #E69F00 #CC79A7 #56B4E9"
style_shapes = "7 5 9 13 11 4 6 8"
set dashtype 1 solid
set dashtype 2 (12, 5)
set dashtype 3 (3, 4)
set dashtype 4 (14, 4, 3, 4)
set dashtype 5 (24, 4, 3, 4, 3, 4)
style_colour(i) = word(style_colours, (i - 1) % 7 + 1)
style_shape(i) = int(word(style_shapes, (i - 1) % 8 + 1))
style_dash(i) = (i - 1) % 5 + 1

set border 3 lc rgb "#606060"
set tics nomirror out scale 0.6, 0.3
set grid xtics ytics back lt 1 lc rgb "#E0E0E0" lw 1

# The command that makes a terminal of `width` x `height` pixels for the ending of `file`; empty for an unknown ending.
# Names of traces and policies hold underscores, so no text is marked up.
style_kind(file) = (csv_ends(file, ".svg") ? "svg" : csv_ends(file, ".png") ? "png" : csv_ends(file, ".pdf") ? "pdf" : "")
style_terminal(file, width, height) = "set terminal " . (\
	style_kind(file) eq "svg" ? sprintf("svg size %d,%d dynamic font 'sans-serif,13'", width, height) : \
	style_kind(file) eq "png" ? sprintf("pngcairo size %d,%d font 'sans-serif,10'", width, height) : \
	sprintf("pdfcairo size %.2fin,%.2fin font 'sans-serif,10'", width / 96.0, height / 96.0)) . \
	" background rgb 'white' noenhanced"
style_problem(file) = (style_kind(file) ne "" ? "" : \
	csv_base(ARG0) . ": " . file . " should end in .svg, .png or .pdf, which says what to draw.")

# A key stands below the chart, in as many columns as fit; `letters` is the length of its longest text. Chart and page
# grow with it.
style_letter = 9.2
style_page_width(letters) = (letters * style_letter + 200 > 960 ? letters * style_letter + 200 : 960)
style_key_fit(letters) = int((style_page_width(letters) - 60) / (letters * style_letter + 120))
style_key_columns(count, letters) = (style_key_fit(letters) < 1 ? 1 : \
	style_key_fit(letters) > count ? count : style_key_fit(letters))
style_key_height(count, letters) = 20 * ceil(count / (1.0 * style_key_columns(count, letters))) + 10

# Where labelled ticks stand in a decade of a logarithmic axis: the denser, the less it spans.
style_steps(low, high) = (high / low > 300 ? "1" : high / low > 12 ? "1 2 5" : "1 1.5 2 3 4 6 8")
