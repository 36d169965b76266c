//! `runtree serve` over Postgres, by what the address says of the connections.
//!
//! Needs the server that `tests/postgres/run` starts; without, these tests are skipped.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[allow(dead_code, reason = "each of the tests uses some of it")]
#[path = "../../collector/tests/support/database.rs"]
mod database;
#[allow(dead_code, reason = "each of the tests uses some of it")]
#[path = "support/served.rs"]
mod served;

mod in_postgres {
    use std::future::Future;
    use std::path::Path;

    use super::database::{Database, connected};
    use super::served::{Ended, Served, command};

    /// With a database of its own and the certificate that says who the server is.
    fn with_database<F: Future<Output = ()>>(test: impl FnOnce(Database, String) -> F) {
        let Ok(authority) = std::env::var("RUNTREE_POSTGRES_CA") else {
            eprintln!("skipped: RUNTREE_POSTGRES_CA is not set; tests/postgres/run sets it");
            return;
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test(Database::new().await, authority).await });
    }

    fn serve(url: &str, authority: Option<&str>) -> Result<Served, Ended> {
        Served::start(command(Path::new(url)).envs(authority.map(|file| ("SSL_CERT_FILE", file))))
    }

    /// Whether each connection of a collector is private; of none if there is none.
    async fn are_private(database: &Database) -> Option<bool> {
        let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                   WHERE datname = current_database() AND application_name = 'runtree'";
        connected(&database.url).await.query_one(sql, &[]).await.unwrap().get(0)
    }

    #[test]
    fn connections_are_private_if_the_address_says_so() {
        with_database(async |database, authority| {
            let address = database.url.replace("127.0.0.1", "localhost");
            let plain = serve(&address, Some(&authority)).unwrap();
            assert_eq!(are_private(&database).await, Some(false));
            drop(plain);
            while are_private(&database).await.is_some() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            let _private = serve(&format!("{address}?sslmode=require"), Some(&authority)).unwrap();
            assert_eq!(are_private(&database).await, Some(true));
        });
    }

    #[test]
    fn a_server_that_cannot_prove_its_name_is_told_nothing() {
        with_database(async |database, authority| {
            let required = format!("{}?sslmode=require", database.url);
            let by_its_name = required.replace("127.0.0.1", "localhost");
            for (address, authority, reason) in
                [(&by_its_name, None, "UnknownIssuer"), (&required, Some(&authority[..]), "not valid for name")]
            {
                let ended = serve(address, authority).err().unwrap();
                assert!(!ended.status.success());
                assert!(ended.stderr.contains(reason), "{}", ended.stderr);
            }
        });
    }
}
