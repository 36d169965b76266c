//! Connections, set up alike: some that write, some that only read.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Client, GenericClient, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts,
    Transaction,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, IsolationLevel, Row, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::failure::Result;
use crate::filter::Sql;
use crate::limits;

/// Questions that are answered at once.
const READERS: usize = 6;
/// Changes that are made at once; one of them is the writer's.
const WRITERS: usize = 4;
/// How long it is waited for a connection.
const WAIT: Duration = Duration::from_secs(5);

/// Something that SQL can be sent to, within one transaction.
pub(super) type View<'a> = Transaction<'a>;

/// What a connection beside the pools goes over.
type Beside = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Values beside SQL.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The connections of a collector to its database.
pub(super) struct Connections {
    config: Config,
    tls: MakeRustlsConnect,
    writers: Pool,
    readers: Pool,
}

impl Connections {
    /// Reads the database's address. Nothing is connected yet.
    pub(super) fn new(url: &str) -> std::result::Result<Self, StoreError> {
        let invalid = |error: &dyn std::fmt::Display| StoreError::Invalid(format!("the database's address: {error}"));
        let mut config: Config = url.parse().map_err(|error| invalid(&error))?;
        if config.get_application_name().is_none() {
            config.application_name("runtree");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(WAIT);
        }
        config.keepalives_idle(Duration::from_secs(30));
        let tls = tls(&mut config)?;
        let writes = "SET synchronous_commit = on; SET statement_timeout = '60s'; SET lock_timeout = '10s'; \
                      SET idle_in_transaction_session_timeout = '60s'";
        let reads = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {}",
            limits::QUESTION_TIME.as_millis()
        );
        let pool = |most, setup: String| {
            let method = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let set_up = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
                let setup = setup.clone();
                Box::pin(async move { client.batch_execute(&setup).await.map_err(HookError::Backend) })
            });
            Pool::builder(Manager::from_config(config.clone(), tls.clone(), method))
                .max_size(most)
                .runtime(Runtime::Tokio1)
                .timeouts(Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) })
                .post_create(set_up)
                .build()
                .map_err(|error| invalid(&error))
        };
        let (writers, readers) = (pool(WRITERS, writes.to_owned())?, pool(READERS, reads)?);
        Ok(Self { config, tls, writers, readers })
    }

    /// How to connect.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// A connection beside the pools.
    pub(super) async fn beside(&self) -> std::result::Result<(tokio_postgres::Client, Beside), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// A connection that writes.
    pub(super) async fn writer(&self) -> Result<Client> {
        Ok(self.writers.get().await?)
    }

    /// A connection that reads, within the time that a question may take.
    pub(super) async fn reader(&self) -> Result<Client> {
        Ok(self.readers.get().await?)
    }

    /// Ends all connections, once they are given back.
    pub(super) fn close(&self) {
        self.writers.close();
        self.readers.close();
    }
}

/// What makes connections private: with `sslmode=require` they are, and the server has to prove its name to whom this
/// machine trusts. Else nothing is, for what anybody can listen to from the middle would only look private.
fn tls(config: &mut Config) -> std::result::Result<MakeRustlsConnect, StoreError> {
    let invalid = |error: rustls::Error| StoreError::Invalid(format!("private connections to the database: {error}"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(invalid)?;
    let builder = if config.get_ssl_mode() == SslMode::Require {
        builder.with_platform_verifier().map_err(invalid)?
    } else {
        config.ssl_mode(SslMode::Disable);
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(MakeRustlsConnect::new(builder.with_no_client_auth()))
}

/// Begins to read: all that is asked sees the same state.
pub(super) async fn look(client: &mut Client) -> Result<View<'_>> {
    let view = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    Ok(view.start().await?)
}

/// Begins to change something.
pub(super) async fn begin(client: &mut Client) -> Result<View<'_>> {
    Ok(client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?)
}

/// The rows that one of the store's own questions finds.
pub(super) async fn rows(view: &View<'_>, sql: &str, values: Values<'_>) -> Result<Vec<Row>> {
    let statement = view.prepare_cached(sql).await?;
    Ok(view.query(&statement, values).await?)
}

/// The row that one of the store's own questions finds, if there is one.
pub(super) async fn row(view: &View<'_>, sql: &str, values: Values<'_>) -> Result<Option<Row>> {
    let statement = view.prepare_cached(sql).await?;
    Ok(view.query_opt(&statement, values).await?)
}

/// Changes something; answers how many rows.
pub(super) async fn execute(view: &View<'_>, sql: &str, values: Values<'_>) -> Result<u64> {
    let statement = view.prepare_cached(sql).await?;
    Ok(view.execute(&statement, values).await?)
}

/// The rows that a question finds which was put together. Its text is not kept, as there are as many as questions.
pub(super) async fn ask(view: &View<'_>, sql: &Sql) -> Result<Vec<Row>> {
    let values: Vec<&(dyn ToSql + Sync)> = sql.parameters().iter().map(|value| value as _).collect();
    Ok(view.query(sql.text(), &values).await?)
}
