# Data that does not arrive is told, whatever the form.
$ kvcast run small.jsonl --no-timing >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast run small.jsonl --no-timing --json >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast run small.jsonl --no-timing --csv >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast run small.jsonl --no-timing --requests - >/dev/full
! kvcast: Standard output could not be written: No space left on device.
? 1
$ kvcast run small.jsonl --no-timing --requests /dev/full
! kvcast: /dev/full could not be written: No space left on device.
? 1
$ kvcast sweep small.jsonl --no-timing --evict lru >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast sweep small.jsonl --no-timing --evict lru --csv >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast sweep small.jsonl --no-timing --evict lru --json >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast policies >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast policies --json >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast policies lru >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast --help >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast --version >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast trace info small.jsonl >/dev/full
! kvcast: standard output took not all of the data: No space left on device.
? 1
$ kvcast trace convert small.jsonl - >/dev/full
! kvcast: Standard output could not be written: No space left on device.
? 1

# Standard output that is closed.
$ kvcast run small.jsonl --no-timing --csv >&-
! kvcast: standard output took not all of the data: Bad file descriptor.
? 1
$ kvcast policies lru >&-
! kvcast: standard output took not all of the data: Bad file descriptor.
? 1

# A reader that has gone ends the program by SIGPIPE (128 + 13) and nothing else.
$ { sleep 0.2; kvcast policies --json; echo $? >code; } | true; cat code
> 141
$ { sleep 0.2; kvcast run small.jsonl --json; echo $? >code; } | true; cat code
> 141
$ { sleep 0.2; kvcast sweep small.jsonl --csv; echo $? >code; } | true; cat code
> 141

# A file that cannot be written is told, before the run, and its folder stays as it is.
$ kvcast run small.jsonl --no-timing --requests nowhere/out.csv
! kvcast: nowhere/out.csv cannot be written: No such file or directory.
? 1
$ mkdir folder; kvcast run small.jsonl --no-timing --requests folder
! kvcast: folder cannot be written: it is a folder.
? 1
$ kvcast run small.jsonl --no-timing --requests ''
! kvcast: The name of an output is empty; a file name, or - for standard output, is expected.
? 1
$ ls folder
