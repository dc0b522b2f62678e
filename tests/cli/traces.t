# A trace that is none is told with its name, and nothing is written.
$ kvcast run nothing.jsonl
! kvcast: nothing.jsonl cannot be opened: No such file or directory.
? 1
$ kvcast run .
! kvcast: . cannot be read: Is a directory.
? 1
$ : >empty.jsonl; kvcast run empty.jsonl
! kvcast: empty.jsonl: there is no request in it; expected at least one line with a request.
? 1
$ echo '{"kvcast":1}' >header.jsonl; kvcast run header.jsonl
! kvcast: header.jsonl: there is no request in it; expected at least one line with a request.
? 1
$ echo 'this is no JSON' >garbage.jsonl; kvcast run garbage.jsonl
! kvcast: garbage.jsonl:1: the line is not JSON (column 4: '[' or '{' expected near 'this'); expected one object.
? 1
$ head -c 4096 /dev/zero >zeros.jsonl; kvcast run zeros.jsonl
! kvcast: zeros.jsonl:1: byte 1 of the line is NUL; expected text.
? 1
$ head -c 900 licence-agents.jsonl.gz >cut.jsonl.gz; kvcast run cut.jsonl.gz
! kvcast: cut.jsonl.gz is a gzip file that ends too early after line 13; it seems to be truncated.
? 1
$ kvcast run - </dev/null
! kvcast: standard input: there is no request in it; expected at least one line with a request.
? 1
$ kvcast run nothing.jsonl --requests out.csv
! kvcast: nothing.jsonl cannot be opened: No such file or directory.
? 1
$ kvcast run garbage.jsonl --requests out.csv
! kvcast: garbage.jsonl:1: the line is not JSON (column 4: '[' or '{' expected near 'this'); expected one object.
? 1
$ kvcast sweep small.jsonl nothing.jsonl --csv --capacity 2 | wc -l
> 2
! kvcast: nothing.jsonl cannot be opened: No such file or directory.
$ ls out.csv* 2>/dev/null
? 2
