// SPDX-License-Identifier: Apache-2.0
/* Code objects that CPython's compilers wrote, and how the standard module dis
 * reads them: the files of tests/bytecode, written by tools/dump_bytecode.py.
 */
#ifndef XT_TESTS_DUMPS_H
#define XT_TESTS_DUMPS_H

#include "instr.h"

/* An instruction as dis has it; -1 for "none". */
typedef struct {
    uint32_t unit; /* of the opcode itself */
    uint32_t op;
    uint32_t oparg;
    int64_t target; /* code unit */
    int64_t line;
    int64_t end_line;
    int64_t column;
    int64_t end_column;
} dumped_instr;

typedef struct {
    char name[120];
    xt_code_view view;    /* its bytes are owned, each of the exact size */
    dumped_instr *instrs; /* owned */
    size_t instrs_len;
    xt_exctable_range *handlers; /* owned */
    size_t handlers_len;
} dumped_code;

typedef struct {
    int minor;
    dumped_code *codes; /* owned */
    size_t len;
} dump;

enum { DUMPS_FIRST = 12, DUMPS_LAST = 15 };

/* Reads the dump of CPython 3.`minor`; fails the test if it cannot. */
dump dumps_read(int minor);

void dumps_free(dump *of);

#endif
