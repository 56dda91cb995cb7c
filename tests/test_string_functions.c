/* Text functions and regular expressions, against results worked out by hand. */
#include "tests/function_case.h"

#define LONG "a text that does not fit a view"

static const FunctionCase pieces[] = {
    {"||", "STRING ab | STRING cd", "STRING abcd"},
    {"||", "CHAR(2) ab | CHAR(3) cde", "CHAR(5) abcde"},
    {"||", "VARCHAR(2) ab | CHAR(3) cde", "VARCHAR(5) abcde"},
    {"||", "STRING ab | STRING NULL", "STRING NULL"},
    {"||", "STRING ab | INT 1", "error: operator \"||\" does not take (STRING, INT)"},
    {"CONCAT", "STRING " LONG " | STRING , | STRING " LONG, "STRING " LONG "," LONG},
    {"CONCAT", "STRING a | STRING NULL", "STRING NULL"},
    {"CONCAT", "STRING a", "STRING a"},
    {"CONCAT_WS", "STRING - | STRING a | STRING NULL | STRING b", "STRING a-b"},
    {"CONCAT_WS", "STRING - | STRING NULL", "STRING "},
    {"CONCAT_WS", "STRING NULL | STRING a", "STRING NULL"},
    {"CHAR_LENGTH", "STRING grüße", "INT 5"},
    {"CHARACTER_LENGTH", "STRING ", "INT 0"},
    {"UPPER", "STRING Grüße, Welt, so geht es", "STRING GRÜSSE, WELT, SO GEHT ES"},
    {"UPPER", "STRING abc{z}", "STRING ABC{Z}"},
    {"LOWER", "STRING ÀÉ @[A]", "STRING àé @[a]"},
    {"SUBSTRING", "STRING hello | INT 2", "STRING ello"},
    {"SUBSTRING", "STRING hello | INT 2 | INT 3", "STRING ell"},
    {"SUBSTRING", "STRING hello | INT -3", "STRING llo"},
    {"SUBSTRING", "STRING hello | INT -3 | INT 2", "STRING ll"},
    {"SUBSTRING", "STRING hello | INT -9", "STRING "},
    {"SUBSTRING", "STRING hello | INT 0 | INT 2", "STRING he"},
    {"SUBSTRING", "STRING hello | INT 9", "STRING "},
    {"SUBSTRING", "STRING hello | INT 2 | INT -1", "STRING NULL"},
    {"SUBSTRING", "STRING hello | INT 2 | INT 2147483647", "STRING ello"},
    {"SUBSTRING", "STRING grüße | INT 3 | INT 2", "STRING üß"},
    {"SUBSTRING", "STRING grüße | INT -2", "STRING ße"},
    {"SUBSTR", "STRING " LONG " | INT 3", "STRING text that does not fit a view"},
    {"SUBSTRING", "STRING a", "error: function \"SUBSTRING\" does not take (STRING)"},
    {"LEFT", "STRING grüße | INT 3", "STRING grü"},
    {"LEFT", "STRING hello | INT -3", "STRING "},
    {"RIGHT", "STRING grüße | INT 3", "STRING üße"},
    {"RIGHT", "STRING hello | INT 99", "STRING hello"},
    {"TRIM", "STRING   x y  ", "STRING x y"},
    {"LTRIM", "STRING   x  ", "STRING x  "},
    {"RTRIM", "STRING   x  ", "STRING   x"},
    {"BTRIM", "STRING xyaxy | STRING yx", "STRING a"},
    {"TRIM", "STRING üaü | STRING ü", "STRING a"},
    {"LPAD", "STRING hi | INT 5 | STRING ab", "STRING abahi"},
    {"LPAD", "STRING hello | INT 2 | STRING x", "STRING he"},
    {"LPAD", "STRING hi | INT -1 | STRING x", "STRING NULL"},
    {"LPAD", "STRING hi | INT 3 | STRING ", "STRING NULL"},
    {"RPAD", "STRING hü | INT 5 | STRING äb", "STRING hüäbä"},
    {"LPAD", "STRING hi | INT 2000000000 | STRING x", "error: text longer than"},
    {"REPEAT", "STRING ab | INT 3", "STRING ababab"},
    {"REPEAT", "STRING ab | INT -3", "STRING "},
    {"REPEAT", "STRING ab | INT 2000000000", "error: text longer than"},
    {"REVERSE", "STRING grüße", "STRING eßürg"},
    {"INITCAP", "STRING hello wORLD 2nd über", "STRING Hello World 2nd Über"},
    {"OVERLAY", "STRING xxxxxtest | STRING xxxx | INT 6", "STRING xxxxxxxxx"},
    {"OVERLAY", "STRING xxxxxtest | STRING xxxx | INT 6 | INT 2", "STRING xxxxxxxxxst"},
    {"OVERLAY", "STRING abc | STRING ZZ | INT 9", "STRING abc"},
    {"OVERLAY", "STRING abc | STRING Z | INT 0", "STRING abc"},
};

