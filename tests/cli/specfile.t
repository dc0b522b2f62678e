# A SPEC may stand in a file; what is wrong with it is told with file and line.
$ printf '# as agreed\nstatic:ttl=5m   # for all\nclass=auditor:\n  ttl=1h,\n  max_age=2h;\n' >agreed.ttl; kvcast run small.jsonl --ttl @agreed.ttl | grep policy
> policy   replay: evict lru, ttl static:ttl=5m;class=auditor:ttl=1h,max_age=2h, leaf scope
$ kvcast sweep small.jsonl --ttl none,@agreed.ttl --capacity inf --csv --quiet | cut -d, -f2-6
> evict,ttl,capacity_blocks,capacity_gib,requests
> lru,none,inf,,6
> lru,"static:ttl=5m;class=auditor:ttl=1h,max_age=2h",inf,
$ printf 'static:ttl=5m\n\nclass=auditor\nclass=coder:ttl=1h\n' >wrong.ttl; kvcast run small.jsonl --ttl @wrong.ttl
! kvcast: --ttl: wrong.ttl:3: 'static:ttl=5m;class=auditor' says nothing about class 'auditor'; expected class=auditor:key=value.
? 1
$ printf 'static:ttl=5m\nclass=auditor:tt=1h\n' >wrong.ttl; kvcast run small.jsonl --ttl @wrong.ttl
! kvcast: --ttl static;class=auditor: there is no parameter 'tt'; there are: mode, max_age, coherence, hard, expire, ttl.
? 1
$ printf 'static:\n' >wrong.ttl; kvcast run small.jsonl --ttl @wrong.ttl
! kvcast: --ttl: wrong.ttl:1: 'static:' has nothing after 'static:'; expected key=value.
? 1
$ printf '# nothing yet\n' >wrong.ttl; kvcast run small.jsonl --ttl @wrong.ttl
! kvcast: --ttl: wrong.ttl holds no SPEC; expected NAME or NAME:key=value,...
? 1
$ printf '@agreed.ttl\n' >wrong.ttl; kvcast run small.jsonl --ttl @wrong.ttl
! kvcast: --ttl: wrong.ttl:1: a file of a SPEC cannot name another.
? 1
$ kvcast run small.jsonl --ttl @missing.ttl
! kvcast: --ttl: missing.ttl cannot be opened: No such file or directory.
? 1
$ printf 'gdsf' >evict.spec; kvcast run small.jsonl --evict @evict.spec | grep policy
> policy   replay: evict gdsf, ttl none, leaf scope
