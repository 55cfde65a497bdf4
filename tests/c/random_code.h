// SPDX-License-Identifier: Apache-2.0
/* Random code objects, of the shapes that compilers make and many that they
 * do not: loops within loops, jumps anywhere, generators, awaiting,
 * handlers anywhere, lines in any order.
 */
#ifndef XT_TESTS_RANDOM_CODE_H
#define XT_TESTS_RANDOM_CODE_H

#include "instr.h"

typedef struct {
    xt_code_view view; /* of the bytes below */
    xt_buf code;
    xt_location_writer locations;
    xt_buf exceptions;
} random_code;

/* The same code for the same seed, everywhere. */
random_code random_code_make(int minor, uint32_t seed);

void random_code_free(random_code *of);

/* A number below `below`; moves the seed on. */
uint32_t random_next(uint32_t *seed, uint32_t below);

#endif
