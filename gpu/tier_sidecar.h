/* tier_sidecar.h - what stands beside an archived block, as JSON (tier_archive.h). */
#ifndef KVCAST_TIER_SIDECAR_H
#define KVCAST_TIER_SIDECAR_H

#include "tier_archive.h"

struct tier_sidecar {
	int64_t created_ns, ttl_ns; /* TIME_NEVER_NS: for ever */
	uint64_t packed_bytes, checksum;
};

/* The JSON text, to be freed; NULL where the identity's words are no UTF-8. */
char *tier_sidecar_format(const struct tier_sidecar *sidecar, const struct tier_archive_identity *identity,
			  struct tier_io_key key);
/* TIER_IO_DONE; or TIER_IO_DAMAGED, _FOREIGN or _EXPIRED and in `why` what is wrong, "field ...", without a full stop.
 */
enum tier_io_outcome tier_sidecar_parse(struct tier_sidecar *sidecar, const char *text, size_t size,
					const struct tier_archive_identity *identity, struct tier_io_key key,
					int64_t now_ns, struct err *why);

#endif
