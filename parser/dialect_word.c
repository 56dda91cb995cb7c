/* What a bare word is: a keyword for PostgreSQL, the head of a construct to rewrite, or a name.
 *
 * The decision looks at the neighbours and at the frame only, never further, so that it can be
 * told in a line each. */
#include "core/str.h"
#include "parser/dialect.h"

#include <string.h>

static bool dialect_keyword(Dialect *dialect, uint32_t *at)
{
    dialect_put(dialect, *at, lexer_keyword_name(dialect->parser->tokens.items[*at].keyword));
    (*at)++;
    return true;
}

static bool dialect_name(Dialect *dialect, uint32_t *at)
{
    dialect_write_name(dialect, (*at)++);
    return true;
}

/* A name; with "(" behind it possibly a call that needs parentheses around it. */
void dialect_write_name(Dialect *dialect, uint32_t token)
{
    if (dialect_is_symbol(dialect, token + 1, '(') && dialect_needs_wrap(dialect, token + 1))
        dialect_put(dialect, token, "(");
    dialect_put_holder(dialect, 'i', token);
}

static bool dialect_keyword_if(Dialect *dialect, uint32_t *at, bool keyword)
{
    return keyword ? dialect_keyword(dialect, at) : dialect_name(dialect, at);
}

static bool dialect_in_window(Dialect *dialect)
{
    return dialect_frame(dialect)->kind == FRAME_WINDOW;
}

/* ------------------------------------------------------------------------ expressions */

/* TRUE, FALSE and NULL are literals but behind IS [NOT]. */
static bool dialect_write_truth(Dialect *dialect, uint32_t *at)
{
    bool test =
        dialect_is_word(dialect, *at - 1, KW_IS) ||
        (dialect_is_word(dialect, *at - 1, KW_NOT) && dialect_is_word(dialect, *at - 2, KW_IS));
    if (dialect->parser->tokens.items[*at].keyword == KW_UNKNOWN)
        return dialect_keyword_if(dialect, at, test);
    if (test)
        return dialect_keyword(dialect, at);
    dialect_put_holder(dialect, 'l', (*at)++);
    return true;
}

/* CURRENT_DATE and its like are calls without parentheses, unless they are an alias. */
static bool dialect_write_niladic(Dialect *dialect, uint32_t *at)
{
    if (dialect_is_symbol(dialect, *at + 1, '(') || dialect_is_word(dialect, *at - 1, KW_AS))
        return dialect_name(dialect, at);
    dialect_put_holder(dialect, 'c', (*at)++);
    return true;
}

/* IS [NOT] DISTINCT FROM has the precedence of = in Flink; the other tests are PostgreSQL's. */
static bool dialect_write_is(Dialect *dialect, uint32_t *at)
{
    if (!dialect_add_cost(dialect, *at, 2))
        return false;
    uint32_t distinct = *at + 1;
    if (dialect_is_word(dialect, distinct, KW_NOT))
        distinct++;
    if (!dialect_is_word(dialect, distinct, KW_DISTINCT) ||
        !dialect_is_word(dialect, distinct + 1, KW_FROM))
        return dialect_keyword(dialect, at);
    dialect_put(dialect, *at, "=");
    *at = distinct + 2;
    return true;
}

static bool dialect_write_case(Dialect *dialect, uint32_t *at)
{
    if (dialect->case_count == array_count(dialect->cases)) {
        const Token *token = &dialect->parser->tokens.items[*at];
        error_set(dialect->parser->error, ERROR_LIMIT, "CASE is nested more than %d levels deep",
                  NESTING_MAX);
        return error_at(dialect->parser->error, (int64_t)token->offset, (int64_t)token->length);
    }
    dialect->cases[dialect->case_count++] = *at;
    return dialect_add_cost(dialect, *at, CASE_COST) && dialect_keyword(dialect, at);
}

static bool dialect_write_end(Dialect *dialect, uint32_t *at)
{
    Frame *frame = dialect_frame(dialect);
    if (dialect->case_count > frame->case_base) {
        Token *tokens = dialect->parser->tokens.items;
        uint32_t begin = dialect->cases[--dialect->case_count];
        tokens[begin].match = *at;
        tokens[*at].match = begin;
        if (frame->cost >= frame->cost_base + CASE_COST)
            frame->cost -= CASE_COST - 1;
    }
    return dialect_keyword(dialect, at);
}

