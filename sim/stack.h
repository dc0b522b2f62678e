/* stack.h - lru's stack of single blocks: how many others were used since a block's last use.
 *
 * A reference hits in an lru cache of C blocks exactly if that number, its rank, is below C; so one pass gives the hits at
 * every capacity (Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9, 1970).
 *
 * Uses take places one after the other; a bit tells which places are some block's last use, and the ranks come from
 * counting bits behind a place: within 512 places by hand, beyond with a Fenwick tree. When places run out, those in use
 * move together, in order. O(log blocks) a reference, 12 bytes a block and 4.1 a place. One thread.
 */
#ifndef KVCAST_STACK_H
#define KVCAST_STACK_H

#include "base.h"

#define STACK_NEVER UINT32_MAX

struct stack;

struct stack *stack_open(uint32_t block_count);
void stack_close(struct stack *stack);
/* Uses b; its rank before that, or STACK_NEVER at its first use. */
uint32_t stack_use(struct stack *stack, block_id b);
/* The same for a row of references, which is faster. */
void stack_use_all(struct stack *stack, const block_id *refs, size_t count, uint32_t *ranks);

#endif
