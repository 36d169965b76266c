//! The head of a request to a collector: the target in the first line, then a header a line.
#![no_main]

use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;
use runtree_collector::http::guard::{Hosts, check};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Some(Ok(target)) = lines.next().map(Uri::try_from) else { return };
    let mut request = Request::new(());
    *request.uri_mut() = target;
    *request.method_mut() = Method::POST;
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) else { continue };
        request.headers_mut().append(name, value);
    }
    if check(&Hosts::Loopback(1984), &request).is_err() {
        return;
    }
    // What passes is known by a loopback name, and by that alone.
    let hosts: Vec<&HeaderValue> = request.headers().get_all(HOST).iter().collect();
    let [host] = hosts[..] else { panic!("{hosts:?}") };
    let name = host.to_str().expect("a name").strip_suffix(":1984").expect("its port").to_ascii_lowercase();
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    assert!(name == "localhost" || address.is_ok_and(|address| address.is_loopback()), "{name}");
    assert!(
        request.uri().authority().is_none_or(|target| target.as_str().eq_ignore_ascii_case(&format!("{name}:1984")))
    );
    let strangers = request.headers().get_all("sec-fetch-site").iter().filter(|site| *site == "cross-site").count();
    assert_eq!(strangers, 0);
});