static bool dialect_write_cast_word(Dialect *dialect, uint32_t *at)
{
    bool call = dialect_is_symbol(dialect, *at + 1, '(');
    if (!call && dialect->parser->tokens.items[*at].keyword == KW_TRY_CAST)
        return dialect_name(dialect, at);
    if (call && dialect_needs_wrap(dialect, *at + 1))
        dialect_put(dialect, *at, "(");
    dialect_put(dialect, (*at)++, "CAST");
    return true;
}

/* CAST(x AS type): the type up to the closing parenthesis is ours. */
static bool dialect_write_as(Dialect *dialect, uint32_t *at)
{
    Frame *frame = dialect_frame(dialect);
    if (frame->kind != FRAME_CAST)
        return dialect_keyword(dialect, at);
    Parser *parser = dialect->parser;
    uint32_t close = parser->tokens.items[frame->open].match;
    uint32_t type = *at + 1;
    dialect_put(dialect, *at, "AS");
    uint32_t next = parser->next;
    uint32_t limit = parser->limit;
    parser->next = type;
    parser->limit = close;
    Token *token = &parser->tokens.items[type];
    token->type = parser_read_type(parser);
    bool fine = token->type != NULL && parser_expect_end(parser);
    parser->next = next;
    parser->limit = limit;
    if (!fine)
        return false;
    token->last = close - 1;
    dialect_put_holder(dialect, 't', type);
    *at = close;
    return true;
}

static bool dialect_write_collection(Dialect *dialect, uint32_t *at)
{
    uint32_t open = *at + 1;
    bool map = dialect->parser->tokens.items[*at].keyword == KW_MAP;
    if (!map && dialect_is_symbol(dialect, open, '(') &&
        dialect_is_word(dialect, open + 1, KW_SELECT))
        return parser_fail_unsupported(dialect->parser, *at, open, "ARRAY of a subquery",
                                       "Use ARRAY_AGG in the subquery.");
    if (!dialect_is_symbol(dialect, open, '['))
        return dialect_name(dialect, at);
    bool wraps = dialect_needs_wrap(dialect, open);
    if (wraps)
        dialect_put(dialect, *at, "(");
    dialect_put_holder(dialect, map ? 'm' : 'y', *at);
    dialect_put(dialect, open, "(");
    if (!dialect_push(dialect, FRAME_LIST, open, 5))
        return false;
    dialect_frame(dialect)->wraps = wraps;
    *at = open + 1;
    return true;
}

/* ROW( … ) is PostgreSQL's; CURRENT ROW, 5 ROW ONLY too; else a name. */
static bool dialect_write_row(Dialect *dialect, uint32_t *at)
{
    if (dialect_is_symbol(dialect, *at + 1, '(')) {
        if (dialect_needs_wrap(dialect, *at + 1))
            dialect_put(dialect, *at, "(");
        return dialect_keyword(dialect, at);
    }
    bool frame = dialect_in_window(dialect) && dialect_is_word(dialect, *at - 1, KW_CURRENT);
    return dialect_keyword_if(dialect, at, frame || dialect_frame(dialect)->clause == CLAUSE_LIMIT);
}

/* FROM, FOR, PLACING, IN and TO inside EXTRACT, SUBSTRING, …: they part arguments. True when the
 * word was one of those. */
static bool dialect_write_parting(Dialect *dialect, uint32_t *at)
{
    const Frame *frame = dialect_frame(dialect);
    Keyword word = dialect->parser->tokens.items[*at].keyword;
    bool parts = false;
    switch (frame->special) {
    case KW_EXTRACT:
        parts = word == KW_FROM;
        break;
    case KW_TRIM:
        parts = word == KW_FROM;
        break;
    case KW_POSITION:
        parts = word == KW_IN;
        break;
    case KW_SUBSTRING:
        parts = word == KW_FROM || word == KW_FOR;
        break;
    case KW_OVERLAY:
        parts = word == KW_FROM || word == KW_FOR || word == KW_PLACING;
        break;
    default:
        break;
    }
    if (!parts)
        return false;
    bool leading = *at == frame->open + 1 || dialect_is_word(dialect, *at - 1, KW_BOTH) ||
                   dialect_is_word(dialect, *at - 1, KW_LEADING) ||
                   dialect_is_word(dialect, *at - 1, KW_TRAILING);
    if (frame->special == KW_TRIM) {
        /* The tree turns the arguments round: what to trim stands second there. */
        dialect->parser->tokens.items[frame->callee].interval = leading ? 0 : 1;
        if (leading && *at != frame->open + 1) {
            (*at)++;
            return true;
        }
    }
    dialect_put(dialect, (*at)++, ",");
    return true;
}

