#!/bin/sh
# renew.sh - measures the calibrations that are built in, and fits them.
#
#   sh gpu/calib/renew.sh measure KVCAST_GPU FOLDER COMMIT [MINUTES]   on the GPU's machine; needs nothing else of this tree
#   sh gpu/calib/renew.sh fit KVCAST FOLDER                            anywhere: samples in FOLDER -> *.json and samples here
#
# Then build anew, and review: sh tests/cli.sh build/release/kvcast . --update
set -eu
models="llama-3.1-8b qwen2.5-1.5b"
device=h200

case ${1-} in
measure)
	kvcast_gpu=$2 folder=$3 commit=$4 minutes=${5-5}
	mkdir -p "$folder"
	tiers=$(mktemp -d)
	trap 'rm -rf "$tiers"' EXIT
	for model in $models; do
		"$kvcast_gpu" calibrate --model "$model" --minutes "$minutes" --folder "$tiers" --commit "$commit" \
			--output "$folder/$device-$model.samples.csv"
	done
	;;
fit)
	kvcast=$2 folder=$3 here=$(dirname "$0")
	for model in $models; do
		"$kvcast" fit "$folder/$device-$model.samples.csv" --name "$device-$model" --output "$here/$device-$model.json"
		cp "$folder/$device-$model.samples.csv" "$here/"
	done
	;;
*)
	sed -n 's/^# \{0,1\}//p; /^set/q' "$0" | tail -n +2 >&2
	exit 2
	;;
esac
