# groups.awk - a slice of a trace of conversations that keeps their reuse: the requests that share their second block (hash_ids)
# with others, `least` to `most` of them, of every `every`-th such group in order of appearance.
#
#   awk -v least=4 -v most=12 -v every=20 -f groups.awk FILE FILE | head -100
#
# FILE is Mooncake's JSONL, without a header; it is read twice.

{
	second = ""
	if (match($0, /"hash_ids": *\[[0-9]+, *[0-9]+/)) {
		second = substr($0, RSTART, RLENGTH)
		sub(/.*, */, "", second)
	}
}

NR == FNR {
	size[second]++
	next
}

second != "" && size[second] >= least && size[second] <= most {
	if (!(second in number))
		number[second] = groups++
	if (number[second] % every == 0)
		print
}