/* FLOOR(x TO DAY) */
static bool dialect_write_to(Dialect *dialect, uint32_t *at)
{
    Keyword special = dialect_frame(dialect)->special;
    bool rounds = special == KW_FLOOR || special == KW_CEIL || special == KW_CEILING;
    if (!rounds)
        return dialect_keyword_if(dialect, at, dialect_is_word(dialect, *at - 1, KW_SIMILAR));
    dialect_put(dialect, (*at)++, ",");
    if (parser_time_unit(parser_token(dialect->parser, *at)) == NULL)
        return parser_fail_unit(dialect->parser, *at);
    dialect_put_holder(dialect, 'u', (*at)++);
    return true;
}

/* TRIM(BOTH …): the tree reads the word off the token behind the parenthesis. */
static bool dialect_write_trim_side(Dialect *dialect, uint32_t *at)
{
    const Frame *frame = dialect_frame(dialect);
    bool alone = dialect_is_symbol(dialect, *at + 1, ')') ||
                 dialect_is_symbol(dialect, *at + 1, ',') ||
                 dialect_is_symbol(dialect, *at + 1, '.');
    if (frame->special != KW_TRIM || *at != frame->open + 1 || alone)
        return dialect_name(dialect, at);
    (*at)++;
    return true;
}

/* f(x) IGNORE NULLS and f(x IGNORE NULLS) mark the function's name. */
static bool dialect_write_nulls_treatment(Dialect *dialect, uint32_t *at)
{
    Token *tokens = dialect->parser->tokens.items;
    uint32_t callee = TOKEN_NONE;
    if (dialect_is_word(dialect, *at + 1, KW_NULLS)) {
        if (dialect_is_symbol(dialect, *at - 1, ')'))
            callee = tokens[*at - 1].match - 1;
        else if (dialect_frame(dialect)->kind == FRAME_CALL &&
                 dialect_is_symbol(dialect, *at + 2, ')'))
            callee = dialect_frame(dialect)->callee;
    }
    if (callee == TOKEN_NONE || callee < dialect->first || !parser_is_name(&tokens[callee]))
        return dialect_name(dialect, at);
    tokens[callee].ignore_nulls = tokens[*at].keyword == KW_IGNORE;
    *at += 2;
    return true;
}

static bool dialect_is_quantifier(const Dialect *dialect, uint32_t token)
{
    const Token *before = parser_token(dialect->parser, token - 1);
    bool compares = before->kind == TOKEN_SYMBOL && strchr("=<>", (int)(before->symbol & 0x7f));
    return compares && dialect_is_symbol(dialect, token + 1, '(');
}

/* ANY, SOME and ALL of a query are PostgreSQL's; a list of values is marked as an array. */
static bool dialect_write_quantifier(Dialect *dialect, uint32_t *at)
{
    uint32_t word = *at, open = *at + 1;
    dialect_keyword(dialect, at);
    if (dialect_holds_query(dialect, open))
        return true;
    dialect_put(dialect, open, "(");
    dialect_put_holder(dialect, 'y', word);
    dialect_put(dialect, open, "(");
    if (!dialect_push(dialect, FRAME_LIST, open, 5))
        return false;
    dialect_frame(dialect)->wraps = true;
    *at = open + 1;
    return true;
}

/* ----------------------------------------------------------------------------- clauses */

static bool dialect_write_select(Dialect *dialect, uint32_t *at)
{
    uint32_t select = *at;
    Frame *frame = dialect_frame(dialect);
    frame->clause = CLAUSE_SELECT;
    frame->select = select;
    dialect_keyword(dialect, at);
    if (dialect_is_word(dialect, *at, KW_DISTINCT) && dialect_is_word(dialect, *at + 1, KW_ON) &&
        dialect_is_symbol(dialect, *at + 2, '('))
        return parser_fail_unsupported(
            dialect->parser, *at, *at + 1, "SELECT DISTINCT ON",
            "Number the rows with ROW_NUMBER() OVER (PARTITION BY … ORDER BY …) and keep the "
            "first.");
    if (dialect_is_word(dialect, *at, KW_DISTINCT) || dialect_is_word(dialect, *at, KW_ALL))
        dialect_keyword(dialect, at);
    dialect_put_holder(dialect, 's', select);
    dialect_put(dialect, *at < dialect->end ? *at : select, ",");
    return true;
}

