/* Texts as CRMs compare them; what is returned is the caller's. */
#ifndef DEST_COMPARE_H
#define DEST_COMPARE_H

#include "base/buf.h"

/* text without white space around it. */
char *dest_trim(const char *text);
/* text in lower case: Latin, Greek and Cyrillic letters. */
char *dest_fold(const char *text);
/* The host of a web address, or of a bare host, in lower case and without "www.". */
char *dest_host(const char *address);

#endif
