/* Tokens: kinds, texts and places; brackets; the sorted list of keywords; nearest words. */
#include "parser/lexer.h"
#include "tests/parser_testing.h"

START_TEST(test_keywords)
{
    for (Keyword keyword = KW_NONE + 2; keyword < KW_COUNT; keyword++) {
        const char *before = lexer_keyword_name(keyword - 1);
        const char *name = lexer_keyword_name(keyword);
        ck_assert_msg(strcasecmp(before, name) < 0, "%s stands before %s", before, name);
        ck_assert_int_eq(lexer_find_keyword(str_of(name)), keyword);
    }
    ck_assert_int_eq(lexer_find_keyword(STR("select")), KW_SELECT);
    ck_assert_int_eq(lexer_find_keyword(STR("selec")), KW_NONE);
    ck_assert_int_eq(lexer_find_keyword(STR("selects")), KW_NONE);
    ck_assert_int_eq(lexer_find_keyword(STR("")), KW_NONE);
}
END_TEST

/* Every token of the text: its kind's letter, its place, its text. */
static void print_tokens(Str text, Arena *arena, Buffer *out)
{
    static const char letters[] = "EWQNSBYH!";
    Tokens tokens;
    Error error = {0};
    if (!lexer_scan(text, 0, text.length, arena, &tokens, &error)) {
        buffer_append_text(out, error.message);
        return;
    }
    for (uint32_t i = 0; i <= tokens.count; i++) {
        const Token *token = &tokens.items[i];
        buffer_printf(out, "%s%c%zu", i == 0 ? "" : " ", letters[token->kind], token->offset);
        if (token->text != NULL)
            buffer_printf(out, ":%s", token->text);
        if (token->kind == TOKEN_SYMBOL)
            buffer_printf(out, ":%.*s", (int)token->length, text.data + token->offset);
        if (token->match != TOKEN_NONE)
            buffer_printf(out, "~%u", token->match);
        if (token->hint != NULL)
            buffer_printf(out, "+%zu", token->hint->length);
    }
}

START_TEST(test_tokens)
{
    static const GoldenTree cases[] = {
        {"", "E0"},
        {" a_1$ B\xc3\xa9", "W1:a_1$ W6:B\xc3\xa9 E9"},
        {"`a b` \"c\"\"d\" 'e''f'", "Q0:a b Q6:c\"d S13:e'f E19"},
        {"1 1.5 .5 1. 1e5 1.5E-3 1e", "trailing junk after number at or near \"1e\""},
        {"1 1.5 .5 1. 1e5 1.5E-3", "N0:1 N2:1.5 N6:.5 N9:1. N12:1e5 N16:1.5E-3 E22"},
        {"a.b a.1", "W0:a Y1:. W2:b W4:a N5:.1 E7"},
        {"x'0a' X'' e e'x' u u&'y'", "B0:\n B6: W10:e S12:x W17:u S19:y E24"},
        {"a--b\n/*c*/d/**/e", "W0:a W10:d W15:e E16"},
        {"a/*+ b */c", "W0:a+8 W9:c E10"},
        {"<><=>=!=||::=><>>", "Y0:<> Y2:<= Y4:>= Y6:!= Y8:|| Y10::: Y12:=> Y14:<> Y16:> E17"},
        {"f(a[1])", "W0:f Y1:(~6 W2:a Y3:[~5 N4:1 Y5:]~3 Y6:)~1 E7"},
        {"a\xc2\xa0"
         "b\xef\xbb\xbf",
         "W0:a W3:b E7"},
        {"a - -b", "W0:a Y2:- Y4:- W5:b E6"},
        {"(", "\"(\" is never closed"},
        {"a/*+b*//*+c*/", "a hint cannot stand here"},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        Arena *arena = arena_new(4096);
        Buffer found = {0};
        print_tokens(str_of(cases[i].sql), arena, &found);
        ck_assert_str_eq(buffer_text(&found), cases[i].tree);
        buffer_deinit(&found);
        arena_free(arena);
    }
}
END_TEST

START_TEST(test_escapes)
{
    static const GoldenTree cases[] = {
        {"E'\\b\\f\\n\\r\\t\\\\\\''", "S0:\b\f\n\r\t\\' E17"},
        {"E'\\u00e9\\U0001F600\\101'", "S0:\xc3\xa9\xf0\x9f\x98\x80"
                                       "A E23"},
        {"E'\\ud83d\\ude00'", "S0:\xf0\x9f\x98\x80 E15"},
        {"U&'\\0041\\+01F600\\\\'", "S0:A\xf0\x9f\x98\x80\\ E19"},
        {"E'\\u00'", "the escape lacks hexadecimal digits"},
        {"E'\\000'", "the escape is not a Unicode character"},
        {"E'\\377'", "an octal escape above \\177 is no character"},
        {"U&'\\110000'", "S0:\xe1\x84\x80"
                         "00 E11"},
        {"U&'\\+110000'", "the escape is not a Unicode character"},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        Arena *arena = arena_new(4096);
        Buffer found = {0};
        print_tokens(str_of(cases[i].sql), arena, &found);
        ck_assert_str_eq(buffer_text(&found), cases[i].tree);
        buffer_deinit(&found);
        arena_free(arena);
    }
}
END_TEST

START_TEST(test_nearest)
{
    static const char *const words[] = {"FROM", "WHERE", "GROUP", "OR"};
    const struct {
        Str word;
        const char *nearest;
    } cases[] = {{STR("form"), "FROM"},    {STR("WEHRE"), "WHERE"}, {STR("WHRE"), "WHERE"},
                 {STR("GRUOPP"), "GROUP"}, {STR("FROM"), NULL},     {STR("a"), NULL},
                 {STR("frm"), "FROM"},     {STR("xyzzy"), NULL},    {STR("fo"), NULL}};
    for (size_t i = 0; i < array_count(cases); i++) {
        const char *found = lexer_nearest_word(cases[i].word, words, array_count(words));
        if (cases[i].nearest == NULL)
            ck_assert_msg(found == NULL || strcmp(found, "OR") == 0, "%s", found);
        else
            ck_assert_str_eq(found, cases[i].nearest);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {test_keywords, test_tokens, test_escapes, test_nearest};
    return run_suite("lexer", tests, array_count(tests));
}
