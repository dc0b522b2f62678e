/* err.h - how bad input and a bad environment are told.
 *
 * A function that can fail for such a reason takes `struct err *` last, returns -1 or NULL, and leaves one finished
 * sentence in it that names what is wrong, where (file:line and field, option, path) and what was expected. Whoever
 * can add the place adds it in front with err_prefix(). The program prints the sentence and exits with 1.
 */
#ifndef KVCAST_ERR_H
#define KVCAST_ERR_H

struct err {
	char text[1024];
};

/* Sets the sentence; returns -1 so that `return err_set(...)` reads well. The newest call wins. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts formatted text in front of the sentence that is there; returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
