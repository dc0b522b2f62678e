/* tier_files.h - two files that belong together, in a folder that several processes use.
 *
 * They are put, opened and removed together: who opens them gets the two of one writer (tier_archive.h says how).
 * Names have no slash and at most 64 characters. Functions return 0 or an errno value.
 */
#ifndef KVCAST_TIER_FILES_H
#define KVCAST_TIER_FILES_H

#include "base.h"

struct tier_file {
	const char *name;
	const void *data;
	size_t bytes;
};

/* Where it fails, what was there before is there still, or, if the very last rename failed, nothing that counts. */
int tier_files_put(const char *folder, const struct tier_file files[2]);
/* For reading; -1 for a file that is not there. The caller closes them. */
int tier_files_open(const char *folder, const char *const names[2], int fds[2]);
/* The second first. Files that are not there are no error. */
int tier_files_remove(const char *folder, const char *const names[2]);

#endif
