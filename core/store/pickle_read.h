// SPDX-License-Identifier: Apache-2.0
/* Reads the counts file of Python's standard trace module, a pickle, without
 * an interpreter: bytes in, tally out, whatever the bytes are.
 *
 * Nothing is ever called, imported or built but strings, integers and the
 * rows of a tally. Time and memory are linear in the length of the input, and
 * no length that the input states is believed before that many bytes are
 * seen to be there.
 */
#ifndef XT_PICKLE_READ_H
#define XT_PICKLE_READ_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"
#include "tally.h"

/* Why and where a file was refused. */
typedef struct {
    size_t offset;    /* of the opcode at fault */
    const char *what; /* static storage, English, no full stop */
} xt_pickle_fault;

/* Reads `len` bytes into *out, which must be empty; the caller owns it.
   Otherwise *out stays empty and *fault says why:
   XT_CORRUPT      no pickle, or a damaged one;
   XT_UNSUPPORTED  a pickle, but not of counts as the trace module keeps them;
   XT_NOMEM        too little memory. */
xt_status xt_pickle_read(const uint8_t *bytes, size_t len, xt_tally *out,
                         xt_pickle_fault *fault);

#endif
