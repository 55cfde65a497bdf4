// SPDX-License-Identifier: Apache-2.0
#include "utf8.h"

/* The length of the sequence that `first` begins, and the bounds of its
   second byte, which rule out longer forms than needed (E0, F0) and what lies
   beyond U+10FFFF (F4). 0: no sequence begins so. */
static size_t
sequence_length(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xF4 ? 0x8F : 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return 3;
    }
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

int
xt_utf8_is_valid(const uint8_t *bytes, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if (bytes[i] < 0x80) {
            i++;
            continue;
        }
        uint8_t low, high;
        size_t length = sequence_length(bytes[i], &low, &high);
        if (length == 0 || length > len - i || bytes[i + 1] < low ||
            bytes[i + 1] > high) {
            return 0;
        }
        for (size_t k = 2; k < length; k++) {
            if ((bytes[i + k] & 0xC0) != 0x80) {
                return 0;
            }
        }
        i += length;
    }
    return 1;
}
