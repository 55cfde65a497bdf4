// SPDX-License-Identifier: Apache-2.0
#include "annotate.h"

#include <stdbool.h>
#include <string.h>

enum {
    TAB_SIZE = 8,
    MARGIN = 7,
    /* The widest margin: a sign, 19 digits, a colon and a space. */
    MAX_MARGIN = 22,
};

size_t
xt_annotate_count_lines(const char *text, size_t len)
{
    size_t lines = 0;
    const char *at = text;
    const char *end = text + len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        lines++;
        at = newline == NULL ? end : newline + 1;
    }
    return lines == 0 ? 1 : lines;
}

/* Writes "%5d: " into `margin` and returns its length. */
static size_t
format_count(int64_t count, char margin[MAX_MARGIN])
{
    char digits[MAX_MARGIN];
    size_t n = 0;
    uint64_t rest = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (count < 0) {
        digits[n++] = '-';
    }
    while (n < MARGIN - 2) {
        digits[n++] = ' ';
    }
    for (size_t i = 0; i < n; i++) {
        margin[i] = digits[n - 1 - i];
    }
    margin[n] = ':';
    margin[n + 1] = ' ';
    return n + 2;
}

static bool
contains(const char *line, size_t len, const char *part, size_t part_len)
{
    const char *end = line + len;
    if (part_len == 0) {
        return false;
    }
    while ((size_t)(end - line) >= part_len) {
        size_t room = (size_t)(end - line) - part_len + 1;
        const char *found = memchr(line, part[0], room);
        if (found == NULL) {
            return false;
        }
        if (memcmp(found, part, part_len) == 0) {
            return true;
        }
        line = found + 1;
    }
    return false;
}

/* Appends `len` bytes of a line that holds tabs. */
static xt_status
append_expanded(xt_buf *out, const char *line, size_t len)
{
    size_t column = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c != '\t') {
            xt_status status = xt_buf_append(out, line + i, 1);
            if (status != XT_OK) {
                return status;
            }
            /* A byte 10xxxxxx continues a character. */
            column += (c & 0xc0) != 0x80;
            column = c == '\r' ? 0 : column;
            continue;
        }
        size_t blanks = TAB_SIZE - column % TAB_SIZE;
        xt_status status = xt_buf_append(out, "        ", blanks);
        if (status != XT_OK) {
            return status;
        }
        column += blanks;
    }
    return XT_OK;
}

static xt_status
append_line(xt_buf *out, const char *margin, size_t margin_len,
            const char *line, size_t len)
{
    xt_status status = xt_buf_append(out, margin, margin_len);
    if (status != XT_OK) {
        return status;
    }
    if (len > 0 && memchr(line, '\t', len) != NULL) {
        status = append_expanded(out, line, len);
    }
    else {
        status = xt_buf_append(out, line, len);
    }
    return status == XT_OK ? xt_buf_append(out, "\n", 1) : status;
}

xt_status
xt_annotate_write(const xt_annotate_source *source, xt_buf *out,
                  xt_annotate_totals *totals)
{
    const char *at = source->text;
    const char *end = at + source->len;
    xt_annotate_totals sum = {0, 0};
    size_t n_lines = xt_annotate_count_lines(source->text, source->len);
    for (size_t number = 1; number <= n_lines; number++) {
        const char *newline =
            at == end ? NULL : memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline == NULL ? end : newline) - at);
        char count[MAX_MARGIN];
        const char *margin = "       ";
        size_t margin_len = MARGIN;
        if (number < source->counts_len &&
            source->counts[number] != XT_ANNOTATE_NO_COUNT) {
            margin = count;
            margin_len = format_count(source->counts[number], count);
            sum.hit++;
            sum.lines++;
        }
        else if (xt_bitset_has(source->executable, number) &&
                 !contains(at, len, source->pragma, source->pragma_len)) {
            margin = ">>>>>> ";
            sum.lines++;
        }
        xt_status status = append_line(out, margin, margin_len, at, len);
        if (status != XT_OK) {
            return status;
        }
        at = newline == NULL ? end : newline + 1;
    }
    *totals = sum;
    return XT_OK;
}
