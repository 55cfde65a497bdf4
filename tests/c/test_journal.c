// SPDX-License-Identifier: Apache-2.0
/* Counting in a file, and reading what was counted from its bytes alone. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "journal_read.h"
#include "mem.h"
#include "recover.h"
#include "walk.h"

enum { MOST_LINES = 1 << 20 };

static char folder[] = "/tmp/exactrace-journal-XXXXXX";
static char path[sizeof(folder) + 16];

static int
make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s/counts", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
open_journal(xt_journal *journal, uint32_t minor, bool branches)
{
    (void)unlink(path);
    const xt_journal_about about = {
        .minor = minor, .flow = XT_FLOW_VERSION, .branches = branches};
    assert_int_equal(XT_OK, xt_journal_open(journal, path, &about));
}

/* The file's bytes, in memory of just that size. */
static uint8_t *
read_file(size_t *len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(0, fseek(file, 0, SEEK_END));
    *len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*len);
    assert_non_null(bytes);
    assert_int_equal(*len, fread(bytes, 1, *len, file));
    assert_int_equal(0, fclose(file));
    return bytes;
}

/* A section of a recovered file, which must be there. */
static xt_section
section_of(const xt_section *sections, size_t count, uint32_t kind)
{
    for (size_t i = 0; i < count; i++) {
        if (sections[i].kind == kind) {
            return sections[i];
        }
    }
    fail_msg("there is no section %u", kind);
    return (xt_section){0};
}

static xt_buf
recover_file(void)
{
    size_t len;
    uint8_t *bytes = read_file(&len);
    xt_buf out = {0};
    xt_tables_fault fault = {0};
    xt_status status = xt_recover(bytes, len, &out, &fault);
    if (status != XT_OK) {
        fail_msg("byte %zu: %s", fault.offset, fault.what);
    }
    free(bytes);
    return out;
}

/* Adds the recovered hits to hits[line]. */
static void
recovered_lines(int64_t *hits)
{
    xt_buf out = recover_file();
    xt_section *sections;
    size_t count;
    xt_tables_fault fault = {0};
    assert_int_equal(XT_OK, xt_tables_read((const uint8_t *)out.bytes, out.len,
                                           &sections, &count, &fault));
    xt_section lines = section_of(sections, count, XT_TABLE_LINES);
    for (uint64_t i = 0; i < lines.len; i += 24) {
        uint64_t line = xt_journal_u64(lines.bytes + i + 8);
        assert_true(line < MOST_LINES);
        hits[line] += (int64_t)xt_journal_u64(lines.bytes + i + 16);
    }
    xt_free(sections);
    xt_buf_fini(&out);
}

/* --- Code ---------------------------------------------------------------- */

static uint64_t
add_code(xt_journal *journal, const analysis *of, const xt_code_view *view,
         const xt_journal_base *base, uint64_t **slots)
{
    xt_journal_code code = {
        .first_line = view->first_line,
        .flags = XT_JOURNAL_WANTED | of->unroll << XT_JOURNAL_UNROLLED_SHIFT,
        .slots = of->plan.slots,
        .code_len = (uint32_t)view->code_len,
        .locations_len = (uint32_t)view->locations_len,
        .exceptions_len = (uint32_t)view->exceptions_len,
    };
    const unsigned char *const bytes[3] = {view->code, view->locations,
                                           view->exceptions};
    uint64_t record;
    assert_true(xt_journal_string(journal, "a.py", 4, &code.file));
    assert_true(xt_journal_string(journal, "f", 1, &code.name));
    assert_true(
        xt_journal_add_code(journal, &code, bytes, base, &record, slots));
    return record;
}

/* As the graph of the original has it. */
static void
add_expected(const xt_code_view *view, const walk_counts *counts, int sign,
             int64_t *hits)
{
    xt_instrs instrs = {0};
    xt_graph graph = {0};
    assert_int_equal(XT_OK, xt_instrs_read(&instrs, view));
    assert_int_equal(XT_OK, xt_graph_build(&graph, &instrs, view, false));
    for (size_t i = 0; i < graph.len; i++) {
        const xt_edge *edge = &graph.edges[i];
        if (edge->line >= 0) {
            assert_true(edge->line < MOST_LINES);
            hits[edge->line] += sign * (int64_t)walk_count_of(counts, edge);
        }
    }
    xt_instrs_fini(&instrs);
    xt_graph_fini(&graph);
}

/* Lets the function run, with its counters in the file from the start, or from
   the midst of it, and compares the lines with what was walked. */
