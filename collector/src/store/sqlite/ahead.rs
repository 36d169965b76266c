//! Words that many runs have.
//!
//! The index of words answers with all runs that have them, which takes the longer the more these are, however few are asked
//! for. So first some of the runs that would be on the page, if words were not asked for, are looked at by themselves. If
//! enough of them have the words, they are the page; if not, few runs have them, and the index is quick.

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

/// The page that a question asks for, if it is found this way.
pub(super) fn page(connection: &Connection, access: &Access, question: &Question) -> Result<Option<Page>> {
    // The next runs of one project come from an index. Whatever else is asked for, they might be looked for among all.
    let Question {
        projects: Some(projects),
        filter: Some(filter),
        ids: None,
        trace: None,
        parent: None,
        run_type: None,
        error: None,
        examples: None,
        trace_filter: None,
        tree_filter: None,
        ..
    } = question
    else {
        return Ok(None);
    };
    let Some(wanted) = filter.only_words().filter(|_| projects.len() == 1) else { return Ok(None) };
    let most = question.limit.saturating_mul(FOR_EACH).max(AT_FIRST);
    let any = Question { filter: None, limit: most, ..question.clone() };
    let sql = read::asked(access, &any);
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let mut page = Filling::of(question);
    let (mut looked, mut have, mut bytes) = (0, 0, 0);
    for found in statement.query_map(params_from_iter(sql.parameters()), read::run).map_err(failed)? {
        if looked == most || bytes > MOST || (looked == AT_FIRST && have * FOR_EACH < looked) {
            return Ok(None);
        }
        let (key, run) = found.map_err(failed)?;
        let merged = read::merged(connection, key, run.row.id)?;
        looked += 1;
        bytes += merged.size();
        match wanted.are_in(&words::texts(run.row.name.clone(), &merged)) {
            None => return Ok(None),
            Some(false) => continue,
            Some(true) => have += 1,
        }
        if !page.has_room() {
            break;
        }
        page.push(read::completed(connection, key, run, question.payloads.then_some(merged))?);
    }
    Ok(Some(page.done()))
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
        let is_ahead = |question: &Question| page(&connection, &Access::full(), question).unwrap().is_some();
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
