# made.awk - traces that put one question each; segments, blocks of 16 tokens.
#
#   awk -v what=WHAT -f made.awk
#
#   breakeven  prefixes of 256 to 16,384 tokens, cold; then twice a prompt that takes the whole of a cache of 1,150 blocks, and
#              every prefix again: what is left of it lies in a lower tier. 20 s apart, so that an archive's worker keeps up
#   manual     agents that ask about a manual of 12,000 tokens, and every second request without it
#   parts      prompts of 8,192 tokens that share none, a quarter, half, three quarters or all of what is known
#   mixed      every second prompt begins with a known 4,096 tokens, the others with as many of their own; 0.25 s apart
#   churn      prompts of 2,000 tokens behind one of 24 prefixes, some much more popular than others

function request(segments, output)
{
	printf "{\"timestamp\":%d,\"segments\":[%s],\"output_length\":%d}\n", clock_ms, segments, output
	clock_ms += step_ms
}

function named(id, tokens)
{
	return "{\"id\":\"" id "\",\"tokens\":" tokens "}"
}

function own(tokens)
{
	return "{\"tokens\":" tokens "}"
}

# Park and Miller's generator: the same on every machine, whatever awk it has.
function draw(below)
{
	state = (state * 16807) % 2147483647
	return state % below
}

BEGIN {
	print "{\"kvcast\":1,\"block_tokens\":16}"
	state = 1
	step_ms = 20000
	if (what == "breakeven") {
		for (round = 0; round <= 2; round++) {
			if (round > 0)
				request(own(18368), 1)
			for (tokens = 256; tokens <= 16384; tokens *= 2)
				request(named("prefix " tokens, tokens) "," own(64), 1)
		}
	} else if (what == "manual") {
		step_ms = 500
		for (i = 0; i < 12; i++)
			request(i % 2 ? own(200) : named("manual", 12000) "," own(100), 8)
	} else if (what == "parts") {
		step_ms = 1000
		for (known = 0; known <= 4; known++) {
			for (i = 0; i < 3; i++) {
				segments = ""
				for (part = 1; part <= known; part++)
					segments = segments named("part " part, 2048) ","
				request(segments own(2048 * (4 - known) + 40), 8)
			}
		}
		for (known = 3; known >= 1; known--) { # as before, but all parts have been there
			segments = ""
			for (part = 1; part <= known; part++)
				segments = segments named("part " part, 2048) ","
			request(segments own(2048 * (4 - known) + 40), 8)
		}
	} else if (what == "mixed") {
		step_ms = 250
		for (i = 0; i < 60; i++)
			request((i % 2 ? named("known", 4096) : own(4096)) "," own(64 + draw(192)), 16)
	} else if (what == "churn") {
		step_ms = 1000
		for (i = 0; i < 150; i++) {
			prefix = draw(24)
			prefix = draw(2) ? prefix % 4 : prefix
			request(named("prefix " prefix, 1600 + 16 * prefix) "," own(100 + draw(300)), 2)
		}
	} else {
		print "made.awk: there is no trace " what "." > "/dev/stderr"
		exit 1
	}
}
