//! Batches that end with the first error.

use runtree_core::{Error, Result};

/// All results, or the first error in the order of the inputs. Inputs that were only stopped on behalf of another are
/// passed over.
pub(crate) fn first_error<T>(results: Vec<Result<T>>) -> Result<Vec<T>> {
    let mut outputs = Vec::with_capacity(results.len());
    let mut stopped: Option<Error> = None;
    for result in results {
        match result {
            Ok(output) => outputs.push(output),
            Err(error) if error.is_cancelled() => stopped = stopped.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    stopped.map_or(Ok(outputs), Err)
}
