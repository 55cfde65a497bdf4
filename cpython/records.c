// SPDX-License-Identifier: Apache-2.0
#include "records.h"

#include "mem.h"

frame_record *
records_new(void)
{
    frame_record *record = xt_malloc(sizeof(*record));
    if (record == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *record = (frame_record){.references = 1};
    return record;
}

void
records_release(frame_record *record)
{
    if (record != NULL && --record->references == 0) {
        Py_XDECREF(record->header);
        Py_XDECREF(record->label);
        Py_XDECREF(record->raised);
        variables_fini(&record->variables);
        xt_free(record);
    }
}

void
records_forget_left(record_table *table)
{
    frame_record *record = table->left;
    table->left_frame = NULL;
    table->left = NULL;
    records_release(record);
}

void
records_fini(record_table *table)
{
    records_forget_left(table);
    table->hot_frame = NULL;
    for (size_t i = 0; table->map.used > 0 && i <= table->map.mask; i++) {
        if (table->map.entries[i].key != NULL) {
            records_release(table->map.entries[i].value);
        }
    }
    xt_ptrmap_fini(&table->map);
}

frame_record *
records_get(const record_table *table, PyFrameObject *frame)
{
    return xt_ptrmap_get(&table->map, frame);
}

frame_record *
records_find(record_table *table, PyFrameObject *frame)
{
    if (frame != table->hot_frame) {
        table->hot_frame = frame;
        table->hot = records_get(table, frame);
    }
    return table->hot;
}

frame_record *
records_take(record_table *table, PyFrameObject *frame)
{
    frame_record *record = records_get(table, frame);
    if (record != NULL) {
        (void)xt_ptrmap_remove(&table->map, frame);
    }
    if (table->hot_frame == frame) {
        table->hot_frame = NULL;
    }
    return record;
}

int
records_put(record_table *table, PyFrameObject *frame, frame_record *record)
{
    records_release(records_take(table, frame));
    if (xt_ptrmap_set(&table->map, frame, record) != XT_OK) {
        records_release(record);
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}
