/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why there is no solution, said in the names of packages. */
#include "base/cleanup.h"
#include "base/text.h"
#include "package/debian-pool.h"

#include <solv/problems.h>

#define SENTENCES_MAX 8

/* The sentences, each once. */
struct story {
        Solver *solver;
        struct ingot_strings sentences;
};

static int package_text(Pool *pool, Id solvable, struct ingot_buffer *b, ingot_error *reterr)
{
        const Solvable *s = pool_id2solvable(pool, solvable);
        return ingot_buffer_printf(b, reterr, "%s %s", pool_id2str(pool, s->name),
                                   pool_id2str(pool, s->evr));
}

/* "SOURCE verb RELATION, ending", where it is about a relation of a package. */
static int relation_sentence(Pool *pool, Id source, const char *verb, Id relation,
                             const char *ending, struct ingot_buffer *b, ingot_error *reterr)
{
        int r = package_text(pool, source, b, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(b, reterr, " %s ", verb);
        if (r >= 0)
                r = ingot_debian_relation_text(pool, relation, b, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(b, reterr, "%s", ending);
        return r;
}

static int pair_sentence(Pool *pool, Id a, const char *verb, Id b, struct ingot_buffer *text,
                         ingot_error *reterr)
{
        int r = package_text(pool, a, text, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(text, reterr, " %s ", verb);
        return r < 0 ? r : package_text(pool, b, text, reterr);
}

static int sentence(Pool *pool, SolverRuleinfo type, Id source, Id target, Id dep,
                    struct ingot_buffer *b, ingot_error *reterr)
{
        switch (type) {
        case SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
                return relation_sentence(pool, source, "needs", dep, ", which no source has", b,
                                         reterr);
        case SOLVER_RULE_PKG_REQUIRES:
                return relation_sentence(pool, source, "needs", dep, "", b, reterr);
        case SOLVER_RULE_PKG_CONFLICTS:
                return pair_sentence(pool, source, "conflicts with", target, b, reterr);
        case SOLVER_RULE_PKG_SAME_NAME:
                return pair_sentence(pool, source, "excludes", target, b, reterr);
        case SOLVER_RULE_PKG_SELF_CONFLICT:
                return relation_sentence(pool, source, "conflicts with itself by", dep, "", b,
                                         reterr);
        case SOLVER_RULE_PKG_RECOMMENDS:
                return relation_sentence(pool, source, "recommends", dep, "", b, reterr);
        case SOLVER_RULE_JOB:
        case SOLVER_RULE_JOB_NOTHING_PROVIDES_DEP:
        case SOLVER_RULE_JOB_UNKNOWN_PACKAGE: {
                int r = dep ? ingot_debian_relation_text(pool, dep, b, reterr) : 0;
                return r < 0 || !dep ? r
                       : ingot_buffer_printf(b, reterr, type == SOLVER_RULE_JOB
                                                                ? " is asked for"
                                                                : " is in no source");
        }
        default:
                return 0;
        }
}

static int tell_rule(struct story *story, Id rule, ingot_error *reterr)
{
        Pool *pool = story->solver->pool;
        Queue infos;
        int r = 0;
        queue_init(&infos);
        solver_allruleinfos(story->solver, rule, &infos);
        for (int i = 0; r >= 0 && i + 3 < infos.count; i += 4) {
                _cleanup_buffer_ struct ingot_buffer b = {0};
                r = sentence(pool, (SolverRuleinfo) infos.elements[i], infos.elements[i + 1],
                             infos.elements[i + 2], infos.elements[i + 3], &b, reterr);
                if (r >= 0 && b.size > 0 && story->sentences.count < SENTENCES_MAX &&
                    !ingot_strings_contains(&story->sentences, (char *) b.data))
                        r = ingot_strings_add(&story->sentences, (char *) b.data, reterr);
        }
        queue_free(&infos);
        return r;
}

static int tell_problem(struct story *story, Id problem, ingot_error *reterr)
{
        Queue rules;
        int r = 0;
        queue_init(&rules);
        Id worst = solver_findproblemrule(story->solver, problem);
        if (worst)
                r = tell_rule(story, worst, reterr);
        solver_findallproblemrules(story->solver, problem, &rules);
        for (int i = 0; r >= 0 && i < rules.count; i++)
                r = tell_rule(story, rules.elements[i], reterr);
        queue_free(&rules);
        return r;
}

int ingot_debian_problems(Solver *solver, ingot_error *reterr)
{
        struct story story = {.solver = solver};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int count = (int) solver_problem_count(solver), r = 0;
        for (Id problem = 1; r >= 0 && problem <= count; problem++)
                r = tell_problem(&story, problem, reterr);
        for (size_t i = 0; r >= 0 && i < story.sentences.count; i++)
                r = ingot_buffer_printf(&text, reterr, "%s%s", i > 0 ? "; " : "",
                                        story.sentences.items[i]);
        ingot_strings_done(&story.sentences);
        return r < 0 ? r
                     : ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "these packages cannot be installed together: %s",
                                  text.data ? (char *) text.data : "the solver gives no reason");
}
