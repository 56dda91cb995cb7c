/* Rows kept per key: see row_slot.h. */
#include "executor/row_slot.h"

const char *row_slot_describe(Arena *arena, const Schema *schema)
{
    Buffer text = {0};
    for (uint32_t c = 0; c < schema->column_count; c++) {
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", schema->columns[c].name);
        type_print(schema->columns[c].type, &text);
    }
    char *copy = arena_strdup(arena, buffer_text(&text));
    buffer_deinit(&text);
    return copy;
}

uint32_t *row_slot_number(void *const *records, uint32_t count, Arena *arena, uint32_t *distinct)
{
    uint32_t *numbers = arena_alloc(arena, sizeof(uint32_t) * (count + 1));
    uint32_t mask = 1;
    while (mask < count * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(arena, sizeof(uint32_t) * mask); /* a row of it + 1 */
    mask--;
    *distinct = 0;
    for (uint32_t row = 0; row < count; row++) {
        /* Records are aligned to 8; the multiplication spreads neighbours. */
        uint64_t spread = (uint64_t)(uintptr_t)records[row] * UINT64_C(0x9E3779B97F4A7C15);
        uint32_t at = (uint32_t)(spread >> 40) & mask;
        while (slots[at] != 0 && records[slots[at] - 1] != records[row])
            at = (at + 1) & mask;
        numbers[row] = slots[at] == 0 ? (*distinct)++ : numbers[slots[at] - 1];
        slots[at] = slots[at] == 0 ? row + 1 : slots[at];
    }
    return numbers;
}

uint32_t *row_slot_last_rows(void *const *records, uint32_t count, Arena *arena, uint32_t *distinct)
{
    const uint32_t *numbers = row_slot_number(records, count, arena, distinct);
    uint32_t *last = arena_alloc(arena, sizeof(uint32_t) * (*distinct + 1));
    for (uint32_t row = 0; row < count; row++)
        last[numbers[row]] = row;
    return last;
}
