/* worked.h - worked examples: a few requests written as words, and what is in the cache after each of them.
 *
 * A request is a path of letters, root to tail; a letter is a block of one token and always stands after the same
 * letters. Words, parted by blanks, are requests in order:
 *
 *   AB        uses A and its child B                      @90:AB    ... at 90 s; without a time: as the one before
 *   AB!80     with the priority hint 80                   AB/1      ... of whose tokens the first is the static prefix
 *   AB+5      with an answer of 5 tokens (default: 1)     c.AB      ... of class c (classes are single lower case letters)
 *   AB?3      with the expected reuse 3                   2#AB      ... of session 2 (0 to 9), whose turns count from 1
 *
 * In the order @time:session#class.path!priority?reuse/prefix+answer. The result is a word for each request: the
 * letters resident after it, in alphabetical order, "-" where there are none.
 */
#ifndef KVCAST_WORKED_H
#define KVCAST_WORKED_H

#include "base.h"

enum worked_scope { WORKED_FLAT, WORKED_LEAF, WORKED_OBJECT };

/* Owned by worked(), good until its next call. `capacity_blocks` may be UINT64_MAX. Ends the program where a SPEC is
 * refused. */
const char *worked(const char *evict, uint64_t capacity_blocks, enum worked_scope scope, const char *requests);
const char *worked_ttl(const char *evict, const char *ttl, uint64_t capacity_blocks, enum worked_scope scope,
                       const char *requests);

#endif
