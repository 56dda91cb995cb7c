/* Any bytes through the csv decoder; the first byte chooses the options. */
#include "tests/fuzz_format.h"

#include "core/arena.h"

extern const Format format_csv;

const char *const fuzz_seeds[] = {
    "@1,Ann,2.5,2024-01-02 03:04:05\n2,\"B \"\"b\"\"\",,\n",
    "Aid,name,score,at\r\n7,\"a\nb\",-1.25,2024-02-29\r\n",
    "B# comment\n1,a\\,b,3,\n'x','y''z'\n",
    "D\xEF\xBB\xBF 1 , \"x\" ,NULL,\n,,,,\n\n",
    "H\xC3\xA9,\xE2\x82\xAC,\xFF\n\"unclosed\n1,2,3,4",
    "@1,Ann,2.5,2024-01-02 03:04:05\n2,\"Bob, b\",,2024-01-02 03:04:05.125\n-3,,1,\n"
    "4,a name that is longer,4,2024-01-02 03:04:05\n5,\"q\"\"q\",5,\n6,f,6,2024-01-02 03:04:05\n"
    "7,g,7,2024-01-02 03:04:05\r\n8,\"h\",8,\"2024-01-02 03:04:05\"\r\n9,i,9,\n10,j,10,\n",
    NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Option items[6];
    uint32_t count = 0;
    if ((data[0] & 1) != 0)
        items[count++] = (Option){"csv.header", "true", -1, -1, -1, 0};
    if ((data[0] & 2) != 0) {
        items[count++] = (Option){"csv.escape-character", "\\", -1, -1, -1, 0};
        items[count++] = (Option){"csv.allow-comments", "true", -1, -1, -1, 0};
    }
    if ((data[0] & 4) != 0)
        items[count++] = (Option){"csv.trim-spaces", "true", -1, -1, -1, 0};
    if ((data[0] & 8) != 0)
        items[count++] = (Option){"csv.ignore-parse-errors", "true", -1, -1, -1, 0};
    if ((data[0] & 16) != 0)
        items[count++] = (Option){"csv.null-literal", "NULL", -1, -1, -1, 0};
    const Options options = {count, items};
    Type decimal = type_make(TYPE_DECIMAL, true, 8, 2);
    const Column columns[] = {
        {"id", &type_int}, {"name", &type_string}, {"score", &decimal}, {"at", &type_timestamp_3}};
    const Schema schema = {4, columns};
    const FormatContext context = {.schema = &schema, .options = &options, .name = "fuzz"};
    fuzz_format(&format_csv, &context, (Str){(const char *)data + 1, size - 1});
    return 0;
}