static void
check_code(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    static int checked;
    if (++checked % 8 != 0) {
        return; /* a file for each of them would take long */
    }
    bool late = checked % 16 == 0;
    bool branches = false;
    for (size_t i = 0; i < of->plan.classes_len; i++) {
        branches = branches || of->plan.classes[i].wanted;
    }
    size_t points = of->instrs.len;
    int64_t *hits = calloc(MOST_LINES, sizeof(*hits));
    walk_counts counts = walk_counts_new(of);
    const xt_journal_base base = {counts.slots, counts.left, (uint32_t)points};
    for (int i = 0; i < 10; i++) {
        walk_once(of, view, &counts, &seed);
    }
    xt_journal journal = {0};
    open_journal(&journal, (uint32_t)view->ops->minor, branches);
    uint64_t *slots;
    if (late) {
        add_expected(view, &counts, 1, hits);
    }
    uint64_t *left = calloc(3 * points + 1, sizeof(*left));
    memcpy(left, counts.left, points * sizeof(*left));
    memcpy(left + points, counts.handled, points * sizeof(*left));
    const xt_journal_base before = {base.slots, left, base.points};
    uint64_t record =
        add_code(&journal, of, view, late ? &before : NULL, &slots);
    for (int i = 0; i < 30; i++) {
        walk_once(of, view, &counts, &seed);
    }
    memcpy(slots, counts.slots, of->plan.slots * sizeof(*slots));
    uint64_t *breaks;
    assert_true(
        xt_journal_add_breaks(&journal, record, (uint32_t)points, &breaks));
    memcpy(breaks, counts.left, points * sizeof(*breaks));
    memcpy(breaks + points, counts.handled, points * sizeof(*breaks));
    xt_journal_close(&journal);
    recovered_lines(hits);
    add_expected(view, &counts, -1, hits);
    for (size_t i = 0; i < MOST_LINES; i++) {
        assert_int_equal(0, hits[i]);
    }
    free(left);
    free(hits);
    walk_counts_free(&counts);
}

static void
lines_are_solved_from_the_file_alone(void **state)
{
    (void)state;
    assert_true(analysis_each(check_code) > 1200);
    assert_true(analysis_each_unrolled(check_code) > 100);
}

/* --- Lines --------------------------------------------------------------- */

static void
a_file_grows_and_keeps_what_was_counted(void **state)
{
    (void)state;
    enum { PAGES = 5000 }; /* more than a segment */
    xt_journal journal = {0};
    open_journal(&journal, 13, false);
    uint32_t file;
    assert_true(xt_journal_string(&journal, "b.py", 4, &file));
    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t *page;
        assert_true(
            xt_journal_add_lines(&journal, file, i * XT_JOURNAL_PAGE, &page));
        page[i % XT_JOURNAL_PAGE] = i + 1;
    }
    assert_true(journal.segments_len > 1);
    xt_journal_close(&journal);
    int64_t *hits = calloc(MOST_LINES, sizeof(*hits));
    recovered_lines(hits);
    for (uint32_t i = 0; i < PAGES; i++) {
        assert_int_equal(i + 1,
                         hits[i * XT_JOURNAL_PAGE + i % XT_JOURNAL_PAGE]);
    }
    free(hits);
}

/* By how much the lines of one file can be too high, and too low. */
static void
recovered_unsure(int64_t *high, int64_t *low)
{
    xt_buf out = recover_file();
    xt_section *sections;
    size_t count;
    xt_tables_fault fault;
    assert_int_equal(XT_OK, xt_tables_read((const uint8_t *)out.bytes, out.len,
                                           &sections, &count, &fault));
    const xt_section unsure = section_of(sections, count, XT_TABLE_UNSURE);
    for (size_t i = 0; i + 32 <= unsure.len; i += 32) {
        int64_t row[4];
        memcpy(row, unsure.bytes + i, sizeof(row));
        high[row[1]] += row[2];
        low[row[1]] += row[3];
    }
    xt_free(sections);
    xt_buf_fini(&out);
}

/* What a body has not settled is unsure: whether it has ended most likely, and
   its lines are taken for counted, or has not. */
static void
check_body(bool ended, uint64_t done)
{
    enum { LINES = 4 };
    const int32_t lines[] = {1, 2, 2, 3};
    const int64_t missing[] = {0, done < 1, (done < 2) + (done < 3), done < 4};
    xt_journal journal = {0};
    open_journal(&journal, 13, false);
    uint32_t file;
    xt_journal_body *body;
    assert_true(xt_journal_string(&journal, "b.py", 4, &file));
    assert_true(xt_journal_add_body(&journal, file, lines, 0, &body));
    assert_true(xt_journal_add_body(&journal, file, lines, LINES, &body));
    assert_int_equal(0, body->settled);
    assert_int_equal(0, body->ended);
    body->settled = done;
    body->ended = ended;
    xt_journal_close(&journal);
    int64_t high[LINES] = {0};
    int64_t low[LINES] = {0};
    recovered_unsure(high, low);
    int64_t *hits = calloc(MOST_LINES, sizeof(*hits));
    recovered_lines(hits);
    for (size_t i = 0; i < LINES; i++) {
        assert_int_equal(ended ? missing[i] : 0, high[i]);
        assert_int_equal(ended ? 0 : missing[i], low[i]);
        assert_int_equal(ended ? missing[i] : 0, hits[i]);
    }
    free(hits);
}

