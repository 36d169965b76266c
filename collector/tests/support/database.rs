//! Databases on the Postgres server that `RUNTREE_POSTGRES` names; `tests/postgres/run` starts one.

use tokio_postgres::{Client, Config, NoTls};

/// A database of a test's own, that is removed in the end.
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let name = format!("runtree_{}", uuid::Uuid::new_v4().simple());
        let client = connected(&server()).await;
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        let server = server();
        let (before, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{before}/{name}"), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = connected(&server()).await;
                // The server goes with what is left.
                let _ = client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
            });
        };
        let _ = std::thread::spawn(remove).join();
    }
}

pub(crate) fn server() -> String {
    std::env::var("RUNTREE_POSTGRES").expect("RUNTREE_POSTGRES names a server; tests/postgres/run starts one")
}

pub(crate) async fn connected(url: &str) -> Client {
    let (client, connection) = url.parse::<Config>().unwrap().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
