// SPDX-License-Identifier: Apache-2.0
#include "journal_read.h"

#include <string.h>

#include "mem.h"
#include "opcodes.h"
#include "plan.h"

static const uint8_t MAGIC[8] = {0x89, 'E', 'X', 'J', '\r', '\n', 0x1A, '\n'};

typedef struct {
    const uint8_t *bytes;
    xt_journal_content *content;
    xt_tables_fault *fault;
} reader;

void
xt_journal_content_fini(xt_journal_content *content)
{
    xt_free(content->strings);
    xt_free(content->codes);
    xt_free(content->plain);
    *content = (xt_journal_content){0};
}

static xt_status
refuse(xt_tables_fault *fault, xt_status status, uint64_t offset,
       const char *what)
{
    *fault = (xt_tables_fault){.offset = (size_t)offset, .what = what};
    return status;
}

static xt_status
damaged(const reader *job, uint64_t offset, const char *what)
{
    return refuse(job->fault, XT_CORRUPT, offset, what);
}

static uint64_t
padded(uint64_t len)
{
    return (len + 7) & ~(uint64_t)7;
}

/* --- Header -------------------------------------------------------------- */

bool
xt_journal_is_file(const uint8_t *bytes, size_t len)
{
    return len >= sizeof(MAGIC) && memcmp(bytes, MAGIC, sizeof(MAGIC)) == 0;
}

xt_status
xt_journal_read_header(const uint8_t *bytes, size_t len,
                       xt_journal_header *header, xt_tables_fault *fault)
{
    if (!xt_journal_is_file(bytes, len)) {
        return refuse(fault, XT_CORRUPT, 0, "it does not begin as one");
    }
    if (len < XT_JOURNAL_HEADER) {
        return refuse(fault, XT_CORRUPT, len, "it ends in its header");
    }
    *header = (xt_journal_header){
        .version = xt_journal_u32(bytes + 8),
        .minor = xt_journal_u32(bytes + 12),
        .end = xt_journal_u64(bytes + 16),
        .pid = xt_journal_u64(bytes + 24),
        .started = xt_journal_u64(bytes + 32),
        .began = xt_journal_u64(bytes + 40),
        .flow = xt_journal_u32(bytes + 48),
        .flags = xt_journal_u32(bytes + 52),
    };
    if (header->version != XT_JOURNAL_VERSION) {
        return refuse(fault, XT_UNSUPPORTED, 8,
                      "a version that this program does not know");
    }
    if (header->flow != XT_FLOW_VERSION) {
        return refuse(
            fault, XT_UNSUPPORTED, 48,
            "only the version of exactrace that made it can read it");
    }
    if (header->end < XT_JOURNAL_HEADER || header->end > len ||
        header->end % XT_JOURNAL_ALIGN != 0) {
        return refuse(fault, XT_CORRUPT, 16, "it has been cut");
    }
    return XT_OK;
}

/* --- Records ------------------------------------------------------------- */

static bool
is_string(const reader *job, const uint8_t *at)
{
    return xt_journal_u32(at) < job->content->strings_len;
}

static xt_status
read_string(reader *job, uint64_t at, uint64_t len)
{
    uint64_t size = len < 8 ? 0 : xt_journal_u64(job->bytes + at);
    if (len < 8 || size > len - 8) {
        return damaged(job, at, "a string longer than its record");
    }
    xt_journal_content *content = job->content;
    xt_journal_string_bytes *strings =
        xt_grow(content->strings, &content->strings_cap,
                content->strings_len + 1, sizeof(*strings));
    if (strings == NULL) {
        return XT_NOMEM;
    }
    content->strings = strings;
    strings[content->strings_len++] = (xt_journal_string_bytes){
        .bytes = job->bytes + at + 8,
        .len = (size_t)size,
    };
    return XT_OK;
}

static xt_journal_code
code_at(const uint8_t *at)
{
    return (xt_journal_code){
        .file = xt_journal_u32(at),
        .name = xt_journal_u32(at + 4),
        .first_line = (int32_t)xt_journal_u32(at + 8),
        .flags = xt_journal_u32(at + 12),
        .slots = xt_journal_u32(at + 16),
        .code_len = xt_journal_u32(at + 20),
        .locations_len = xt_journal_u32(at + 24),
        .exceptions_len = xt_journal_u32(at + 28),
    };
}