static const FunctionCase searches[] = {
    {"POSITION", "STRING lo | STRING hello", "INT 4"},
    {"POSITION", "STRING ß | STRING grüße", "INT 4"},
    {"POSITION", "STRING x | STRING hello", "INT 0"},
    {"POSITION", "STRING  | STRING hello", "INT 1"},
    {"INSTR", "STRING hello | STRING l", "INT 3"},
    {"LOCATE", "STRING l | STRING hello | INT 4", "INT 4"},
    {"LOCATE", "STRING l | STRING hello | INT 5", "INT 0"},
    {"LOCATE", "STRING l | STRING hello | INT 0", "INT 0"},
    {"STARTSWITH", "STRING hello | STRING he", "BOOLEAN TRUE"},
    {"ENDSWITH", "STRING hello | STRING he", "BOOLEAN FALSE"},
    {"ENDSWITH", "STRING hello | STRING llo", "BOOLEAN TRUE"},
    {"REPLACE", "STRING hello | STRING l | STRING LL", "STRING heLLLLo"},
    {"REPLACE", "STRING hello | STRING x | STRING y", "STRING hello"},
    {"REPLACE", "STRING aaa | STRING aa | STRING b", "STRING ba"},
    {"REPLACE", "STRING ab | STRING  | STRING -", "STRING -a-b-"},
    {"REPLACE", "STRING " LONG " | STRING does not fit | STRING fits",
     "STRING a text that fits a view"},
    {"TRANSLATE", "STRING hello | STRING elx | STRING ip", "STRING hippo"},
    {"TRANSLATE", "STRING hello | STRING lo | STRING r", "STRING herr"},
    {"TRANSLATE", "STRING übel | STRING üe | STRING oö", "STRING oböl"},
    {"SPLIT_INDEX", "STRING a,b,,d | STRING , | INT 1", "STRING b"},
    {"SPLIT_INDEX", "STRING a,b,,d | STRING , | INT 2", "STRING "},
    {"SPLIT_INDEX", "STRING a,b,,d | STRING , | INT 3", "STRING d"},
    {"SPLIT_INDEX", "STRING a,b,,d | STRING , | INT 4", "STRING NULL"},
    {"SPLIT_INDEX", "STRING a,b | STRING , | INT -1", "STRING NULL"},
    {"SPLIT_INDEX", "STRING  | STRING , | INT 0", "STRING NULL"},
    {"SPLIT_INDEX", "STRING a, | STRING , | INT 1", "STRING "},
    {"SPLIT_INDEX", "STRING https://x/y/z | STRING / | INT 3", "STRING y"},
};

