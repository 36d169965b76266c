//! Sends what dead processes left in one folder, without an exporter of this process.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use runtree_core::{Result, ResultExt};

use super::courier;
use super::door::Door;
use super::lane::Lane;
use super::notice::{Notices, Problem};
use super::options::Options;
use super::protocol::Protocol;
use super::receipt::Receipt;
use super::spool::{Disk, RealDisk, Spool, SpoolOptions};

/// How often it is looked whether all is sent.
const LOOK: Duration = Duration::from_millis(10);

/// Sends what dead processes left in `folder`, for `longest` at the most. Answers what became of it, and the last thing
/// that went wrong.
///
/// # Errors
/// If no runtime can be started.
pub(crate) fn send_left(
    protocol: Arc<dyn Protocol>,
    folder: &Path,
    patience: Duration,
    longest: Duration,
) -> Result<(Receipt, Option<Problem>)> {
    let last = Arc::new(Mutex::new(None));
    let heard = last.clone();
    let options = Options {
        patience,
        linger: Duration::ZERO,
        dead_letters: Some((folder.join("dead"), 100 << 20)),
        on_problem: Some(Arc::new(move |problem: &Problem| {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem.clone());
        })),
        quiet: true,
        ..Options::default()
    };
    let options = Arc::new(options);
    let door = Arc::new(Door::new(options.memory));
    let lane = Arc::new(Lane::new(protocol, options, Arc::new(Notices::default()), door, None));
    let (spools, disk): (_, Arc<dyn Disk>) = (SpoolOptions::new(folder), Arc::new(RealDisk));
    lane.look(|| Spool::adopt(&spools, &disk).map(|adopted| (adopted.spools, adopted.failed)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.or_fail("starting a runtime to send runs on")?.block_on(async {
        let sent = async {
            while lane.spooled().records > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        let over = select(Box::pin(sent), Box::pin(tokio::time::sleep(longest)));
        match select(Box::pin(courier::run(lane.clone())), over).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    });
    let last = last.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok((lane.receipt(), last))
}
