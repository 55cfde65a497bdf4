// SPDX-License-Identifier: Apache-2.0
/* The opcodes of pickle that a counts file never has, so that an error can
   name them. */
#include "pickle_refused.h"

#include <stddef.h>

#define RUNS(op, name) "opcode " op " (" name ") would run code"
#define ODD(op, name) "opcode " op " (" name ") has no place in a counts file"

static const char *const refused[256] = {
    /* What imports, calls or builds objects, or asks the reader's program
       for one. */
    ['c'] = RUNS("'c'", "GLOBAL"),
    ['R'] = RUNS("'R'", "REDUCE"),
    ['b'] = RUNS("'b'", "BUILD"),
    ['i'] = RUNS("'i'", "INST"),
    ['o'] = RUNS("'o'", "OBJ"),
    ['P'] = RUNS("'P'", "PERSID"),
    ['Q'] = RUNS("'Q'", "BINPERSID"),
    [0x81] = RUNS("0x81", "NEWOBJ"),
    [0x82] = RUNS("0x82", "EXT1"),
    [0x83] = RUNS("0x83", "EXT2"),
    [0x84] = RUNS("0x84", "EXT4"),
    [0x92] = RUNS("0x92", "NEWOBJ_EX"),
    [0x93] = RUNS("0x93", "STACK_GLOBAL"),
    /* Harmless, but never written for counts. */
    ['0'] = ODD("'0'", "POP"),
    ['1'] = ODD("'1'", "POP_MARK"),
    ['2'] = ODD("'2'", "DUP"),
    ['F'] = ODD("'F'", "FLOAT"),
    ['I'] = ODD("'I'", "INT"),
    ['S'] = ODD("'S'", "STRING"),
    ['T'] = ODD("'T'", "BINSTRING"),
    ['U'] = ODD("'U'", "SHORT_BINSTRING"),
    ['V'] = ODD("'V'", "UNICODE"),
    ['a'] = ODD("'a'", "APPEND"),
    ['d'] = ODD("'d'", "DICT"),
    ['e'] = ODD("'e'", "APPENDS"),
    ['g'] = ODD("'g'", "GET"),
    ['l'] = ODD("'l'", "LIST"),
    ['p'] = ODD("'p'", "PUT"),
    [']'] = ODD("']'", "EMPTY_LIST"),
    [')'] = ODD("')'", "EMPTY_TUPLE"),
    ['G'] = ODD("'G'", "BINFLOAT"),
    ['B'] = ODD("'B'", "BINBYTES"),
    ['C'] = ODD("'C'", "SHORT_BINBYTES"),
    [0x85] = ODD("0x85", "TUPLE1"),
    [0x88] = ODD("0x88", "NEWTRUE"),
    [0x89] = ODD("0x89", "NEWFALSE"),
    [0x8b] = ODD("0x8b", "LONG4"),
    [0x8e] = ODD("0x8e", "BINBYTES8"),
    [0x8f] = ODD("0x8f", "EMPTY_SET"),
    [0x90] = ODD("0x90", "ADDITEMS"),
    [0x91] = ODD("0x91", "FROZENSET"),
    [0x96] = ODD("0x96", "BYTEARRAY8"),
    [0x97] = ODD("0x97", "NEXT_BUFFER"),
    [0x98] = ODD("0x98", "READONLY_BUFFER"),
};

const char *
xt_pickle_refused_why(uint8_t op)
{
    return refused[op];
}