static bool dialect_write_qualify(Dialect *dialect, uint32_t *at)
{
    dialect_end_clause(dialect, *at);
    Frame *frame = dialect_frame(dialect);
    dialect_put(dialect, *at, frame->has_window ? "," : "WINDOW");
    dialect_put_holder(dialect, 'q', *at);
    dialect_put(dialect, (*at)++, "AS ( PARTITION BY");
    frame->clause = CLAUSE_QUALIFY;
    return true;
}

/* Keywords that begin a clause; the clause before ends at them. */
static bool dialect_write_clause(Dialect *dialect, uint32_t *at, Clause clause)
{
    dialect_end_clause(dialect, *at);
    Frame *frame = dialect_frame(dialect);
    frame->clause = clause;
    if (clause == CLAUSE_WINDOW)
        frame->has_window = true;
    if (clause == CLAUSE_VALUES)
        frame->select = *at;
    return dialect_keyword(dialect, at);
}

static bool dialect_write_with(Dialect *dialect, uint32_t *at)
{
    if (dialect_is_word(dialect, *at + 1, KW_RECURSIVE))
        return parser_fail_unsupported(dialect->parser, *at, *at + 1, "WITH RECURSIVE",
                                       "Join as many levels as there can be, one with the next.");
    const Token *next = parser_token(dialect->parser, *at + 1);
    if (next->kind == TOKEN_WORD && dialect_frame(dialect)->clause == CLAUSE_LIMIT)
        return parser_fail_unsupported(dialect->parser, *at, *at + 1, "FETCH … WITH TIES",
                                       "Use ROWS ONLY.");
    return dialect_keyword(dialect, at);
}

/* Words that are keywords only where their neighbours make them so. */
static bool dialect_write_contextual(Dialect *dialect, uint32_t *at)
{
    uint32_t next = *at + 1;
    uint32_t before = *at - 1;
    const Frame *frame = dialect_frame(dialect);
    bool limit = frame->clause == CLAUSE_LIMIT;
    bool keyword = false;
    switch (dialect->parser->tokens.items[*at].keyword) {
    case KW_FULL:
        keyword =
            dialect_is_word(dialect, next, KW_JOIN) || dialect_is_word(dialect, next, KW_OUTER);
        break;
    case KW_ORDINALITY:
        keyword = dialect_is_word(dialect, before, KW_WITH);
        break;
    case KW_FILTER:
        keyword = dialect_is_symbol(dialect, before, ')') && dialect_is_symbol(dialect, next, '(');
        keyword = keyword || (dialect_is_word(dialect, before, KW_NULLS) &&
                              dialect_is_symbol(dialect, next, '('));
        break;
    case KW_PARTITION:
        keyword = dialect_is_word(dialect, next, KW_BY);
        break;
    case KW_RANGE:
    case KW_UNBOUNDED:
    case KW_PRECEDING:
    case KW_FOLLOWING:
    case KW_CURRENT:
        keyword = frame->kind == FRAME_WINDOW;
        break;
    case KW_ROWS:
        keyword = frame->kind == FRAME_WINDOW || limit;
        break;
    case KW_FIRST:
    case KW_LAST:
        keyword = dialect_is_word(dialect, before, KW_NULLS) ||
                  (limit && dialect_is_word(dialect, before, KW_FETCH));
        break;
    case KW_NEXT:
    case KW_ONLY:
        keyword = limit;
        break;
    case KW_NULLS:
        keyword =
            dialect_is_word(dialect, next, KW_FIRST) || dialect_is_word(dialect, next, KW_LAST);
        break;
    case KW_SYMMETRIC:
    case KW_ASYMMETRIC:
        keyword = dialect_is_word(dialect, before, KW_BETWEEN);
        break;
    case KW_SIMILAR:
        keyword = dialect_is_word(dialect, next, KW_TO);
        break;
    case KW_GROUPING:
        keyword = dialect_is_word(dialect, next, KW_SETS);
        break;
    case KW_SETS:
        keyword = dialect_is_word(dialect, before, KW_GROUPING);
        break;
    case KW_ROLLUP:
    case KW_CUBE:
        keyword = dialect_is_symbol(dialect, next, '(') &&
                  (frame->clause == CLAUSE_GROUP || frame->kind == FRAME_SETS);
        break;
    case KW_OVERLAPS:
        keyword = dialect_is_symbol(dialect, before, ')') && dialect_is_symbol(dialect, next, '(');
        break;
    default:
        break;
    }
    return dialect_keyword_if(dialect, at, keyword);
}

