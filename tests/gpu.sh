#!/bin/sh
# gpu.sh KVCAST_GPU: what needs a device is compared with the CPU's model; without one that is said, and skipped.
set -u
gpu=$1
if "$gpu" info >/dev/null 2>&1; then
	exec "$gpu" check
fi
words=$("$gpu" info 2>&1)
status=$?
if [ "$status" != 1 ] || [ "$words" != "kvcast-gpu: there is no CUDA device here." ]; then
	echo "gpu.sh: without a device kvcast-gpu should say so and exit with 1; it said ($status): $words" >&2
	exit 1
fi
echo "gpu.sh: skipped, there is no CUDA device here."
exit 77
