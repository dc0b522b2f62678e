/* test.h - what every unit test includes: cmocka and the headers it wants before it. */
#ifndef KVCAST_TEST_H
#define KVCAST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
