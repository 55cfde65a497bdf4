// SPDX-License-Identifier: Apache-2.0
/* The pickle opcodes that a counts file is made of. docs/counts-pickle.md
   says what each stands for. */
#ifndef XT_PICKLE_OPS_H
#define XT_PICKLE_OPS_H

enum {
    XT_OP_MARK = '(',
    XT_OP_STOP = '.',
    XT_OP_BININT = 'J',
    XT_OP_BININT1 = 'K',
    XT_OP_BININT2 = 'M',
    XT_OP_LONG = 'L',
    XT_OP_NONE = 'N',
    XT_OP_BINUNICODE = 'X',
    XT_OP_BINGET = 'h',
    XT_OP_LONG_BINGET = 'j',
    XT_OP_BINPUT = 'q',
    XT_OP_LONG_BINPUT = 'r',
    XT_OP_SETITEM = 's',
    XT_OP_SETITEMS = 'u',
    XT_OP_TUPLE = 't',
    XT_OP_EMPTY_DICT = '}',
    /* From protocol 2 on. */
    XT_OP_PROTO = 0x80,
    XT_OP_TUPLE2 = 0x86,
    XT_OP_TUPLE3 = 0x87,
    XT_OP_LONG1 = 0x8a,
    /* From protocol 4 on. */
    XT_OP_SHORT_BINUNICODE = 0x8c,
    XT_OP_BINUNICODE8 = 0x8d,
    XT_OP_MEMOIZE = 0x94,
    XT_OP_FRAME = 0x95,
};

#endif