static void
what_a_body_has_not_settled_is_unsure(void **state)
{
    (void)state;
    for (uint64_t done = 0; done <= 5; done++) {
        check_body(false, done);
        check_body(true, done);
    }
}

static void
a_file_that_is_discarded_is_gone(void **state)
{
    (void)state;
    xt_journal journal = {0};
    open_journal(&journal, 13, false);
    assert_int_equal(0, access(path, F_OK));
    xt_journal_discard(&journal);
    assert_int_equal(-1, access(path, F_OK));
    assert_null(journal.path);
}

static void
a_file_that_is_gone_grows_no_more(void **state)
{
    (void)state;
    xt_journal journal = {0};
    open_journal(&journal, 13, false);
    uint32_t file;
    uint64_t *page;
    assert_true(xt_journal_string(&journal, "b.py", 4, &file));
    assert_int_equal(0, unlink(path));
    int added = 0;
    while (xt_journal_add_lines(&journal, file, 0, &page) && added < 10000) {
        added++;
        ++*page; /* what is there can be written to */
    }
    assert_in_range(added, 1, 9999);
    assert_true(journal.full);
    assert_false(xt_journal_string(&journal, "c.py", 4, &file));
    xt_journal_close(&journal);
}

static void
a_forked_child_counts_for_itself(void **state)
{
    (void)state;
    xt_journal journal = {0};
    open_journal(&journal, 13, false);
    uint32_t file;
    uint64_t *page;
    assert_true(xt_journal_string(&journal, "b.py", 4, &file));
    assert_true(xt_journal_add_lines(&journal, file, 0, &page));
    page[1] = 7;
    xt_journal_before_fork(&journal);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        xt_journal_in_child(&journal);
        bool same = page[1] == 7;
        page[1] += 100;
        uint64_t *other;
        bool grows = xt_journal_add_lines(&journal, file, 64, &other);
        _exit(same && page[1] == 107 && !grows ? 0 : 1);
    }
    xt_journal_in_parent(&journal);
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);
    page[1]++;
    xt_journal_close(&journal);
    int64_t *hits = calloc(MOST_LINES, sizeof(*hits));
    recovered_lines(hits);
    assert_int_equal(8, hits[1]);
    free(hits);
}

/* --- Damage -------------------------------------------------------------- */

static void
damaged_files_are_refused(void **state)
{
    (void)state;
    xt_journal journal = {0};
    open_journal(&journal, 13, false);
    uint32_t file;
    uint64_t *page;
    assert_true(xt_journal_string(&journal, "b.py", 4, &file));
    assert_true(xt_journal_add_lines(&journal, file, 0, &page));
    assert_true(xt_journal_note(&journal, "key", "value"));
    const int32_t lines[] = {1, 2};
    xt_journal_body *body;
    assert_true(xt_journal_add_body(&journal, file, lines, 2, &body));
    size_t end = (size_t)journal.end;
    xt_journal_close(&journal);
    size_t len;
    uint8_t *bytes = read_file(&len);
    uint32_t seed = 1;
    for (size_t i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = (seed >> 8) % end;
        uint8_t before = bytes[at];
        bytes[at] = (uint8_t)(seed >> 3);
        xt_buf out = {0};
        xt_tables_fault fault = {0};
        xt_status status = xt_recover(bytes, end, &out, &fault);
        assert_true(status == XT_OK || fault.what != NULL);
        assert_true(fault.offset <= end);
        xt_buf_fini(&out);
        bytes[at] = before;
    }
    for (size_t cut = 0; cut < end; cut++) {
        uint8_t *part = malloc(cut + 1);
        memcpy(part, bytes, cut);
        xt_buf out = {0};
        xt_tables_fault fault = {0};
        assert_int_equal(XT_CORRUPT, xt_recover(part, cut, &out, &fault));
        free(part);
    }
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_solved_from_the_file_alone),
        cmocka_unit_test(a_file_grows_and_keeps_what_was_counted),
        cmocka_unit_test(what_a_body_has_not_settled_is_unsure),
        cmocka_unit_test(a_file_that_is_discarded_is_gone),
        cmocka_unit_test(a_file_that_is_gone_grows_no_more),
        cmocka_unit_test(a_forked_child_counts_for_itself),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
