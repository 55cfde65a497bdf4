// SPDX-License-Identifier: Apache-2.0
/* Texts of any bytes, for the tokenizer of every version. The scanner must
   end, and find only lines that the text has; the listing of such a text must
   have as many lines as the text. */
#include <stdlib.h>

#include "annotate.h"
#include "docstrings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_listing(const char *text, size_t size, const xt_bitset *lines)
{
    const xt_annotate_source source = {
        .text = text,
        .len = size,
        .executable = lines,
        .pragma = "#p",
        .pragma_len = 2,
    };
    xt_buf out = {0};
    xt_annotate_totals totals;
    if (xt_annotate_write(&source, &out, &totals) != XT_OK ||
        xt_annotate_count_lines(out.bytes, out.len) !=
            xt_annotate_count_lines(text, size) ||
        out.bytes[out.len - 1] != '\n' || totals.hit != 0) {
        abort();
    }
    xt_buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t n_lines = xt_annotate_count_lines(text, size);
    for (int minor = 11; minor <= 14; minor++) {
        xt_bitset lines = {0};
        if (xt_docstrings_find(text, size, minor, &lines) != XT_OK) {
            abort();
        }
        /* A string that never ends may reach behind the last newline. */
        size_t line = n_lines + 2;
        if (xt_bitset_has(&lines, 0) || xt_bitset_next(&lines, &line)) {
            abort();
        }
        check_listing(text, size, &lines);
        xt_bitset_fini(&lines);
    }
    return 0;
}
