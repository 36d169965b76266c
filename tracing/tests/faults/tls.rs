//! F18: a server whose certificate is wrong gets nothing, and nothing is lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use runtree_tracing::export::{Durability, Problem};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::server::{Reply, Server, Setup};
use crate::{MODES, Program, arrived_once, is_a_process_of_its_own};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A server's side of TLS with a certificate for `name`, good until the end of `year`.
fn certified(authority: &Authority, name: &str, year: i32) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(year, 12, 31));
    let certificate = parameters.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

/// Runs go to `server` over TLS; none of them may get there. Answers the program, which has them still.
fn is_refused(server: &Server, mode: Durability, why: &str) -> Program {
    let program = Program::new(&format!("https://localhost:{}", server.address().port()), mode);
    program.runs(10);
    while program.problems().is_empty() {
        std::thread::yield_now();
    }
    let receipt = program.flush_within(Duration::from_millis(400));
    assert!(receipt.is_balanced() && receipt.waiting + receipt.spooled + receipt.merged == 20, "{why}: {receipt:?}");
    let problems = program.problems();
    assert!(problems.iter().all(|problem| matches!(problem, Problem::Failing { .. })), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.to_string().contains(why)), "{why}: {problems:?}");
    assert!(server.requests().is_empty() && server.runs().is_empty(), "{why}: it got something");
    program
}

#[test]
fn f18_a_wrong_certificate_is_refused_and_runs_are_kept_until_it_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    let test = "tls::f18_a_wrong_certificate_is_refused_and_runs_are_kept_until_it_is_right";
    // Which roots a process trusts is asked once, so this is one of its own.
    if !is_a_process_of_its_own(test, &[("SSL_CERT_FILE", &roots.display().to_string())]) {
        return;
    }
    let ours = authority();
    std::fs::write(std::env::var("SSL_CERT_FILE").unwrap(), ours.pem()).unwrap();
    let wrong = [
        (certified(&ours, "localhost", 2021), "xpired"),
        (certified(&ours, "example.org", 2099), "not valid for name"),
        (certified(&authority(), "localhost", 2099), "invalid peer certificate"),
    ];
    for mode in MODES {
        for (config, why) in &wrong {
            let config = Arc::new(Mutex::new(config.clone()));
            let setup = Setup { tls: Some(config.clone()), scripts_info: false, ..Setup::default() };
            let server = Server::with(setup, |_| Reply::stored());
            let program = is_refused(&server, *mode, why);
            *config.lock().unwrap() = certified(&ours, "localhost", 2099);
            program.arrives_at(&server);
            arrived_once(&server);
        }
    }
}

#[test]
fn f18_a_server_that_speaks_no_tls_is_told_nothing() {
    for mode in MODES {
        let setup = Setup { scripts_info: true, ..Setup::default() };
        let server = Server::with(setup, |_| Reply::stored());
        let program = is_refused(&server, *mode, "connecting failed");
        let receipt = program.langsmith.close(Duration::ZERO);
        assert!(receipt.is_balanced() && receipt.stored == 0, "{receipt:?}");
    }
}
