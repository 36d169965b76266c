//! Word of new versions, whichever collector wrote them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_postgres::{AsyncMessage, Client};

use super::connections::Connections;

/// How long it is between two looks when no word comes: it may have been lost with a connection.
const LOOK: Duration = Duration::from_secs(10);
/// How long it is to the next look when somebody still writes an older version.
const SOON: Duration = Duration::from_millis(10);
/// How long it is to the next try when the database is away.
const AGAIN: Duration = Duration::from_millis(500);

/// Tells of the horizon, whenever it moves, until nobody listens any more.
pub(super) async fn run(connections: Arc<Connections>, news: watch::Sender<i64>) {
    while !news.is_closed() {
        listen(&connections, &news).await;
        tokio::select! {
            () = news.closed() => {}
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Listens on a connection until that ends.
async fn listen(connections: &Connections, news: &watch::Sender<i64>) {
    let Ok((client, mut connection)) = connections.beside().await else { return };
    let word = Notify::new();
    let drive = async {
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                word.notify_one();
            }
        }
    };
    let look = async {
        client.batch_execute("LISTEN runtree").await?;
        loop {
            let wait = if look(&client, news).await? { LOOK } else { SOON };
            // Without word it is looked all the same.
            let _ = tokio::time::timeout(wait, word.notified()).await;
        }
        #[expect(unreachable_code, reason = "it names the type of the error")]
        Ok::<(), tokio_postgres::Error>(())
    };
    tokio::select! {
        () = drive => {}
        _ = look => {}
        () = news.closed() => {}
    }
}

/// Tells of the horizon if it moved. Answers whether nobody is behind.
async fn look(client: &Client, news: &watch::Sender<i64>) -> Result<bool, tokio_postgres::Error> {
    let row = client.query_one("SELECT horizon, newest FROM horizon()", &[]).await?;
    let (horizon, newest): (i64, i64) = (row.get(0), row.get(1));
    news.send_if_modified(|known| {
        let moves = horizon > *known;
        *known = horizon.max(*known);
        moves
    });
    Ok(horizon == newest)
}
