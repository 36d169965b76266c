//! Words that many runs have.
//!
//! The index of words answers with all runs that have them, which takes the longer the more these are, however few are asked
//! for. So first some of the runs that would be on the page, if nothing were asked of them, are looked at by themselves. If
//! enough of them have the words, and nothing else is asked for, they are the page.

use rusqlite::{Connection, params_from_iter};

use super::super::question::Filling;
use super::super::{Page, Question, Result};
use super::failure::failed;
use super::{read, words};
use crate::access::Access;

/// How many runs are looked at for each one of the page.
const FOR_EACH: usize = 4;
/// After how many it is seen whether that is enough.
const AT_FIRST: usize = 48;
/// Bytes of runs that are looked at.
const MOST: usize = 2 << 20;

/// What was seen of the next runs.
pub(super) enum Seen {
    /// They are the page that is asked for.
    Page(Page),
    /// None of them has the words.
    None,
    /// Some have the words, or it is not known.
    Some,
}

/// Looks at the next runs of a project, if it is one that is asked for and words that are asked for there.
pub(super) fn look(connection: &Connection, access: &Access, question: &Question) -> Result<Seen> {
    // The next runs of one project come from an index; others might have to be looked for among all.
    let Question { projects: Some(projects), filter: Some(filter), ids: None, traces: None, parent: None, .. } =
        question
    else {
        return Ok(Seen::Some);
    };
    let Some(wanted) = filter.wanted().filter(|_| projects.len() == 1) else { return Ok(Seen::Some) };
    let is_all = wanted.is_all
        && question.run_type.is_none()
        && question.error.is_none()
        && question.examples.is_none()
        && question.trace_filter.is_none()
        && question.tree_filter.is_none();
    let most = if is_all { question.limit.saturating_mul(FOR_EACH).max(AT_FIRST) } else { AT_FIRST };
    let next = Question {
        projects: question.projects.clone(),
        is_root: question.is_root,
        from: question.from,
        until: question.until,
        order: question.order,
        after: question.after,
        limit: most,
        ..Question::default()
    };
    let sql = read::asked(access, &next);
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let mut page = Filling::of(question);
    let (mut looked, mut have, mut bytes) = (0, 0, 0);
    for found in statement.query_map(params_from_iter(sql.parameters()), read::run).map_err(failed)? {
        if looked == most || bytes > MOST || (looked == AT_FIRST && have * FOR_EACH < looked) {
            return Ok(if have == 0 { Seen::None } else { Seen::Some });
        }
        let (key, run) = found.map_err(failed)?;
        let merged = read::merged(connection, key, run.row.id)?;
        looked += 1;
        bytes += merged.size();
        match wanted.are_in(&words::texts(run.row.name.clone(), &merged)) {
            None => return Ok(Seen::Some),
            Some(false) => continue,
            Some(true) => have += 1,
        }
        if !is_all {
            return Ok(Seen::Some);
        }
        if !page.has_room() {
            break;
        }
        page.push(read::completed(connection, key, run, question.payloads.then_some(merged))?);
    }
    Ok(if is_all { Seen::Page(page.done()) } else { Seen::None })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::schema;
    use super::*;
    use crate::filter::{Filter, register};

    #[test]
    fn what_comes_from_no_index_in_its_order_is_not_looked_for_ahead() {
        let mut connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        schema::migrate(&mut connection, 0).unwrap();
        let filtered = |filter: &str| Some(Filter::parse(filter).unwrap());
        let words = Question {
            projects: Some(vec![Uuid::nil()]),
            filter: filtered(r#"search("cat")"#),
            limit: 5,
            ..Question::default()
        };
        let is_ahead =
            |question: &Question| matches!(look(&connection, &Access::full(), question).unwrap(), Seen::Page(_));
        assert!(is_ahead(&words) && is_ahead(&Question { is_root: Some(true), ..words.clone() }));
        for other in [
            Question { projects: None, ..words.clone() },
            Question { projects: Some(vec![Uuid::nil(), Uuid::max()]), ..words.clone() },
            Question { error: Some(true), ..words.clone() },
            Question { run_type: Some("llm".into()), ..words.clone() },
            Question { tree_filter: filtered(r#"eq(name, "x")"#), ..words.clone() },
            Question { filter: filtered(r#"and(search("cat"), has(tags, "x"))"#), ..words.clone() },
        ] {
            assert!(!is_ahead(&other), "{other:?}");
        }
    }
}
