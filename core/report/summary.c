// SPDX-License-Identifier: Apache-2.0
#include "summary.h"

#include <inttypes.h> // PRIu64
#include <stdio.h>
#include <string.h>

xt_status
xt_summary_write_head(xt_buf *out)
{
    static const char head[] = "lines   cov%   module   (path)\n";
    return xt_buf_append(out, head, sizeof(head) - 1);
}

/* Returns a share of lines as tenths of a percent, rounded as Python rounds it
   in ".1%": the quotient and its product with 100 as double, then the exact
   value of that to the nearest tenth, a tie to the even one. printf would do
   the same, but with the decimal point of the locale. */
static uint64_t
share_in_tenths(uint64_t hit, uint64_t lines)
{
    double percent = (double)hit / (double)lines * 100.0;
    uint64_t bits;
    memcpy(&bits, &percent, sizeof(bits));
    /* percent = mantissa / 2^shift; at most 100, so that shift is over 0. */
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    int shift = 1075 - (int)(bits >> 52);
    if (shift <= 0 || shift > 63) {
        return 0; /* less than 2^-6 tenths, and nothing but 0 is */
    }
    uint64_t scaled = mantissa * 10;
    uint64_t tenths = scaled >> shift;
    uint64_t rest = scaled & ((UINT64_C(1) << shift) - 1);
    uint64_t half = UINT64_C(1) << (shift - 1);
    if (rest > half || (rest == half && tenths % 2 == 1)) {
        tenths++;
    }
    return tenths;
}

xt_status
xt_summary_write_row(const xt_summary_row *row, xt_summary_style style,
                     xt_buf *out)
{
    char head[80];
    int len;
    if (style == XT_SUMMARY_WHOLE) {
        len = snprintf(head, sizeof(head), "%5" PRIu64 "   %3" PRIu64 "%%   ",
                       row->lines, row->hit * 100 / row->lines);
    }
    else {
        uint64_t tenths = share_in_tenths(row->hit, row->lines);
        len = snprintf(head, sizeof(head),
                       "%5" PRIu64 "   %" PRIu64 ".%" PRIu64 "%%   ",
                       row->lines, tenths / 10, tenths % 10);
    }
    const struct {
        const char *bytes;
        size_t len;
    } parts[] = {
        {head, (size_t)len}, {row->module, row->module_len},
        {"   (", 4},         {row->file, row->file_len},
        {")\n", 2},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        xt_status status = xt_buf_append(out, parts[i].bytes, parts[i].len);
        if (status != XT_OK) {
            return status;
        }
    }
    return XT_OK;
}
