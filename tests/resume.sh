#!/bin/sh
# resume.sh KVCAST SOURCE - a sweep that is killed, and killed again, and then completed, prints what an undisturbed one does.
set -u
name=resume.sh
. "$2/tests/sweeps.sh"

"$kvcast" $points >expected.csv || fail "the undisturbed sweep failed."

for least in 30 200; do
	"$kvcast" $points --resume rows >ignored.csv &
	wait_for_rows rows $least $!
	kill -KILL $!
	wait $! 2>/dev/null
	interrupted rows
done
"$kvcast" $points --resume rows >resumed.csv || fail "the resumed sweep failed."
completed rows resumed.csv
exit $((failures > 0))