static xt_status
read_code(reader *job, uint64_t at, uint64_t len)
{
    if (len < sizeof(xt_journal_code)) {
        return damaged(job, at, "code that is cut");
    }
    xt_journal_coded coded = {
        .record = at - XT_JOURNAL_RECORD,
        .code = code_at(job->bytes + at),
        .slots = job->bytes + at + sizeof(xt_journal_code),
    };
    const uint64_t lens[3] = {coded.code.code_len, coded.code.locations_len,
                              coded.code.exceptions_len};
    uint64_t need = sizeof(xt_journal_code) + 16 * (uint64_t)coded.code.slots;
    coded.then = coded.slots + 8 * (uint64_t)coded.code.slots;
    for (int i = 0; i < 3; i++) {
        coded.bytes[i] = need > len ? NULL : job->bytes + at + need;
        need += padded(lens[i]);
    }
    if (need > len) {
        return damaged(job, at, "code longer than its record");
    }
    if (!is_string(job, job->bytes + at) ||
        !is_string(job, job->bytes + at + 4)) {
        return damaged(job, at, "a string that is not there");
    }
    xt_journal_content *content = job->content;
    xt_journal_coded *codes = xt_grow(content->codes, &content->codes_cap,
                                      content->codes_len + 1, sizeof(*codes));
    if (codes == NULL) {
        return XT_NOMEM;
    }
    content->codes = codes;
    codes[content->codes_len++] = coded;
    return XT_OK;
}

xt_journal_coded *
xt_journal_find_code(const xt_journal_content *content, uint64_t record)
{
    xt_journal_coded *codes = content->codes;
    size_t low = 0;
    size_t high = content->codes_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (codes[middle].record < record) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low < content->codes_len && codes[low].record == record
               ? &codes[low]
               : NULL;
}

/* Counters of code: `single` numbers, `many` more, and three per point. */
static xt_status
read_counters(const reader *job, uint64_t at, uint64_t len, uint64_t single,
              xt_journal_coded **coded, uint64_t *points)
{
    if (len < 16 + 8 * single) {
        return damaged(job, at, "counters that are cut");
    }
    *coded =
        xt_journal_find_code(job->content, xt_journal_u64(job->bytes + at));
    if (*coded == NULL) {
        return damaged(job, at, "counters of code that is not there");
    }
    *points = xt_journal_u64(job->bytes + at + 8);
    if (*points > (len - 16 - 8 * single) / 24) {
        return damaged(job, at, "counters longer than their record");
    }
    return XT_OK;
}

static xt_status
read_points(const reader *job, xt_journal_kind kind, uint64_t at, uint64_t len)
{
    xt_journal_coded *coded;
    uint64_t points;
    bool sides = kind == XT_JOURNAL_SIDES;
    xt_status status =
        read_counters(job, at, len, sides ? 1 : 0, &coded, &points);
    if (status == XT_OK) {
        *(sides ? &coded->sides : &coded->breaks) =
            (xt_journal_counters){points, job->bytes + at + 16};
    }
    return status;
}

static xt_status
read_base(const reader *job, uint64_t at, uint64_t len)
{
    xt_journal_coded *coded;
    uint64_t points;
    xt_status status = read_counters(job, at, len, 1, &coded, &points);
    if (status != XT_OK) {
        return status;
    }
    uint64_t slots = xt_journal_u64(job->bytes + at + 16);
    if (slots != coded->code.slots || 24 + 8 * (slots + 3 * points) > len) {
        return damaged(job, at, "other slots than the code has");
    }
    coded->base_slots = job->bytes + at + 24;
    coded->base = (xt_journal_counters){
        points, points == 0 ? NULL : coded->base_slots + 8 * slots};
    return XT_OK;
}

static bool
is_call(const reader *job, const uint8_t *at)
{
    return is_string(job, at + offsetof(xt_journal_call, file)) &&
           is_string(job, at + offsetof(xt_journal_call, name)) &&
           (xt_journal_u32(at) == XT_JOURNAL_NONE ||
            (is_string(job, at) &&
             is_string(job, at + offsetof(xt_journal_call, caller_name))));
}

