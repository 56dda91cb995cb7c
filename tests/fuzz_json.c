/* Any bytes through the json and debezium-json decoders; the first byte chooses format and options.
 */
#include "tests/fuzz_format.h"

#include "core/arena.h"

extern const Format format_json, format_debezium_json;

const char *const fuzz_seeds[] = {
    "@{\"id\":1,\"name\":\"A\\u00e9\\n\",\"list\":[1,null,-3]}\n{\"id\":2}\n",

    "B{\"id\":9223372036854775807,\"row\":{\"x\":1.5e3,\"m\":{\"k\":\"v\"}}}{\"id\":3}",

    "@{\n \"id\" : 4,\n \"row\" : {\"x\":true},\n \"name\" : [\"}\", {}]\n}\n\nnull\n",
    "A{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"op\":\"c\"}\n"
    "{\"before\":{\"id\":1},\"after\":{\"id\":2},\"op\":\"u\"}\n",
    "C{\"op\":\"u\",\"after\":{\"id\":2},\"before\":{\"id\":1}}\n{\"before\":{\"id\":"
    "5},\"op\":\"d\"}",

    "B\xEF\xBB\xBF{\"name\":\"\xC3\xA9\\ud83d\\ude00\\\"\"}\nbad\n{\"list\":[[\n{\"id\":1}",
    "@{\"id\":1,\"name\":\"Ann\"}\n{\"id\":12,\"name\":\"Bob \\\"b\\\"\"}\n"
    "{\"id\":-3,\"name\":\"a name that is longer\"}\n{\"id\":4,\"name\":null}\n"
    "{\"id\":5,\"name\":\"e\"}\n{\"name\":\"f\"}\n{\"id\":7,\"name\":\"g\"}\n"
    "{\"id\":8,\"name\":\"h\"}\n{\"id\":9,\"name\":\"i\"}\n{\"id\":10,\"name\":\"j\"}\n",
    NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool debezium = (data[0] & 1) != 0;
    const Option items[] = {
        {.key = debezium ? "debezium-json.ignore-parse-errors" : "json.ignore-parse-errors",
         .value = "true",
         .sql_offset = -1,
         .sql_length = -1}};
    const Options options = {(data[0] & 2) != 0 ? 1 : 0, items};
    Arena *arena = arena_new(0);
    const Type *list = type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, &type_int}, 1);
    const Type *map = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_string}, {NULL, &type_string}}, 2);
    const Type *row =
        type_new_nested(arena, TYPE_ROW, true, (TypeField[]){{"x", &type_double}, {"m", map}}, 2);
    const Column columns[] = {
        {"id", &type_bigint}, {"name", &type_string}, {"list", list}, {"row", row}};
    const Schema schema = {4, columns};
    const FormatContext context = {.schema = &schema, .options = &options, .name = "fuzz"};
    fuzz_format(debezium ? &format_debezium_json : &format_json, &context,
                (Str){(const char *)data + 1, size - 1});
    arena_free(arena);
    return 0;
}
