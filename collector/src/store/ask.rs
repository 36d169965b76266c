//! Questions become SQL. All that comes from a question is a bound parameter.

use runtree_tracing::langsmith::wire::Order;
use uuid::Uuid;

use super::{Question, ThreadQuestion, Timeline, Trouble, decide};
use crate::access::Access;
use crate::filter::{Dialect, Sql, contains};

fn listed<'a>(sql: &mut Sql, ids: impl IntoIterator<Item = &'a Uuid>) {
    let mut ids = ids.into_iter().peekable();
    // A list has to have something in it; nothing is equal to null.
    if ids.peek().is_none() {
        sql.push("NULL");
    }
    sql.each(ids, ", ", |sql, id| {
        sql.bind(*id);
    });
}

/// What a run has to meet, as the end of a `WHERE`. The table of runs is `r`.
pub(super) fn conditions(sql: &mut Sql, access: &Access, question: &Question) {
    // Few runs are of a trace, and fewer have one id: there the index of the project is not to be used.
    let is_narrow = question.ids.is_some() || question.traces.is_some() || question.parent.is_some();
    let project = if is_narrow { " AND +r.project" } else { " AND r.project" };
    let asked = question.projects.as_ref().map(|projects| projects.iter().collect::<Vec<_>>());
    let allowed = access.projects.as_ref().map(|projects| projects.iter().collect());
    for projects in [asked, allowed].into_iter().flatten() {
        sql.push(project);
        match projects.as_slice() {
            [one] => {
                sql.push(" = (SELECT key FROM projects WHERE id = ").bind(**one).push(")");
            }
            several => {
                sql.push(" IN (SELECT key FROM projects WHERE id IN (");
                listed(sql, several.iter().copied());
                sql.push("))");
            }
        }
    }
    if let Some(ids) = &question.ids {
        sql.push(" AND r.id IN (");
        listed(sql, ids);
        sql.push(")");
    }
    if let Some(traces) = &question.traces {
        sql.push(" AND r.trace");
        match traces.as_slice() {
            [one] => {
                sql.push(" = ").bind(*one);
            }
            several => {
                sql.push(" IN (");
                listed(sql, several);
                sql.push(")");
            }
        }
    }
    if let Some(parent) = question.parent {
        // Children are found by their trace, and those whose parent is not known as orphans.
        let (in_trace, orphans) = match sql.dialect() {
            Dialect::Sqlite => (" AND r.key IN (SELECT c.key FROM runs AS c", " UNION ALL SELECT c.key FROM runs AS c"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => (" AND r.id IN (SELECT c.id FROM runs AS c", " UNION ALL SELECT c.id FROM runs AS c"),
        };
        sql.push(in_trace).push(" WHERE c.trace = (SELECT trace FROM runs WHERE id = ");
        sql.bind(parent).push(") AND c.parent = ").bind(parent);
        sql.push(orphans).push(" WHERE c.is_orphan = 1 AND c.parent = ").bind(parent).push(")");
    }
    match question.is_root {
        Some(true) => sql.push(" AND r.parent IS NULL"),
        Some(false) => sql.push(" AND r.parent IS NOT NULL"),
        None => sql,
    };
    if let Some(run_type) = &question.run_type {
        sql.push(" AND r.run_type = ").bind(run_type.as_str());
    }
    match question.error {
        Some(true) => sql.push(" AND r.error IS NOT NULL"),
        Some(false) => sql.push(" AND r.error IS NULL"),
        None => sql,
    };
    for (compared, time) in [(" AND r.start >= ", question.from), (" AND r.start <= ", question.until)] {
        if let Some(time) = time {
            sql.push(compared).bind(time);
        }
    }
    if let Some(examples) = &question.examples {
        sql.push(" AND r.example IN (");
        listed(sql, examples);
        sql.push(")");
    }
    if let Some(filter) = &question.filter {
        sql.push(" AND ");
        filter.to_sql(sql);
    }
    for (filter, selected) in [
        (&question.trace_filter, " AND r.trace IN (SELECT r.trace FROM runs AS r WHERE r.parent IS NULL"),
        (&question.tree_filter, " AND r.trace IN (SELECT r.trace FROM runs AS r WHERE TRUE"),
    ] {
        if let Some(filter) = filter {
            sql.push(selected);
            let of_the_same = Question {
                projects: question.projects.clone(),
                traces: question.traces.clone(),
                ..Question::default()
            };
            conditions(sql, access, &of_the_same);
            sql.push(" AND ");
            filter.to_sql(sql);
            sql.push(")");
        }
    }
}

/// The runs of a timeline, with what is told of each; runs are told apart by the group.
pub(super) fn timeline(sql: &mut Sql, access: &Access, asked: &Timeline, group: &'static str) {
    sql.push("SELECT r.start, r.\"end\", r.first_token, r.status = 'error', ");
    // Whoever asks for some runs wants those counted, else it is traces that count.
    let is_some = asked.is_root.is_some() || asked.filter.is_some();
    sql.push(if is_some { "TRUE" } else { "r.parent IS NULL" });
    sql.push(", r.total_tokens, r.prompt_tokens, r.completion_tokens, r.total_cost, ").push(group);
    sql.push(" FROM runs AS r WHERE r.start < ").bind(asked.until);
    let question = Question {
        projects: Some(vec![asked.project]),
        from: Some(asked.from),
        is_root: asked.is_root,
        filter: asked.filter.clone(),
        ..Question::default()
    };
    conditions(sql, access, &question);
}

/// The conversations of a project. How a database counts roots, finds the last, adds tokens, counts failures and sees whether
/// one is open is told in its own words. If there are names, only these are looked at.
pub(super) fn threads(
    sql: &mut Sql,
    question: &ThreadQuestion,
    names: Option<&[String]>,
    [count, last, tokens, errors, running]: [&'static str; 5],
) {
    sql.push("SELECT * FROM (SELECT t.thread, t.count, t.first, t.last, t.tokens, t.cost, t.errors, t.running, ");
    for (preview, order) in [
        ("(SELECT input_preview", " ORDER BY start LIMIT 1) AS input, "),
        ("(SELECT output_preview", " ORDER BY start DESC LIMIT 1) AS output "),
    ] {
        sql.push(preview)
            .push(" FROM runs WHERE project = t.project AND thread = t.thread AND parent IS NULL")
            .push(order);
    }
    sql.push("FROM (SELECT project, thread, ").push(count).push(" AS count, min(start) AS first, ").push(last);
    sql.push(" AS last, ").push(tokens).push(" AS tokens, sum(total_cost) AS cost, ").push(errors).push(" AS errors, ");
    sql.push(running).push(" AS running FROM runs WHERE project = (SELECT key FROM projects WHERE id = ");
    sql.bind(question.project).push(") AND thread IS NOT NULL");
    if let Some(names) = names {
        sql.push(" AND thread IN (").each(names, ", ", |sql, name| {
            sql.bind(name.as_str());
        });
        sql.push(")");
    }
    sql.push(" GROUP BY project, thread) AS t WHERE t.count > 0) AS s");
    if let Some(part) = &question.search {
        for (before, place) in [(" WHERE (", "s.thread"), (" OR ", "s.input"), (" OR ", "s.output")] {
            sql.push(before);
            contains(place, part, sql);
        }
        sql.push(")");
    }
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    sql.push(" ORDER BY s.last DESC, s.thread LIMIT ").bind(number(question.limit));
    sql.push(" OFFSET ").bind(number(question.offset));
}

/// Where a page begins, its order and its length: one more than asked, to see whether there is more.
pub(super) fn page(sql: &mut Sql, question: &Question) {
    let (beyond, order) = match question.order {
        Order::Asc => (" AND (r.start, r.id) > (", " ORDER BY r.start, r.id LIMIT "),
        Order::Desc => (" AND (r.start, r.id) < (", " ORDER BY r.start DESC, r.id DESC LIMIT "),
    };
    if let Some(after) = &question.after {
        sql.push(beyond).bind(after.start).push(", ").bind(after.id).push(")");
    }
    sql.push(order).bind(i64::try_from(question.limit.saturating_add(1)).unwrap_or(i64::MAX));
}

/// The runs that something is wrong with: what else is told of one, what has to hold, and the tables, in a database's words.
pub(super) fn findings(
    sql: &mut Sql,
    access: &Access,
    trouble: Trouble,
    [other, condition, tables]: [&'static str; 3],
    since: i64,
    most: usize,
) {
    sql.push("SELECT r.id, r.trace, p.id, r.name, r.start, ").push(other);
    sql.push(tables).push(condition);
    match trouble {
        Trouble::NeverEnded => {
            sql.bind(decide::now() - decide::LONG_OPEN);
        }
        Trouble::SkewedClock => {
            sql.bind(decide::now() + decide::AHEAD).push(")");
        }
        _ => {}
    }
    conditions(sql, access, &Question { from: Some(since), ..Question::default() });
    sql.push(" ORDER BY r.start DESC, r.id DESC LIMIT ").bind(i64::try_from(most).unwrap_or(i64::MAX));
}
