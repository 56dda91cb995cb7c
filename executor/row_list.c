/* The rows of a key in order of arrival: see row_list.h.
 *
 * An item, in a list and as the payload of an entry of `rows`:
 *
 *     u32 bytes of identity | u32 bytes of row | identity (nothing: the row itself) | row
 *
 * Arrivals only tell the order: of rows that are moved into the tables they are counted from 0 on,
 * and the next is the last one's successor. */
#include "executor/row_list.h"

#include "core/hash.h"

#define ARRIVAL_BYTES sizeof(uint64_t)
#define PLACE_BYTES   (2 * sizeof(uint64_t))

/* What stands for a list whose rows are in the tables; an item is longer. */
static const Str in_tables = {"*", 1};

typedef struct Item {
    Str whole; /* header and all */
    Str identity;
    Str row;
} Item;

typedef struct Trees {
    StateTree *rows;
    StateTree *places;
} Trees;

/* --------------------------------------------------------------------- items */

static Item item_at(const char *whole)
{
    uint32_t lengths[2];
    memcpy(lengths, whole, sizeof(lengths));
    const char *identity = whole + sizeof(lengths);
    return (Item){.whole = {whole, sizeof(lengths) + lengths[0] + lengths[1]},
                  .identity = {identity, lengths[0]},
                  .row = {identity + lengths[0], lengths[1]}};
}

static const char *end_of(Str bytes)
{
    return bytes.data + bytes.length;
}

static void append_item(Buffer *to, const RowListRow *row)
{
    uint32_t lengths[2] = {(uint32_t)row->identity.length, (uint32_t)row->row.length};
    buffer_append(to, lengths, sizeof(lengths));
    buffer_append_str(to, row->identity);
    buffer_append_str(to, row->row);
}

static Str known_by(const RowListRow *row)
{
    return row->identity.length != 0 ? row->identity : row->row;
}

static bool is_same(const RowListRow *row, const Item *item)
{
    Str wanted = known_by(row), found = row->identity.length != 0 ? item->identity : item->row;
    return wanted.length == found.length && memcmp(wanted.data, found.data, found.length) == 0;
}

static Str items_of(const RowList *list)
{
    return string_view_str(list->record);
}

static bool is_in_tables(const RowList *list)
{
    return items_of(list).length == in_tables.length;
}

static void store(RowLists *lists, const RowList *list, Str items)
{
    state_string_assign(lists->lists, list->record, items);
    state_touch(lists->lists, list->record);
}

static Str buffer_str(const Buffer *buffer)
{
    return (Str){buffer->data, buffer->length};
}

/* -------------------------------------------------------------------- tables */

static Str write_arrival(uint64_t arrival, char *bytes)
{
    uint64_t big_endian = __builtin_bswap64(arrival);
    memcpy(bytes, &big_endian, ARRIVAL_BYTES);
    return (Str){bytes, ARRIVAL_BYTES};
}

static Str write_place(Str identity, uint64_t arrival, char *bytes)
{
    uint64_t hash = hash_bytes(identity.data, identity.length);
    memcpy(bytes, &hash, sizeof(hash));
    write_arrival(arrival, bytes + sizeof(hash));
    return (Str){bytes, PLACE_BYTES};
}

static Trees find_trees(const RowLists *lists, const RowList *list)
{
    Trees trees;
    state_ordered_trees(lists->rows, &list->key, &list->hash, 1, &trees.rows);
    state_ordered_trees(lists->places, &list->key, &list->hash, 1, &trees.places);
    assert(trees.rows != NULL && state_tree_size(trees.rows) == state_tree_size(trees.places));
    return trees;
}

static StateTree *find_rows(const RowLists *lists, const RowList *list)
{
    StateTree *rows;
    state_ordered_trees(lists->rows, &list->key, &list->hash, 1, &rows);
    return rows;
}

static Item item_of(const RowLists *lists, const void *record)
{
    return item_at(state_tree_payload(lists->rows, record).data);
}

static void append_row(RowLists *lists, const RowList *list, Trees *trees, uint64_t arrival,
                       const Item *item)
{
    char bytes[PLACE_BYTES];
    Str identity = item->identity.length != 0 ? item->identity : item->row;
    state_tree_append(lists->rows, &trees->rows, list->key, list->hash,
                      write_arrival(arrival, bytes), item->whole);
    state_tree_put(lists->places, &trees->places, list->key, list->hash,
                   write_place(identity, arrival, bytes), (Str){"", 0}, NULL);
}

