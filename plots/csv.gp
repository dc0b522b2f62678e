# csv.gp - what the charts share for reading: columns by name (columns.awk does the work) and small text functions.
#
# A script sets `here` to its own folder, ending in "/" or empty, and loads this.

set datafile separator "\t"
set datafile commentschars ""

csv_base(path) = (strstrt(path, "/") ? csv_base(path[strstrt(path, "/") + 1:*]) : path)
csv_ends(text, ending) = (strlen(text) > strlen(ending) && text[strlen(text) - strlen(ending) + 1:*] eq ending)
csv_without(text, ending) = (csv_ends(text, ending) ? text[1:strlen(text) - strlen(ending)] : text)
csv_stem(path) = csv_without(csv_without(csv_without(csv_base(path), ".gz"), ".jsonl"), ".csv")

csv_quoted(text) = "'" . csv_escaped(text) . "'"
csv_escaped(text) = (strstrt(text, "'") == 0 ? text : \
	text[1:strstrt(text, "'") - 1] . "'\\''" . csv_escaped(text[strstrt(text, "'") + 1:*]))

# Who asks, for sentences: the script, also from within a file that it loads (where ARG0 is that file).
csv_asker = ""
csv_who(name) = csv_base(csv_asker eq "" ? name : csv_asker)

# The shell command that gives the wanted columns, tab-separated, under a line with their names; rows without a number
# in one of the columns `numbers` are left out.
csv_command(file, wanted, numbers) = "CSV=" . csv_quoted(file) . " WANTED='" . wanted . "' NUMBERS='" . numbers . \
	"' ASKER=" . csv_quoted(csv_who(ARG0)) . " awk -f " . csv_quoted(here . "columns.awk")

# The same as a data source of plot and stats, to be read with `skip 1`.
csv_source(file, wanted, numbers) = "< " . csv_command(file, wanted, numbers)

# What is wrong with the file, as a sentence; empty when all is well.
csv_problem(file, wanted, numbers) = system(csv_command(file, wanted, numbers) . " 2>&1 >/dev/null")

# The first line of the source: names of the columns, parted by spaces.
csv_names(file, wanted, numbers) = system(csv_command(file, wanted, numbers) . " | sed -n 1p")
