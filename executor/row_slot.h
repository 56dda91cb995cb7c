/* An encoded row inside a state record: what operators that keep a row per key store.
 *
 *     fixed-width rows   u64 present | row, rounded up to 8 bytes
 *     others             StringView of the encoded row; length 0: not present
 *
 * Invariant: a zeroed slot holds no row. An encoded row is never empty: it has a column. */
#ifndef EXECUTOR_ROW_SLOT_H
#define EXECUTOR_ROW_SLOT_H

#include "core/row.h"
#include "state/state.h"

typedef struct RowSlotShape {
    const RowLayout *layout;
    uint32_t fixed_bytes; /* 0: variable */
    uint32_t slot_bytes;  /* what the slot takes in the record */
} RowSlotShape;

static inline RowSlotShape row_slot_shape(const RowLayout *layout)
{
    uint32_t fixed = row_layout_fixed_bytes(layout);
    uint32_t bytes = fixed == 0 ? (uint32_t)sizeof(StringView)
                                : (uint32_t)(sizeof(uint64_t) + size_round_up(fixed, 8));
    return (RowSlotShape){layout, fixed, bytes};
}

/* The row in the slot; data NULL when there is none. Valid until the slot changes. */
static inline Str row_slot_get(const RowSlotShape *shape, const void *slot)
{
    if (shape->fixed_bytes == 0) {
        const StringView *view = slot;
        return view->length == 0 ? (Str){NULL, 0} : string_view_str(view);
    }
    const uint64_t *present = slot;
    return *present == 0 ? (Str){NULL, 0} : (Str){(const char *)(present + 1), shape->fixed_bytes};
}

/* Puts the row into the slot, in place of what was there. The caller touches the record. */
static inline void row_slot_set(const RowSlotShape *shape, StateTable *table, void *slot, Str row)
{
    assert(row.length != 0);
    if (shape->fixed_bytes == 0) {
        state_string_assign(table, slot, row);
        return;
    }
    assert(row.length == shape->fixed_bytes);
    *(uint64_t *)slot = 1;
    memcpy((uint64_t *)slot + 1, row.data, row.length);
}

static inline void row_slot_clear(const RowSlotShape *shape, StateTable *table, void *slot)
{
    if (shape->fixed_bytes == 0)
        state_string_assign(table, slot, (Str){"", 0});
    else
        memset(slot, 0, shape->slot_bytes);
}

/* "id INT, name STRING": for StateSpec.description. */
const char *row_slot_describe(Arena *arena, const Schema *schema);

/* Numbers the distinct records among records[0..count) by order of first appearance: which each is.
 */
uint32_t *row_slot_number(void *const *records, uint32_t count, Arena *arena, uint32_t *distinct);
/* The last row of each distinct record among records[0..count), by order of first appearance. */
uint32_t *row_slot_last_rows(void *const *records, uint32_t count, Arena *arena,
                             uint32_t *distinct);

#endif