/* The list being rebuilt has become too long. */
static void move_into_tables(RowLists *lists, const RowList *list)
{
    Trees trees = {NULL, NULL};
    Str items = buffer_str(&lists->list);
    const char *next = items.data;
    for (uint64_t arrival = 0; next != end_of(items); arrival++) {
        Item item = item_at(next);
        append_row(lists, list, &trees, arrival, &item);
        next = end_of(item.whole);
    }
    store(lists, list, in_tables);
}

/* One row is left. */
static void move_out_of_tables(RowLists *lists, const RowList *list, Trees *trees)
{
    void *last = state_tree_last(trees->rows);
    store(lists, list, state_tree_payload(lists->rows, last));
    state_tree_remove(lists->rows, last);
    state_tree_remove(lists->places, state_tree_last(trees->places));
}

/* The rows of a key expire together, though a change writes few of them. */
static void keep_alive(RowLists *lists, const RowList *list, const Trees *trees)
{
    if (!lists->expires)
        return;
    state_touch(lists->lists, list->record);
    state_touch(lists->rows, state_tree_last(trees->rows));
    state_touch(lists->places, state_tree_last(trees->places));
}

/* The entries of the row, the first of several equal ones; NULL: it is not there. */
static void *find_row(const RowLists *lists, const Trees *trees, const RowListRow *row,
                      StateCursor *rows, StateCursor *places)
{
    char bytes[PLACE_BYTES];
    Str wanted = write_place(known_by(row), 0, bytes);
    const void *place = state_cursor_seek(lists->places, trees->places, wanted, places);
    for (; place != NULL; place = state_cursor_next(places)) {
        const char *found = state_tree_sort_key(lists->places, place).data;
        if (memcmp(found, bytes, sizeof(uint64_t)) != 0)
            return NULL;
        Str arrival = {found + sizeof(uint64_t), ARRIVAL_BYTES};
        void *record = state_cursor_seek(lists->rows, trees->rows, arrival, rows);
        Item item = item_of(lists, record);
        if (is_same(row, &item))
            return record;
    }
    return NULL;
}

static RowListPlace put_into_tables(RowLists *lists, const RowList *list, const RowListRow *row)
{
    Trees trees = find_trees(lists, list);
    StateCursor rows, places;
    void *record = row->identity.length == 0 ? NULL : find_row(lists, &trees, row, &rows, &places);
    RowListPlace place = {.is_known = record != NULL, .is_last = true};
    buffer_clear(&lists->item);
    append_item(&lists->item, row);
    Str whole = buffer_str(&lists->item);
    char bytes[ARRIVAL_BYTES];
    if (record != NULL) {
        place.is_first = record == state_tree_first(trees.rows);
        place.is_last = record == state_tree_last(trees.rows);
        memcpy(bytes, state_tree_sort_key(lists->rows, record).data, ARRIVAL_BYTES);
        state_tree_put(lists->rows, &trees.rows, list->key, list->hash, (Str){bytes, ARRIVAL_BYTES},
                       whole, NULL);
    } else {
        uint64_t last;
        Str key = state_tree_sort_key(lists->rows, state_tree_last(trees.rows));
        memcpy(&last, key.data, sizeof(last));
        Item item = {whole, row->identity, row->row};
        append_row(lists, list, &trees, __builtin_bswap64(last) + 1, &item);
    }
    keep_alive(lists, list, &trees);
    return place;
}

static RowListPlace remove_from_tables(RowLists *lists, const RowList *list, const RowListRow *row)
{
    Trees trees = find_trees(lists, list);
    StateCursor rows, places;
    const void *record = find_row(lists, &trees, row, &rows, &places);
    if (record == NULL)
        return (RowListPlace){0};
    RowListPlace place = {.is_known = true,
                          .is_first = record == state_tree_first(trees.rows),
                          .is_last = record == state_tree_last(trees.rows)};
    state_cursor_remove(lists->rows, &rows);
    state_cursor_remove(lists->places, &places);
    if (state_tree_size(trees.rows) == 1)
        move_out_of_tables(lists, list, &trees);
    else
        keep_alive(lists, list, &trees);
    return place;
}

/* --------------------------------------------------------------------- lists */

