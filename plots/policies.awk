# policies.awk - takes trace, evict, ttl, capacity_blocks, capacity_gib and token_hit_rate of a sweep, tab-separated
# under a line with their names; gives policies.gp its table.
#
# A row of the table is a policy, a column a capacity; a block of columns is a trace and TTL and ends, where it has
# several, with their mean. Policies are sorted by the mean of their distances without TTL, and one that lacks a point
# there comes last. Distances are in points of token hit rate below belady without TTL at the same trace and capacity.
#
# Out come lines of four kinds; x and y are places in the table:
#   cell    x  y  distance                                           a point that the sweep lacks has none
#   policy  y  name
#   column  x  capacity_blocks  capacity_gib  belady's hit rate      of a mean only x
#   block   first x  last x  trace  ttl
# ASKER and CSV, from the environment, begin the sentence of a failure.
BEGIN { FS = OFS = "\t" }

NR == 1 { next }

{
	block = place($1 FS $3, block_at, blocks, heading)
	policy = place($2, policy_at, policies, name)
	column = place($1 FS $3 FS $4, column_at, columns, key)
	if ((policy, column) in rate)
		fail("has two rows for " $2 ", ttl " $3 ", " $4 " blocks, so something else differs too; draw one at a time")
	rate[policy, column] = $6
	gib[column] = $5
	if (!(column in block_of)) {
		block_of[column] = block
		member[block, ++size[block]] = column
	}
	if ($2 == "belady" && $3 == "none")
		best[$1 FS $4] = $6
}

END {
	if (failed)
		exit 1
	measure()
	sort()
	lay_out()
}

function fail(what)
{
	print ENVIRON["ASKER"] ": " ENVIRON["CSV"] " " what "." > "/dev/stderr"
	failed = 1
	exit 1
}

# The number of `text` in its list: the next one when it is new. counts[0] is how many there are.
function place(text, numbers, counts, list)
{
	if (!(text in numbers)) {
		numbers[text] = ++counts[0]
		list[counts[0]] = text
	}
	return numbers[text]
}

function measure(    c, p, part)
{
	for (c = 1; c <= columns[0]; c++) {
		split(key[c], part, FS)
		if (!((part[1] FS part[3]) in best))
			fail("has no row for belady, ttl none, " part[3] " blocks, from which the distance is measured; " \
				"sweep with belady in --evict and none in --ttl")
		reference[c] = best[part[1] FS part[3]]
		plain[c] = part[2] == "none"
		for (p = 1; p <= policies[0]; p++)
			if ((p, c) in rate)
				distance[p, c] = 100 * (reference[c] - rate[p, c])
	}
}

# Mean distance over the columns that count; empty where one lacks.
function mean(p, counts,    c, n, sum)
{
	for (c = 1; c <= columns[0]; c++) {
		if (!counts[c])
			continue
		if (!((p, c) in distance))
			return ""
		sum += distance[p, c]
		n++
	}
	return sum / n
}

function sort(    p, q, m)
{
	for (p = 1; p <= policies[0]; p++) {
		m = mean(p, plain)
		merit[p] = m == "" ? 1e300 : m
		for (q = p; q > 1 && merit[order[q - 1]] > merit[p]; q--)
			order[q] = order[q - 1]
		order[q] = p
	}
}

function lay_out(    b, i, p, x, first)
{
	for (p = 1; p <= policies[0]; p++)
		print "policy", p, name[order[p]]
	for (b = 1; b <= blocks[0]; b++) {
		first = x + 0
		split("", inside)
		for (i = 1; i <= size[b]; i++)
			lay_out_column(x++ + 0, member[b, i])
		if (size[b] > 1) {
			x += 0.1
			lay_out_mean(x++)
		}
		print "block", first, x - 1, heading[b]
		x += 0.4
	}
}

function lay_out_column(x, c,    p, part)
{
	inside[c] = 1
	split(key[c], part, FS)
	print "column", x, part[3], gib[c], reference[c]
	for (p = 1; p <= policies[0]; p++)
		if ((order[p], c) in distance)
			print "cell", x, p, distance[order[p], c]
}

function lay_out_mean(x,    p, m)
{
	print "column", x, "", "", ""
	for (p = 1; p <= policies[0]; p++) {
		m = mean(order[p], inside)
		if (m != "")
			print "cell", x, p, m
	}
}
