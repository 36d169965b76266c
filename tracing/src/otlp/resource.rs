//! What is said of the process that sends.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::attributes::Attributes;

/// The field of `Resource`.
const ATTRIBUTES: u32 = 1;

/// What is known of the process, besides what every process of ours says.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) service_name: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
}

impl Process {
    /// The service's name; as OpenTelemetry has it, `unknown_service:` and the program's name where none was given.
    pub(super) fn service_name(&self) -> String {
        self.service_name.clone().unwrap_or_else(|| {
            let program = std::env::current_exe().ok();
            let name = program.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
            name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
        })
    }

    /// The resource; the last of several attributes of one name counts, and none replaces what the SDK says of itself.
    pub(super) fn resource(&self, project: Option<&str>) -> Resource {
        let mut said: Vec<(&str, &str)> = Vec::new();
        for (key, value) in &self.attributes {
            said.retain(|(known, _)| known != key);
            said.push((key, value));
        }
        let sdk = [
            ("telemetry.sdk.name", "runtree"),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        let mut attributes = Attributes::new(ATTRIBUTES, usize::MAX);
        attributes.text("service.name", &self.service_name());
        sdk.iter().for_each(|(key, value)| attributes.text(*key, value));
        attributes.some_text("openinference.project.name", project);
        let own = |key: &str| key == "service.name" || key.starts_with("telemetry.sdk.");
        let taken = |key: &str| own(key) || (project.is_some() && key == "openinference.project.name");
        for (key, value) in said.into_iter().filter(|(key, _)| !taken(key)) {
            attributes.text(key, value);
        }
        Resource::decode(&attributes.of(&Resource::default())[..]).unwrap_or_default()
    }
}

/// What made the spans.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "runtree".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    }
}
