#!/bin/sh
# gpu.sh KVCAST_GPU KVCAST SOURCE: what needs a device - whole steps are compared with the CPU's model, and a replay of the sample
# trace with the simulator's run of it, which under --engine static must hit the same tokens, request by request. Without a device
# that is said, and skipped.
set -u
gpu=$1 kvcast=$2 source=$3
words=$("$gpu" info 2>&1 >/dev/null)
status=$?
if [ "$status" = 1 ] && [ "$words" = "kvcast-gpu: there is no CUDA device here." ]; then
	echo "gpu.sh: skipped, there is no CUDA device here."
	exit 77
fi
if [ "$status" != 0 ]; then
	echo "gpu.sh: without a device kvcast-gpu should say so and exit with 1; it said ($status): $words" >&2
	exit 1
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

"$gpu" check || exit 1

# compare NAME OPTION...: hit tokens of every request, predicted and measured.
compare()
{
	name=$1
	shift
	for program in "$kvcast run" "$gpu replay"; do
		# shellcheck disable=SC2086 # the program and its command are two words
		$program "$source/traces/samples/licence-agents.jsonl.gz" --model qwen2.5-0.5b --max-output 4 --capacity 1500 \
			--requests "$folder/requests.csv" "$@" >/dev/null || exit 1
		sort -n "$folder/requests.csv" | cut -d, -f1,6-8 >"$folder/${program##* }"
	done
	if ! cmp -s "$folder/run" "$folder/replay"; then
		echo "gpu.sh: $name: predicted and measured requests differ in their hits:" >&2
		diff "$folder/run" "$folder/replay" | head >&2
		exit 1
	fi
	echo "$name: $(($(wc -l <"$folder/run") - 1)) requests hit what was predicted"
}

# answers NAME OPTION...: what the model says. One request at a time, the same hits on the same keys and values give the same logits to
# the last bit, wherever the blocks have been since they were computed.
answers()
{
	name=$1
	shift
	"$gpu" replay "$source/traces/samples/licence-agents.jsonl.gz" --model qwen2.5-0.5b --engine static --max-output 8 --load always \
		--scope leaf --model-answers "$folder/$name" --requests "$folder/requests.csv" "$@" >/dev/null || exit 1
	sort -n "$folder/requests.csv" | cut -d, -f1,6-8 >"$folder/$name.hits"
	[ "$name" = gpu ] && return
	if ! cmp -s "$folder/gpu.hits" "$folder/$name.hits"; then
		echo "gpu.sh: with blocks in $name requests hit other tokens than with all of them in the GPU." >&2
		exit 1
	fi
	if ! cmp -s "$folder/gpu" "$folder/$name"; then
		echo "gpu.sh: with blocks from $name the model answers otherwise:" >&2
		diff "$folder/gpu" "$folder/$name" | head >&2
		exit 1
	fi
	echo "$name: $(($(wc -l <"$folder/gpu") - 1)) answers are those without lower tiers"
}

answers gpu --capacity 20000
answers host --tier gpu:1000 --tier host:20000
answers disk --tier gpu:1000 --tier disk:20000 --disk-folder "$folder"
answers archive --tier gpu:1000 --tier host:1200 --tier archive:20000 --archive-every 1s --archive-folder "$folder/objects"

compare lru --engine static --evict lru
compare s3fifo --engine static --evict s3fifo
compare ttl --engine static --evict lru --ttl static:ttl=30s

# The experiments check themselves, and what they forecast is what kvcast run forecasts.
"$gpu" bench cold-repeat --model qwen2.5-0.5b --manual "$source/LICENSE" --manual-tokens 24000 --questions 6 \
	-o "$folder/repeat" >/dev/null || exit 1
"$gpu" bench layout --model qwen2.5-0.5b --manual "$source/LICENSE" --agents 3 -o "$folder/layout" >/dev/null || exit 1
"$gpu" bench prefix --model qwen2.5-0.5b --prefix 1000 --concurrency 1,4 --answer 4 -o "$folder/prefix" >/dev/null 2>&1 || exit 1
"$kvcast" run "$folder/repeat/trace.jsonl.gz" --model qwen2.5-0.5b --capacity 40GiB --engine vllm --block 16 --arrivals closed \
	--sessions 1 --requests "$folder/forecast.csv" >/dev/null || exit 1
cmp "$folder/forecast.csv" "$folder/repeat/predicted.csv" || exit 1
"$kvcast" compare "$folder/forecast.csv" "$folder/repeat/measured.csv" >/dev/null || exit 1
echo "bench: cold-repeat, layout and prefix pass their checks"
