// SPDX-License-Identifier: Apache-2.0
/* Finds the lines of a Python source that hold nothing but a docstring, or
   what looks like one. */
#ifndef XT_DOCSTRINGS_H
#define XT_DOCSTRINGS_H

#include <stddef.h>

#include "bitset.h"
#include "status.h"

/* Adds to `lines` the numbers (from 1) of all lines of each string that comes
   first in the source or right after an indent: what Python's tokenizer calls
   a STRING token after an INDENT token, or as the very first one.

   `text` is UTF-8 without a byte order mark, every line of it ended by \n
   (the last one perhaps not).
   `minor` is that of the Python 3 whose tokenizer counts: from 12 on an
   f-string is no STRING, from 14 on a t-string exists.

   The result is exact for a text that compiles. For any other the scan
   answers something, and never fails but with XT_NOMEM. */
xt_status xt_docstrings_find(const char *text, size_t len, int minor,
                             xt_bitset *lines);

#endif
