/* The rows of a key in order of arrival, each found again by what it is known by.
 *
 * A row is known by its identity, or, without one, by all of it. A row that comes takes the place
 * of the one with its identity, or goes to the end; rows without an identity always go to the end,
 * and of equal ones the first goes first.
 *
 * State: three tables with the same keys:
 *
 *     list     VALUE    key → the rows one behind the other, while they are few bytes
 *     rows     ORDERED  key → arrival → row           where they are more, until one is left
 *     places   ORDERED  key → hash of the identity, arrival
 *
 * Invariant: a list is empty, holds rows, or says that they are in the two others; there each row
 * has one entry in both. All that is known of a key expires together.
 * Cost: of few rows a copy of at most ROW_LIST_BYTES; of many a logarithmic number of steps. */
#ifndef EXECUTOR_ROW_LIST_H
#define EXECUTOR_ROW_LIST_H

#include "executor/operator.h"

/* Several rows that are more bytes than this are no longer copied with each change: about where the
 * tables take less time, though a row there takes 100 bytes more. */
#define ROW_LIST_BYTES 4096

typedef struct RowLists {
    StateTable *lists;
    StateTable *rows;
    StateTable *places;
    bool expires;
    Buffer list; /* being rebuilt */
    Buffer item; /* being made */
} RowLists;

/* A key's list, found or made with state_value_get_or_create on `lists`. */
typedef struct RowList {
    void *record;
    Str key;
    uint64_t hash;
} RowList;

typedef struct RowListRow {
    Str identity; /* length 0: the row itself */
    Str row;
} RowListRow;

/* Where a row came to, or was. */
typedef struct RowListPlace {
    bool is_known; /* it took another's place; when it goes: it was there */
    bool is_first;
    bool is_last;
} RowListPlace;

/* Declares the tables; `description` is that of a row. */
void row_lists_open(RowLists *lists, const OperatorContext *context, const char *description,
                    int64_t ttl_ms);
void row_lists_close(RowLists *lists);

/* A key without rows: who has changed it removes its record, when nobody holds that any more. */
static inline bool row_list_is_empty(const void *record)
{
    return ((const StringView *)record)->length == 0;
}

RowListPlace row_list_put(RowLists *lists, const RowList *list, const RowListRow *row);
RowListPlace row_list_remove(RowLists *lists, const RowList *list, const RowListRow *row);
/* For rows that never go: the row alone, or behind what is first of a list that has rows. */
void row_list_keep(RowLists *lists, const RowList *list, const RowListRow *row, bool keeps_first);
/* The row that came first, second or last, if there is one; valid until the list changes. */
bool row_list_first(const RowLists *lists, const RowList *list, Str *row);
bool row_list_second(const RowLists *lists, const RowList *list, Str *row);
bool row_list_last(const RowLists *lists, const RowList *list, Str *row);

#endif
