// SPDX-License-Identifier: Apache-2.0
/* cmocka.h with the headers that it asks for. */
#ifndef XT_CMOCKA_ALL_H
#define XT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