static bool dialect_write_reserved(Dialect *dialect, uint32_t *at)
{
    Parser *parser = dialect->parser;
    switch (parser->tokens.items[*at].keyword) {
    case KW_MATCH_RECOGNIZE:
        return parser_fail_unsupported(parser, *at, *at, "MATCH_RECOGNIZE",
                                       "LAG and LEAD with OVER compare a row with those around it; "
                                       "SESSION windows group rows that are near in time.");
    case KW_TABLESAMPLE:
        return parser_fail_unsupported(parser, *at, *at, "TABLESAMPLE",
                                       "WHERE RAND() < 0.1 takes about a tenth of the rows.");
    case KW_FOR:
        return dialect_is_word(dialect, *at + 1, KW_SYSTEM_TIME)
                   ? dialect_write_as_of(dialect, at)
                   : parser_fail_at(parser, *at, NULL, 0, NULL);
    case KW_TABLE:
        return dialect_write_table_word(dialect, at);
    default:
        return parser_fail_at(parser, *at, NULL, 0, NULL);
    }
}

static bool dialect_write_structural(Dialect *dialect, uint32_t *at)
{
    switch (dialect->parser->tokens.items[*at].keyword) {
    case KW_SELECT:
        return dialect_write_select(dialect, at);
    case KW_FROM:
        return dialect_write_clause(dialect, at, CLAUSE_FROM);
    case KW_WHERE:
    case KW_HAVING:
    case KW_ORDER:
        return dialect_write_clause(dialect, at, CLAUSE_OTHER);
    case KW_GROUP:
        return dialect_write_clause(dialect, at, CLAUSE_GROUP);
    case KW_WINDOW:
        return dialect_write_clause(dialect, at, CLAUSE_WINDOW);
    case KW_LIMIT:
    case KW_OFFSET:
    case KW_FETCH:
        return dialect_write_clause(dialect, at, CLAUSE_LIMIT);
    case KW_VALUES:
        return dialect_write_clause(dialect, at, CLAUSE_VALUES);
    case KW_UNION:
    case KW_INTERSECT:
    case KW_EXCEPT:
        return dialect_write_clause(dialect, at, CLAUSE_NONE);
    case KW_QUALIFY:
        return dialect_write_qualify(dialect, at);
    case KW_WITH:
        return dialect_write_with(dialect, at);
    case KW_IS:
        return dialect_write_is(dialect, at);
    case KW_CASE:
        return dialect_write_case(dialect, at);
    case KW_END:
        return dialect_write_end(dialect, at);
    case KW_CAST:
        return dialect_write_cast_word(dialect, at);
    case KW_AS:
        return dialect_write_as(dialect, at);
    case KW_LEFT:
    case KW_RIGHT:
        return dialect_keyword_if(dialect, at, !dialect_is_symbol(dialect, *at + 1, '('));
    case KW_AND:
    case KW_OR:
        dialect_begin_operand(dialect);
        return dialect_keyword(dialect, at);
    case KW_JOIN:
        dialect->chain_count++;
        dialect_begin_operand(dialect);
        return dialect_keyword(dialect, at);
    case KW_NOT:
    case KW_LIKE:
    case KW_BETWEEN:
    case KW_IN:
        return dialect_add_cost(dialect, *at, 2) && dialect_keyword(dialect, at);
    case KW_ALL:
        return dialect_is_quantifier(dialect, *at) ? dialect_write_quantifier(dialect, at)
                                                   : dialect_keyword(dialect, at);
    default:
        return dialect_keyword(dialect, at);
    }
}