static const FunctionCase codes[] = {
    {"ASCII", "STRING abc", "INT 97"},
    {"ASCII", "STRING ", "INT 0"},
    {"CHR", "INT 97", "STRING a"},
    {"CHR", "INT 353", "STRING a"},
    {"CHR", "INT 233", "STRING é"},
    {"CHR", "INT -1", "STRING "},
    {"HEX", "INT 255", "STRING FF"},
    {"HEX", "BIGINT -1", "STRING FFFFFFFFFFFFFFFF"},
    {"HEX", "INT 0", "STRING 0"},
    {"HEX", "STRING aü", "STRING 61C3BC"},
    {"UNHEX", "STRING 61C3bc", "BYTES x'61c3bc'"},
    {"UNHEX", "STRING 6x", "BYTES NULL"},
    {"BIN", "INT 10", "STRING 1010"},
    {"BIN", "INT 0", "STRING 0"},
    {"TO_BASE64", "STRING hello world", "STRING aGVsbG8gd29ybGQ="},
    {"TO_BASE64", "STRING ", "STRING "},
    {"FROM_BASE64", "STRING aGVsbG8gd29ybGQ=", "STRING hello world"},
    {"FROM_BASE64", "STRING a===", "STRING NULL"},
    {"IS_DIGIT", "STRING 0123", "BOOLEAN TRUE"},
    {"IS_DIGIT", "STRING 01a", "BOOLEAN FALSE"},
    {"IS_DIGIT", "STRING ", "BOOLEAN FALSE"},
    {"IS_ALPHA", "STRING abü", "BOOLEAN TRUE"},
    {"IS_DECIMAL", "STRING -1.5e3", "BOOLEAN TRUE"},
    {"IS_DECIMAL", "STRING 1.5x", "BOOLEAN FALSE"},
};

static const FunctionCase regexps[] = {
    {"REGEXP", "STRING hello | STRING l+", "BOOLEAN TRUE"},
    {"REGEXP", "STRING hello | STRING ^l+", "BOOLEAN FALSE"},
    {"REGEXP", "STRING hello | STRING (l", "error: invalid regular expression \"(l\""},
    {"REGEXP_EXTRACT", "STRING foothebar | STRING foo(.*?)(bar) | INT 2", "STRING bar"},
    {"REGEXP_EXTRACT", "STRING foothebar | STRING foo(.*?)(bar)", "STRING foothebar"},
    {"REGEXP_EXTRACT", "STRING foothebar | STRING foo(.*?)(bar) | INT 3", "STRING NULL"},
    {"REGEXP_EXTRACT", "STRING foothebar | STRING x", "STRING NULL"},
    {"REGEXP_EXTRACT", "STRING a=1&channel_id=77 | STRING (&|^)channel_id=([^&]*) | INT 2",
     "STRING 77"},
    {"REGEXP_REPLACE", "STRING foobar | STRING oo|ar | STRING ", "STRING fb"},
    {"REGEXP_REPLACE", "STRING foobar | STRING o | STRING $1", "STRING f$1$1bar"},
    {"REGEXP_REPLACE", "STRING grü | STRING x* | STRING -", "STRING -g-r-ü-"},
    {"REGEXP_COUNT", "STRING abcabc | STRING b.", "INT 2"},
    {"REGEXP_COUNT", "STRING abcabc | STRING x", "INT 0"},
    {"REGEXP", "STRING aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab | STRING ^(a+)+$",
     "error: regular expression gave up"},
};

CHECK_CASES(pieces, "UTC")
CHECK_CASES(searches, "UTC")
CHECK_CASES(codes, "UTC")
CHECK_CASES(regexps, "UTC")

int main(void)
{
    Suite *suite = suite_create("string functions");
    TCase *tests = tcase_create("functions");
    tcase_add_test(tests, test_pieces);
    tcase_add_test(tests, test_searches);
    tcase_add_test(tests, test_codes);
    tcase_add_test(tests, test_regexps);
    suite_add_tcase(suite, tests);
    return cases_main(suite);
}