static bool
is_body(const reader *job, const uint8_t *at, uint64_t len)
{
    const uint64_t head = sizeof(xt_journal_body) + sizeof(uint64_t);
    return len >= head && is_string(job, at) &&
           xt_journal_u64(at + sizeof(xt_journal_body)) <=
               (len - head) / sizeof(int32_t);
}

static xt_status
read_plain(const reader *job, xt_journal_kind kind, uint64_t at, uint64_t len)
{
    const uint8_t *bytes = job->bytes + at;
    bool sound = false;
    switch (kind) {
    case XT_JOURNAL_NOTE:
        sound = len >= 8 && is_string(job, bytes) && is_string(job, bytes + 4);
        break;
    case XT_JOURNAL_LINES:
        sound = len >= 8 + 8 * XT_JOURNAL_PAGE && is_string(job, bytes);
        break;
    case XT_JOURNAL_CALL:
        sound = len >= sizeof(xt_journal_call) && is_call(job, bytes);
        break;
    case XT_JOURNAL_BODY:
        sound = is_body(job, bytes, len);
        break;
    default:
        break;
    }
    if (!sound) {
        return damaged(job, at, "a record of no known kind, or cut");
    }
    xt_journal_content *content = job->content;
    xt_journal_plain *plain = xt_grow(content->plain, &content->plain_cap,
                                      content->plain_len + 1, sizeof(*plain));
    if (plain == NULL) {
        return XT_NOMEM;
    }
    content->plain = plain;
    plain[content->plain_len++] = (xt_journal_plain){kind, bytes};
    return XT_OK;
}

static xt_status
read_stack(const reader *job, uint64_t at, uint64_t len)
{
    const uint8_t *bytes = job->bytes + at;
    if (len < 16 + XT_JOURNAL_DEPTH * sizeof(xt_journal_frame) ||
        xt_journal_u64(bytes + 8) > XT_JOURNAL_DEPTH) {
        return damaged(job, at, "frames that are cut");
    }
    xt_journal_content *content = job->content;
    bool whole = xt_journal_u64(bytes) % 2 == 0;
    content->stack_len = whole ? (size_t)xt_journal_u64(bytes + 8) : 0;
    for (size_t i = 0; i < content->stack_len; i++) {
        const uint8_t *frame = bytes + 16 + i * sizeof(xt_journal_frame);
        content->stack[i] = (xt_journal_frame){
            .record = xt_journal_u64(frame),
            .point = xt_journal_u32(frame + 8),
            .breaks = xt_journal_u32(frame + 12),
        };
    }
    return XT_OK;
}

static xt_status
read_record(reader *job, uint32_t kind, uint64_t at, uint64_t len)
{
    switch (kind) {
    case XT_JOURNAL_STRING:
        return read_string(job, at, len);
    case XT_JOURNAL_CODE:
        return read_code(job, at, len);
    case XT_JOURNAL_BREAKS:
    case XT_JOURNAL_SIDES:
        return read_points(job, (xt_journal_kind)kind, at, len);
    case XT_JOURNAL_BASE:
        return read_base(job, at, len);
    case XT_JOURNAL_STACK:
        return read_stack(job, at, len);
    case XT_JOURNAL_FILL:
        return XT_OK;
    default:
        return read_plain(job, (xt_journal_kind)kind, at, len);
    }
}

xt_status
xt_journal_read(const uint8_t *bytes, size_t len, xt_journal_content *content,
                xt_tables_fault *fault)
{
    *content = (xt_journal_content){0};
    reader job = {bytes, content, fault};
    xt_status status =
        xt_journal_read_header(bytes, len, &content->header, fault);
    uint64_t at = XT_JOURNAL_HEADER;
    while (status == XT_OK && at < content->header.end) {
        /* All is aligned, so there is room for a record's header. */
        uint64_t size = xt_journal_u64(bytes + at + 8);
        if (size < XT_JOURNAL_RECORD || size > content->header.end - at ||
            size % XT_JOURNAL_ALIGN != 0) {
            return damaged(&job, at, "a record longer than the file");
        }
        status = read_record(&job, xt_journal_u32(bytes + at),
                             at + XT_JOURNAL_RECORD, size - XT_JOURNAL_RECORD);
        at += size;
    }
    return status;
}