/* What stands before and behind the first item that is the row; false: there is none. */
static bool find_item(Str items, const RowListRow *row, Str *before, Str *behind)
{
    const char *next = items.data;
    while (next != end_of(items)) {
        Item item = item_at(next);
        next = end_of(item.whole);
        if (!is_same(row, &item))
            continue;
        *before = (Str){items.data, (size_t)(item.whole.data - items.data)};
        *behind = (Str){next, (size_t)(end_of(items) - next)};
        return true;
    }
    return false;
}

RowListPlace row_list_put(RowLists *lists, const RowList *list, const RowListRow *row)
{
    if (is_in_tables(list))
        return put_into_tables(lists, list, row);
    Str before = items_of(list), behind = {"", 0};
    bool is_known = row->identity.length != 0 && find_item(before, row, &before, &behind);
    buffer_clear(&lists->list);
    buffer_append_str(&lists->list, before);
    append_item(&lists->list, row);
    buffer_append_str(&lists->list, behind);
    bool is_alone = before.length + behind.length == 0;
    if (lists->list.length > ROW_LIST_BYTES && !is_alone)
        move_into_tables(lists, list);
    else
        store(lists, list, buffer_str(&lists->list));
    return (RowListPlace){is_known, before.length == 0, behind.length == 0};
}

RowListPlace row_list_remove(RowLists *lists, const RowList *list, const RowListRow *row)
{
    if (is_in_tables(list))
        return remove_from_tables(lists, list, row);
    Str before, behind;
    if (!find_item(items_of(list), row, &before, &behind))
        return (RowListPlace){0};
    RowListPlace place = {true, before.length == 0, behind.length == 0};
    buffer_clear(&lists->list);
    buffer_append_str(&lists->list, before);
    buffer_append_str(&lists->list, behind);
    store(lists, list, buffer_str(&lists->list));
    return place;
}

void row_list_keep(RowLists *lists, const RowList *list, const RowListRow *row, bool keeps_first)
{
    Str items = items_of(list);
    buffer_clear(&lists->list);
    if (keeps_first && items.length != 0)
        buffer_append_str(&lists->list, item_at(items.data).whole);
    append_item(&lists->list, row);
    store(lists, list, buffer_str(&lists->list));
}

static bool row_at(const RowLists *lists, const RowList *list, uint32_t position, Str *row)
{
    if (is_in_tables(list)) {
        const void *record = state_tree_at(find_rows(lists, list), position);
        if (record != NULL)
            *row = item_of(lists, record).row;
        return record != NULL;
    }
    Str items = items_of(list);
    const char *next = items.data;
    for (uint32_t i = 0; next != end_of(items); i++) {
        Item item = item_at(next);
        *row = item.row;
        if (i == position)
            return true;
        next = end_of(item.whole);
    }
    return false;
}

bool row_list_first(const RowLists *lists, const RowList *list, Str *row)
{
    return row_at(lists, list, 0, row);
}

bool row_list_second(const RowLists *lists, const RowList *list, Str *row)
{
    return row_at(lists, list, 1, row);
}

bool row_list_last(const RowLists *lists, const RowList *list, Str *row)
{
    if (is_in_tables(list)) {
        *row = item_of(lists, state_tree_last(find_rows(lists, list))).row;
        return true;
    }
    Str items = items_of(list);
    const char *next = items.data;
    while (next != end_of(items)) {
        Item item = item_at(next);
        *row = item.row;
        next = end_of(item.whole);
    }
    return items.length != 0;
}

/* ------------------------------------------------------------------- opening */

void row_lists_open(RowLists *lists, const OperatorContext *context, const char *description,
                    int64_t ttl_ms)
{
    static const uint32_t list_offset = 0;
    StateSpec list = {.name = "lists",
                      .kind = STATE_VALUE,
                      .record_bytes = sizeof(StringView),
                      .string_offsets = &list_offset,
                      .string_count = 1,
                      .description = description,
                      .ttl_ms = ttl_ms};
    StateSpec rows = {.name = "rows",
                      .kind = STATE_ORDERED,
                      .description = arena_printf(context->arena, "arrival -> %s", description),
                      .ttl_ms = ttl_ms};
    StateSpec places = {.name = "places",
                        .kind = STATE_ORDERED,
                        .description = "hash of row, arrival",
                        .ttl_ms = ttl_ms};
    lists->lists = state_table_declare(context->state, &list);
    lists->rows = state_table_declare(context->state, &rows);
    lists->places = state_table_declare(context->state, &places);
    lists->expires = ttl_ms != 0;
}

void row_lists_close(RowLists *lists)
{
    buffer_deinit(&lists->list);
    buffer_deinit(&lists->item);
}
