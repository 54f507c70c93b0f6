/*
 * First include of every file: configuration, attributes, and functions that
 * must not be used here.  Knows nothing of billing or CRMs.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#ifdef HAVE_CONFIG_H
#	include "config.h"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define BH_UNUSED __attribute__((unused))
#define BH_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Unbounded, locale-bound or shared-buffer functions: there is a better one in base/. */
#undef sprintf /* a macro where clang fortifies */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gmtime localtime ctime asctime system     \
    srand gets
/* Not poisoned: OpenSSL has parameters of this name. */
#define rand() bh_use_bh_random_instead()

#endif
