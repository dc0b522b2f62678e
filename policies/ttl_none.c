/* ttl_none.c - no time limit: only capacity ends a block. */
#include "ttl.h"

const struct ttl_ops ttl_none = {
        .name = "none",
        .rule = "blocks never expire",
        .detail = "Only eviction ends a block's stay.",
        .source = "-",
        .cost = "none",
        .uniform = true,
        .never = true,
};
