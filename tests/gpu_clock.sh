#!/bin/sh
# gpu_clock.sh KVCAST_GPU SOURCE: the wall's clock and the engine's own, in which idle gaps cost a short rest, have to tell the same
# times. A neighbour on the host can make single runs some ten percent slower, so the better of three of each counts, in turns. Without
# a device that is said, and skipped.
set -u
gpu=$1 source=$2
words=$("$gpu" info 2>&1 >/dev/null)
if [ "$words" = "kvcast-gpu: there is no CUDA device here." ]; then
	echo "gpu_clock.sh: skipped, there is no CUDA device here."
	exit 77
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

mean_e2e_ms()
{
	awk -F, 'NR == 1 { for (c = 1; c <= NF; c++) if ($c == "e2e_ms") e2e = c }
		NR > 1 { sum += $e2e } END { print sum / (NR - 1) }' "$1"
}

for repeat in 1 2 3; do
	for clock in engine wall; do
		option=
		[ "$clock" = engine ] || option=--wall
		# shellcheck disable=SC2086 # no word, or one
		"$gpu" replay "$source/traces/samples/licence-agents.jsonl.gz" --model qwen2.5-0.5b --speed 100 --max-output 16 \
			--capacity 3000 --requests "$folder/requests.csv" $option >/dev/null || exit 1
		echo "$clock $repeat $(mean_e2e_ms "$folder/requests.csv")" >>"$folder/means"
	done
done
awk '{ all[$1] = all[$1] " " $3; if (!least[$1] || $3 < least[$1]) least[$1] = $3 }
	END {
		printf "mean E2E in ms, by the wall:%s; by the engine:%s\n", all["wall"], all["engine"]
		exit !(least["wall"] <= 1.15 * least["engine"] && least["engine"] <= 1.15 * least["wall"] && least["engine"] > 0)
	}' "$folder/means" || {
	echo "gpu_clock.sh: the two clocks disagree by more than 15 %." >&2
	exit 1
}
