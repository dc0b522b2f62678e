# --resume: rows are kept as they finish, in any order, and an interrupted sweep is completed.
$ kvcast sweep small.jsonl --evict lru,sieve --capacity 2,4 --jobs 1 --csv --resume rows >whole.csv
$ cut -c1-59 rows
> {"kvcast_sweep": 0, "points": 4, "settings": {"trace": "sma
> {"sweep": 0, "point": 0, "row": "trace,evict,ttl,capacity_b
> {"sweep": 0, "point": 1, "row": "small.jsonl,lru,none,4,,6,
> {"sweep": 0, "point": 2, "row": "small.jsonl,sieve,none,2,,
> {"sweep": 0, "point": 3, "row": "small.jsonl,sieve,none,4,,
$ head -n 3 rows >torn && printf '{"sweep": 0, "point": 2, "row": "small.js' >>torn
$ kvcast sweep small.jsonl --evict lru,sieve --capacity 2,4 --jobs 1 --csv --resume torn | cmp - whole.csv && cmp torn rows
# All is there: nothing is computed again, nothing added.
$ kvcast sweep small.jsonl --evict lru,sieve --capacity 2,4 --csv --resume torn | cmp - whole.csv && cmp torn rows
# Each trace is a sweep of its own; the heading stands once.
$ kvcast sweep small.jsonl byhand.jsonl --capacity 2 --jobs 1 --csv >two.csv
$ kvcast sweep small.jsonl byhand.jsonl --capacity 2 --jobs 1 --csv --resume two | cmp - two.csv; cut -c1-34 two
> {"kvcast_sweep": 0, "points": 1, "
> {"sweep": 0, "point": 0, "row": "t
> {"kvcast_sweep": 1, "points": 1, "
> {"sweep": 1, "point": 0, "row": "b
$ head -n 3 two >half && kvcast sweep small.jsonl byhand.jsonl --capacity 2 --jobs 1 --csv --resume half | cmp - two.csv && cmp half two
# Another sweep's file.
$ kvcast sweep byhand.jsonl --evict lru,sieve --capacity 2,4 --csv --resume rows
! kvcast: --resume rows: line 1 was written by another sweep: trace is "small.jsonl" there and "byhand.jsonl" here; expected the same command, or a file of its own for this one.
? 1
$ kvcast sweep small.jsonl --evict lru,fifo --capacity 2,4 --csv --resume rows
! kvcast: --resume rows: line 1 was written by another sweep: --evict is "...sieve" there and "...fifo" here; expected the same command, or a file of its own for this one.
? 1
$ kvcast sweep small.jsonl --evict lru,sieve --capacity 2,8 --csv --resume rows
! kvcast: --resume rows: line 1 was written by another sweep: --capacity is "...4" there and "...8" here; expected the same command, or a file of its own for this one.
? 1
$ kvcast sweep small.jsonl --evict lru,sieve --capacity 2,4 --seed 7 --csv --resume rows
! kvcast: --resume rows: line 1 was written by another sweep: --seed is not given there and "7" here; expected the same command, or a file of its own for this one.
? 1
$ sed '2s/"output_length": *[0-9]*/"output_length": 99/' small.jsonl >other && mv other small.jsonl; kvcast sweep small.jsonl --evict lru,sieve --capacity 2,4 --csv --resume rows 2>&1 | sed 's/"[0-9a-f]\{16\}"/SUM/g'
> kvcast: --resume rows: line 1 was written by another sweep: trace's checksum is SUM there and SUM here; expected the same command, or a file of its own for this one.
# No such file at all, and damage.
$ echo precious | tee diary; kvcast sweep byhand.jsonl --capacity 2 --csv --resume diary; cat diary
> precious
> precious
! kvcast: --resume diary: line 1 is not the beginning of a file that --resume wrote; expected such a file, or none.
$ kvcast sweep byhand.jsonl --capacity 2 --csv --resume ragged >ragged.csv; echo 'no JSON' >>ragged; kvcast sweep byhand.jsonl --capacity 2 --csv --resume ragged
! kvcast: --resume ragged: line 3 is no JSON object; the file is damaged.
? 1
$ head -n 2 ragged | sed 's/"point": 0/"point": 1/' >far; kvcast sweep byhand.jsonl --capacity 2 --csv --resume far
! kvcast: --resume far: line 2 is no row of a point below 1 that no line had before; the file is damaged.
? 1
$ kvcast sweep byhand.jsonl --capacity 2 --csv --resume nowhere/rows
! kvcast: --resume nowhere/rows cannot be opened: No such file or directory.
? 1
$ kvcast sweep byhand.jsonl --capacity 2 --resume rows
! kvcast sweep: --resume keeps rows of CSV and needs --csv
! Try `kvcast sweep --help' or `kvcast sweep --usage' for more information.
? 2
# Two sweeps at once.
$ flock busy kvcast sweep byhand.jsonl --capacity 2 --csv --resume busy
! kvcast: --resume busy is in use by another sweep; expected a file of its own for each.
? 1
# A full disk: no row is printed that was not saved, and what was is gone on with.
$ kvcast sweep byhand.jsonl --capacity 2,3,4,5,6,7 --jobs 1 --csv >six.csv; sh -c "trap '' XFSZ; ulimit -f 3; exec kvcast sweep byhand.jsonl --capacity 2,3,4,5,6,7 --jobs 1 --csv --resume full" | wc -l
> 4
! kvcast: --resume full took a part of a row only; the disk seems to be full.
$ tail -n 1 full | cut -c1-34; kvcast sweep byhand.jsonl --capacity 2,3,4,5,6,7 --jobs 1 --csv --resume full | cmp - six.csv; cut -c1-34 full
> {"sweep": 0, "point": 3, "row": "
> {"kvcast_sweep": 0, "points": 6, "
> {"sweep": 0, "point": 0, "row": "t
> {"sweep": 0, "point": 1, "row": "b
> {"sweep": 0, "point": 2, "row": "b
> {"sweep": 0, "point": 3, "row": "b
> {"sweep": 0, "point": 4, "row": "b
> {"sweep": 0, "point": 5, "row": "b
$ kvcast sweep byhand.jsonl --capacity 2 --csv --resume /dev/full
! kvcast: --resume /dev/full is no regular file; expected one that can be read and added to.
? 1
