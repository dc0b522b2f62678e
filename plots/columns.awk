# columns.awk - takes a CSV as kvcast writes it and gives gnuplot the columns that a chart needs.
#
# gnuplot 5.4 cuts a quoted field at its first comma and has no way to say which column is missing. This takes names,
# gives tab-separated columns in the order asked for, the names as the first line.
#
# It is told what to do by environment variables, because awk would read escapes and `=` in arguments:
#   CSV      the file
#   WANTED   names parted by spaces; `ledger_*` is every column that begins so, and one that ends in `?` may be missing
#   NUMBERS  those of the names that a row must have a number (or inf) in; rows without are left out
#   ASKER    begins the sentence of a failure, which goes to stderr, with exit status 1
BEGIN {
	file = ENVIRON["CSV"]
	state = (getline line < file)
	if (state < 0)
		fail("cannot be read")
	if (state == 0 || line == "")
		fail("is empty, but a header line with column names was expected")
	pick_columns(line)
	while ((getline line < file) > 0) {
		if (line == "" || !take_row(line))
			continue
		rows++
		print joined(value)
	}
	if (!rows)
		fail("has no row with a number in " ENVIRON["NUMBERS"])
}

function fail(what)
{
	print ENVIRON["ASKER"] ": " file " " what "." > "/dev/stderr"
	exit 1
}

# Cuts a line into field[1..n]; a field in double quotes may hold commas, and doubled double quotes.
function cut(text,    n, i, c, quoted)
{
	sub(/\r$/, "", text)
	if (!index(text, "\""))
		return split(text, field, ",")
	n = 1
	field[1] = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "\"" && quoted && substr(text, i + 1, 1) == "\"")
			field[n] = field[n] substr(text, i++, 1)
		else if (c == "\"")
			quoted = !quoted
		else if (c == "," && !quoted)
			field[++n] = ""
		else
			field[n] = field[n] c
	}
	return n
}

function is_named(column, pattern,    stem)
{
	stem = pattern
	return sub(/\*$/, "", stem) ? index(column, stem) == 1 : column == pattern
}

function pick_columns(header,    n, i, w, wanted, asked, before, may_miss)
{
	n = cut(header)
	asked = split(ENVIRON["WANTED"], wanted, " ")
	for (w = 1; w <= asked; w++) {
		before = picked
		may_miss = sub(/\?$/, "", wanted[w])
		for (i = 1; i <= n; i++)
			if (is_named(field[i], wanted[w])) {
				place[++picked] = i
				name[picked] = field[i]
			}
		if (picked == before && !may_miss)
			fail("has no column " wanted[w] "; its columns are " header)
	}
	print joined(name)
}

# Puts the wanted columns of a row into value[]; 0 where a number is missing.
function take_row(text,    n, i)
{
	n = cut(text)
	for (i = 1; i <= picked; i++) {
		value[i] = place[i] <= n ? field[place[i]] : ""
		if (index(" " ENVIRON["NUMBERS"] " ", " " name[i] " ") && !is_number(value[i]))
			return 0
	}
	return 1
}

function is_number(text)
{
	return text == "inf" || text ~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/
}

function joined(list,    i, text)
{
	for (i = 1; i <= picked; i++)
		text = text (i > 1 ? "\t" : "") list[i]
	return text
}