/* Operators that would otherwise be taken for an alias and a puzzling error behind it. */
static bool dialect_write_foreign(Dialect *dialect, uint32_t *at)
{
    Parser *parser = dialect->parser;
    Keyword word = parser->tokens.items[*at].keyword;
    const Token *next = parser_token(parser, *at + 1);
    bool test =
        dialect_is_word(dialect, *at - 1, KW_IS) ||
        (dialect_is_word(dialect, *at - 1, KW_NOT) && dialect_is_word(dialect, *at - 2, KW_IS));
    if (word == KW_JSON && test)
        return dialect_write_is_json(dialect, at);
    if (word == KW_AT && next->keyword == KW_TIME && dialect_is_word(dialect, *at + 2, KW_ZONE))
        return parser_fail_unsupported(
            parser, *at, *at + 2, "AT TIME ZONE",
            "Use CONVERT_TZ, or TIMESTAMP_LTZ and the option table.local-time-zone.");
    bool operand = next->kind == TOKEN_STRING || next->kind == TOKEN_NAME ||
                   (next->kind == TOKEN_WORD && lexer_keyword_flags(next->keyword) == 0);
    if (word == KW_ILIKE && operand && *at > dialect->first)
        return parser_fail_unsupported(parser, *at, *at, "ILIKE", "Use LOWER(a) LIKE LOWER(b).");
    return dialect_name(dialect, at);
}

static bool dialect_write_plain(Dialect *dialect, uint32_t *at)
{
    switch (dialect->parser->tokens.items[*at].keyword) {
    case KW_NONE:
        return dialect_name(dialect, at);
    case KW_TRUE:
    case KW_FALSE:
    case KW_NULL:
    case KW_UNKNOWN:
        return dialect_write_truth(dialect, at);
    case KW_CURRENT_DATE:
    case KW_CURRENT_TIME:
    case KW_CURRENT_TIMESTAMP:
    case KW_LOCALTIME:
    case KW_LOCALTIMESTAMP:
        return dialect_write_niladic(dialect, at);
    case KW_TRY_CAST:
        return dialect_write_cast_word(dialect, at);
    case KW_ARRAY:
    case KW_MAP:
        return dialect_write_collection(dialect, at);
    case KW_ROW:
        return dialect_write_row(dialect, at);
    case KW_TO:
        return dialect_write_to(dialect, at);
    case KW_BOTH:
    case KW_LEADING:
    case KW_TRAILING:
        return dialect_write_trim_side(dialect, at);
    case KW_IGNORE:
    case KW_RESPECT:
        return dialect_write_nulls_treatment(dialect, at);
    case KW_ANY:
    case KW_SOME:
        return dialect_is_quantifier(dialect, *at) ? dialect_write_quantifier(dialect, at)
                                                   : dialect_name(dialect, at);
    case KW_WITHIN:
        if (dialect_is_word(dialect, *at + 1, KW_GROUP))
            return parser_fail_unsupported(
                dialect->parser, *at, *at + 1, "WITHIN GROUP",
                "Values stand in the order in which they came; ARRAY_SORT(ARRAY_AGG(x)) sorts "
                "them, and ARRAY_JOIN makes a text of that.");
        return dialect_name(dialect, at);
    case KW_AT:
    case KW_ILIKE:
    case KW_JSON:
        return dialect_write_foreign(dialect, at);
    default:
        return dialect_write_contextual(dialect, at);
    }
}

bool dialect_write_word(Dialect *dialect, uint32_t *at)
{
    Parser *parser = dialect->parser;
    Token *token = &parser->tokens.items[*at];
    bool qualified = dialect_is_symbol(dialect, *at - 1, '.') ||
                     dialect_is_symbol(dialect, *at + 1, '.') ||
                     dialect_is_symbol(dialect, *at + 1, SYMBOL_ARROW);
    if (qualified)
        return dialect_name(dialect, at);
    if (!parser_read_literal(parser, *at))
        return false;
    if (dialect_write_json_pairs(dialect, at))
        return true;
    if (token->type != NULL) {
        dialect_put_holder(dialect, 'l', *at);
        *at = token->last + 1;
        return true;
    }
    if (dialect_write_parting(dialect, at) || dialect_write_json_clause(dialect, at))
        return true;
    uint32_t flags = lexer_keyword_flags(token->keyword);
    if ((flags & KEYWORD_RESERVED) != 0)
        return dialect_write_reserved(dialect, at);
    if ((flags & KEYWORD_QUERY) != 0)
        return dialect_write_structural(dialect, at);
    return dialect_write_plain(dialect, at);
}
