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

static const FunctionCase hashes[] = {
    {"MD5", "STRING grüße", "STRING fee40dc24d0ad6a90c608052aa4e9e66"},
    {"SHA1", "STRING grüße", "STRING cd56cb0ac45690731afed77ff66655dfdf8576da"},
    {"SHA224", "STRING grüße", "STRING 345049a1fffe9e3b73c5ae5b1f6712c21a7b9cdfef7400b834ef5bd2"},
    {"SHA256", "STRING grüße",
     "STRING 8285d1ad84c6b6e475d3b50dbf90389c8c7a07a278d9ae46d5698cbe872e3834"},
    {"SHA384", "STRING grüße",
     "STRING "
     "3cb0433a40379ce95ab87b70287791b17f74cabeccbeb0aab41a0f0182fbe5aad04386093f019880a585937b856ec"
     "996"},
    {"SHA512", "STRING grüße",
     "STRING "
     "9679a9fbb3fdb1f6c9507d383667a54f32189d0bff5c99e241074c031369a0cd72bdada053b9edc625f730e6bb09c"
     "7dc84f0930d4b80606beea4e01cd232b4ff"},
    {"MD5", "STRING ", "STRING d41d8cd98f00b204e9800998ecf8427e"},
    {"MD5", "STRING NULL", "STRING NULL"},
    {"SHA2", "STRING a | INT 256",
     "STRING ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
    {"SHA2", "STRING a | INT 512",
     "STRING "
     "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210"
     "546f369fbbbce8c12cfc7957b2652fe9a75"},
    {"SHA2", "STRING a | INT NULL", "STRING NULL"},
    {"SHA2", "STRING a | INT 1", "error: SHA2 has no length of 1 bits"},
};

static const FunctionCase addresses[] = {
    {"URL_ENCODE", "STRING a b/ü?*", "STRING a+b%2F%C3%BC%3F*"},
    {"URL_DECODE", "STRING a+b%2F%c3%BC%3F*", "STRING a b/ü?*"},
    {"URL_DECODE", "STRING 100%", "STRING NULL"},
    {"URL_DECODE", "STRING %4", "STRING NULL"},
    {"URL_DECODE", "STRING %zz", "STRING NULL"},
    {"URL_DECODE", "STRING %FF", "STRING NULL"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING HOST",
     "STRING db.example.com"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING PATH",
     "STRING /a/b.php"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING QUERY",
     "STRING x=1&yy=two&y=3"},
    {"PARSE_URL", "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING REF",
     "STRING top"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING PROTOCOL",
     "STRING http"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING AUTHORITY",
     "STRING me:pw@db.example.com:8080"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING FILE",
     "STRING /a/b.php?x=1&yy=two&y=3"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING USERINFO",
     "STRING me:pw"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING host",
     "STRING NULL"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING QUERY | STRING y",
     "STRING 3"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING QUERY | STRING "
     "yy",
     "STRING two"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING QUERY | STRING z",
     "STRING NULL"},
    {"PARSE_URL",
     "STRING http://me:pw@db.example.com:8080/a/b.php?x=1&yy=two&y=3#top | STRING HOST | STRING y",
     "STRING NULL"},
    {"PARSE_URL", "STRING http://h | STRING PATH", "STRING "},
    {"PARSE_URL", "STRING http://h | STRING QUERY", "STRING NULL"},
    {"PARSE_URL", "STRING http://[::1]:80/ | STRING HOST", "STRING [::1]"},
    {"PARSE_URL", "STRING mailto:a@b.c | STRING PATH", "STRING a@b.c"},
    {"PARSE_URL", "STRING no url | STRING HOST", "STRING NULL"},
    {"PARSE_URL", "STRING  | STRING HOST", "STRING NULL"},
    {"INET_ATON", "STRING 127.0.0.1", "BIGINT 2130706433"},
    {"INET_ATON", "STRING 255.255.255.255", "BIGINT 4294967295"},
    {"INET_ATON", "STRING 127.1", "BIGINT 2130706433"},
    {"INET_ATON", "STRING 1.2.3.256", "BIGINT NULL"},
    {"INET_ATON", "STRING 1.2.3.4.5", "BIGINT NULL"},
    {"INET_ATON", "STRING 1..2", "BIGINT NULL"},
    {"INET_ATON", "STRING ", "BIGINT NULL"},
    {"INET_ATON", "STRING 7", "BIGINT 7"},
    {"INET_NTOA", "BIGINT 2130706433", "STRING 127.0.0.1"},
    {"INET_NTOA", "INT 0", "STRING 0.0.0.0"},
    {"INET_NTOA", "BIGINT -1", "STRING NULL"},
    {"INET_NTOA", "BIGINT 4294967296", "STRING NULL"},
    {"ELT", "INT 2 | STRING a | STRING b", "STRING b"},
    {"ELT", "INT 2 | STRING NULL | STRING b", "STRING b"},
    {"ELT", "INT 1 | STRING NULL | STRING b", "STRING NULL"},
    {"ELT", "INT 3 | STRING a | STRING b", "STRING NULL"},
    {"ELT", "INT NULL | STRING a", "STRING NULL"},
    {"ELT", "INT 0 | STRING a", "STRING NULL"},
    {"TYPEOF", "DECIMAL(10,2) 1.00", "STRING DECIMAL(10, 2)"},
    {"TYPEOF", "STRING NULL", "STRING STRING"},
};

static const FunctionCase jsons[] = {
    {"JSON_VALUE", "STRING {\"a\": 1 | STRING $.a | !STRING ERROR | !STRING ON | !STRING ERROR",
     "error: JSON_VALUE: the text is no JSON"},
    {"JSON_VALUE", "STRING {} | STRING lax $.a | !STRING ERROR | !STRING ON | !STRING EMPTY",
     "error: JSON_VALUE: there is nothing"},
    {"JSON_VALUE", "STRING {} | STRING $.a | !STRING ERROR | !STRING ON | !STRING ERROR",
     "error: JSON_VALUE: the path leads nowhere"},
    {"JSON_VALUE", "STRING {\"a\": [2]} | STRING $.a[0]", "STRING 2"},
    {"JSON_VALUE",
     "STRING {\"a\": [2]} | STRING $.a[1] | !STRING DEFAULT | STRING x | "
     "!STRING ON | !STRING ERROR",
     "STRING x"},
    {"JSON_VALUE", "STRING {\"a\": 3000000000} | STRING $.a | !STRING RETURNING | !STRING INTEGER",
     "INT NULL"},
    {"JSON_VALUE", "STRING {\"a\": 3000000000} | STRING $.a | !STRING RETURNING | !STRING BIGINT",
     "BIGINT 3000000000"},
    {"JSON_QUERY", "STRING [[1, 2], [3]] | STRING $[*][0]", "STRING [1,3]"},
    {"JSON_EXISTS", "STRING NULL | STRING $", "BOOLEAN NULL"},
    {"JSON_UNQUOTE", "STRING \"a\\u00e9", "STRING \"a\\u00e9"},
    {"JSON_UNQUOTE", "STRING \"a\\u00e9\"", "STRING aé"},
};

static const FunctionCase regexps[] = {
    {"REGEXP_SUBSTR", "STRING grüße 42 und 7 | STRING [0-9]+", "STRING 42"},
    {"REGEXP_SUBSTR", "STRING x | STRING [0-9]+", "STRING NULL"},
    {"REGEXP_INSTR", "STRING grüße 42 | STRING [0-9]+", "INT 7"},
    {"REGEXP_INSTR", "STRING x | STRING [0-9]+", "INT 0"},
    {"REGEXP_INSTR", "STRING x | STRING NULL", "INT NULL"},

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
CHECK_CASES(hashes, "UTC")
CHECK_CASES(addresses, "UTC")
CHECK_CASES(jsons, "UTC")
CHECK_CASES(regexps, "UTC")

int main(void)
{
    Suite *suite = suite_create("string functions");
    TCase *tests = tcase_create("functions");
    tcase_add_test(tests, test_pieces);
    tcase_add_test(tests, test_searches);
    tcase_add_test(tests, test_codes);
    tcase_add_test(tests, test_hashes);
    tcase_add_test(tests, test_addresses);
    tcase_add_test(tests, test_jsons);
    tcase_add_test(tests, test_regexps);
    suite_add_tcase(suite, tests);
    return cases_main(suite);
}
