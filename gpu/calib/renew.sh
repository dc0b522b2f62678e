#!/bin/sh
# renew.sh - fits the calibrations that are built in anew, to what `gpu/experiments/run.sh measure ... calibrate` has measured.
#
#   sh gpu/calib/renew.sh KVCAST FOLDER     FOLDER/MODEL.samples.csv -> *.json, samples and products here
#
# Then build anew, and review: sh tests/cli.sh build/release/kvcast . --update
set -eu
[ $# = 2 ] || {
	sed -n 's/^# \{0,1\}//p; /^set/q' "$0" | tail -n +2 >&2
	exit 2
}
here=$(dirname "$0")
for samples in "$2"/*.samples.csv; do
	name=h200-${samples##*/}
	name=${name%.samples.csv}
	"$1" fit "$samples" --name "$name" --output "$here/$name.json"
	cp "$samples" "$here/$name.samples.csv"
	products=${samples%.samples.csv}.products.csv
	[ ! -f "$products" ] || cp "$products" "$here/$name.products.csv"
done
